"""Measures a model on held-out tokens: whole splits, documents one by one, and beside what others have published."""

from toolkit.evaluate.documents import Reading, document_nats, documents_in, evaluate_documents, mixed_nats
from toolkit.evaluate.evaluation import Evaluation, dynamic_evaluation, evaluate
from toolkit.evaluate.published import BENCHMARKS, Row, rows_of
from toolkit.evaluate.stepwise import StepLoss, step_loss

__all__ = [
    "BENCHMARKS",
    "Evaluation",
    "Reading",
    "Row",
    "StepLoss",
    "document_nats",
    "documents_in",
    "dynamic_evaluation",
    "evaluate",
    "evaluate_documents",
    "mixed_nats",
    "rows_of",
    "step_loss",
]
