"""A run on one of the published sets: its loss per time step on the official split, whatever it was trained on.

Pieces are measured one by one from an empty memory (`toolkit.evaluate.documents`); what is counted is told by
`toolkit.evaluate.stepwise`, what others report by `toolkit.evaluate.published`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from toolkit.api.materials import open_corpus, prepare
from toolkit.api.running import Run
from toolkit.core import SPLITS, Constraint, Split, UsageError, unknown

if TYPE_CHECKING:
    from toolkit.evaluate import StepLoss

MOST_TRANSPOSITIONS = 25
"""From an octave below to an octave above."""


@runtime_checkable
class Stepped(Protocol):
    """A codec whose sequences are steps, each closed by one id, and that can tell what it would change of an item."""

    @property
    def end_of_step(self) -> int: ...

    def grammar(self) -> Constraint[Any]: ...

    def warnings_for(self, item: Any, /) -> str | None: ...

    def transposition(self, semitones: int) -> npt.NDArray[np.int64]:
        """The id that each id becomes, of shape (V,); -1 where it has none."""
        ...


@dataclass(frozen=True)
class Benchmarked:
    """A run's loss on a set, with predictions averaged over so many ``transpositions`` of each piece.

    ``within_grammar`` says that what cannot follow was given no probability.
    """

    benchmark: str
    split: Split
    transpositions: int
    within_grammar: bool
    loss: StepLoss
    predictions: int

    def report(self) -> dict[str, float]:
        """Every figure by name; `toolkit.evaluate.stepwise.StepLoss` says what is counted in each."""
        loss = self.loss
        figures = {
            "nats_per_step": loss.nats_per_step,
            "nats_per_step_with_stop": loss.nats_per_step_with_stop,
            "nats_per_step_after_first": loss.nats_per_step_after_first,
            "nats_per_step_by_piece": loss.nats_per_step_by_piece,
            "nats_per_token": (loss.nats + loss.stop_nats) / self.predictions,
        }
        return {name: round(value, 5) for name, value in figures.items()}


def benchmark(
    run: Run, name: str, split: Split = "test", *, transpositions: int = 1, within_grammar: bool = False
) -> Benchmarked:
    """The loss of ``run`` on the official split of a published set.

    More than one of the ``transpositions`` (0, then a semitone up, one down, two up …) are averaged token by token, as
    `toolkit.evaluate.mixed_nats` describes. ``within_grammar`` gives what the grammar forbids no chance,
    as generation does. UsageError for an unknown set or split, and for a run whose codec knows no steps or cannot hold
    the pieces exactly; InputError where the set is not here.
    """
    from toolkit.evaluate import BENCHMARKS, Reading, document_nats, documents_in, mixed_nats, step_loss

    if name not in BENCHMARKS:
        raise unknown("benchmark", name, BENCHMARKS)
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if not 1 <= transpositions <= MOST_TRANSPOSITIONS:
        raise UsageError(f"predictions are averaged over 1 to {MOST_TRANSPOSITIONS} transpositions of a piece.")
    codec = run.codec
    if not isinstance(codec, Stepped):
        raise UsageError(f"the codec {codec.name!r} of {run.name} does not tell time steps apart; 'steps' does.")
    corpus = open_corpus(name)
    for document in corpus.read(split):
        lost = codec.warnings_for(document.item)
        if lost:
            raise UsageError(f"the codec of {run.name} does not hold {name} as it is: {lost}")
    encoded = prepare(corpus, codec).split(split)
    pieces = [ids[1:] for ids in documents_in(encoded)]
    how = Reading(grammar=codec.grammar() if within_grammar else None)
    if transpositions == 1:
        nats = document_nats(run.model, encoded, how)
    else:
        nats = mixed_nats(run.model, encoded, [codec.transposition(each) for each in _nearest(transpositions)], how)
    loss = step_loss(pieces, nats, codec.end_of_step)
    return Benchmarked(name, split, transpositions, within_grammar, loss, encoded.predictions)


def _nearest(count: int) -> list[int]:
    """That many numbers of semitones, the nearest first: 0, 1, -1, 2, -2 and so on."""
    return [(number + 1) // 2 * (1 if number % 2 else -1) for number in range(count)]
