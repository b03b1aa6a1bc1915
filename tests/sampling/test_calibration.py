"""The scale of a checkpoint: its formulas, its JSON, and the presets that follow from it."""

import json
import math

import pytest

from toolkit.core import CheckpointError, UsageError
from toolkit.sampling import PRESETS, Calibration, Sampler, preset, presets, sampling_knobs

LETTERS = Calibration(1.39, {"byte": 1.0, "character": 1.0, "word": 5.53, "line": 25.0})
PIECES = Calibration(3.06, {"character": 0.27, "word": 1.41})
NOTES = Calibration(0.83, {"note": 2.23, "quarter": 4.2, "bar": 13.2})
EVERY = pytest.mark.parametrize("calibration", [LETTERS, PIECES, NOTES], ids=["letters", "pieces", "notes"])


def test_a_phrase_is_two_words_or_a_bar_whatever_a_token_is():
    assert (LETTERS.phrase, PIECES.phrase, NOTES.phrase) == (11, 3, 13)
    assert Calibration(2.0, {"word": 90.0, "character": 1.0}).phrase == 16  # no blanks between words
    assert Calibration(2.0).phrase == Calibration(2.0, {"word": 0.5}).phrase == 2


@EVERY
def test_windows_hold_many_phrases(calibration):
    assert calibration.passage == 32 * calibration.phrase
    assert calibration.section == 4 * calibration.passage
    assert calibration.section <= 16384  # the widest window that a knob offers


@EVERY
def test_probabilities_follow_from_the_entropy(calibration):
    assert calibration.tau == pytest.approx(0.75 * calibration.entropy / math.log(2))
    assert -math.log(calibration.target) == pytest.approx(calibration.entropy / 2)
    assert 0 < calibration.epsilon < calibration.target
    # Eta's line is eta itself up to one and a half times the mean entropy, and sinks beyond.
    at = 1.5 * calibration.entropy
    assert math.sqrt(calibration.eta) * math.exp(-at) == pytest.approx(calibration.eta)


@EVERY
def test_a_calibration_comes_back_from_json(calibration):
    assert Calibration.of_data(json.loads(json.dumps(calibration.data()))) == calibration


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"entropy": 1.0},
        {"entropy": "1", "tokens_per": {}},
        {"entropy": True, "tokens_per": {}},
        {"entropy": -1.0, "tokens_per": {}},
        {"entropy": math.inf, "tokens_per": {}},
        {"entropy": 1.0, "tokens_per": []},
        {"entropy": 1.0, "tokens_per": {"word": 0}},
        {"entropy": 1.0, "tokens_per": {"word": "5"}},
        {"entropy": 1.0, "tokens_per": {}, "more": 1},
    ],
)
def test_what_is_no_calibration_is_refused(data):
    with pytest.raises(CheckpointError, match="calibration"):
        Calibration.of_data(data)


def test_without_a_measurement_the_result_tells_about_as_much():
    text = {"val_nats_per_token": 3.06363, "val_nats_per_character": 0.82546, "val_nats_per_byte": 0.82476}
    guessed = Calibration.of_result(text)
    assert guessed.entropy == 3.06363
    assert guessed.tokens_per["character"] == pytest.approx(0.2694, abs=1e-4)
    assert guessed.phrase == PIECES.phrase
    music = {"val_nats_per_token": 0.83199, "val_nats_per_note": 1.85837, "val_nats_per_quarter": 3.51695}
    assert Calibration.of_result(music).phrase == 17  # a bar of four quarters, where most tunes have fewer
    for nothing in ({}, {"val_nats_per_token": 0}, {"val_nats_per_token": "x"}, {"val_nats_per_token": math.inf}):
        assert Calibration.of_result(nothing) is None


# --- presets -------------------------------------------------------------------------------------------------


@EVERY
def test_every_preset_says_everything_and_can_be_had(calibration):
    known = {each.name for each in sampling_knobs()}
    for settings in presets(calibration).values():
        assert set(settings) == known
        sampler = Sampler.from_settings(settings, calibration=calibration)
        assert len(sampler.transforms) == len(set(sampler.order))
    assert set(PRESETS) < set(presets(calibration))
    assert set(presets()) == set(PRESETS)


def test_plain_is_the_model_itself_and_others_are_not():
    for name in presets(LETTERS):
        assert (Sampler.from_settings(preset(name, LETTERS)).transforms == ()) == (name == "plain")


def test_the_presets_of_other_programs_keep_their_order_and_count_tokens():
    theirs = Sampler.from_settings({**preset("llama.cpp"), "repetition_penalty": 1.1}, calibration=LETTERS)
    assert theirs.order == ("repetition", "top_k", "top_p", "min_p", "temperature")
    assert theirs.transforms[0].repetition_span == 1
    assert Sampler.from_settings(preset("hf")).order == ("top_k",)


def test_a_mistyped_preset_is_refused_with_a_suggestion():
    with pytest.raises(UsageError, match="did you mean 'mirostat'"):
        preset("mirostatt")
