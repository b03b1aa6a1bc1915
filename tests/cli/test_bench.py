"""`toolkit bench decode`: one row for each way, with what was asked for, and a refusal in a sentence."""

import importlib.util

import numpy as np
import pytest
import torch

from toolkit.api.rivals import rivals
from toolkit.models import ModelSettings, RecurrentLM

ENGINES = {"torch": "fp32", "torch-no-onednn": "fp32", "torch-int8": "int8"}
if importlib.util.find_spec("onnxruntime") is not None:
    ENGINES |= {"onnxruntime": "fp32", "onnxruntime-int8": "int8"}


def test_every_way_is_measured_at_every_size(toolkit):
    answer = toolkit("bench", "decode", "--hidden=8,16", "--batch=1,3", "--seconds=0.001", "--json")
    assert answer.code == 0
    rows = answer.json["rows"]
    assert {(each["hidden"], each["batch"]) for each in rows} == {(8, 1), (8, 3), (16, 1), (16, 3)}
    expected = {*ENGINES.items()}
    if importlib.util.find_spec("numba") is not None:
        expected |= {("toolkit", "fp32"), ("toolkit", "int8")}
    assert {(each["engine"], each["dtype"]) for each in rows} == expected
    assert len(rows) == 4 * len(expected)
    for each in rows:
        assert each.keys() == {"engine", "dtype", "hidden", "batch", "tokens_per_second", "share_of_limit"}
        assert each["tokens_per_second"] > 0
        assert each["share_of_limit"] is None or each["share_of_limit"] > 0


@pytest.mark.parametrize("words", [["encode"], ["decode", "--hidden=many"], ["decode", "--batch=0"]])
def test_what_cannot_be_measured_is_refused(toolkit, words):
    answer = toolkit("bench", *words)
    assert answer.code == 2
    assert answer.out == ""


def test_rivals_compute_the_same_model():
    torch.manual_seed(0)
    model = RecurrentLM(65, ModelSettings(layers=2, width=32)).eval()
    ids = np.random.default_rng(0).integers(0, 65, (12, 3))
    with torch.inference_mode():
        expected = model(torch.from_numpy(ids.T.copy()))[0][:, -1].numpy()
    steps = rivals(model, 3)
    assert {name for name, _ in steps} == ENGINES.keys()
    for (name, precision), step in steps.items():
        state = None
        for ids_B in ids:
            logits_BV, state = step(ids_B, state)
        assert np.abs(logits_BV - expected).max() < (1e-4 if precision == "fp32" else 0.05), name
