"""Errors: one sentence and one exit code each."""

import pytest

from toolkit.core import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ToolkitError, 1),
        (errors.UsageError, 2),
        (errors.InputError, 3),
        (errors.CheckpointError, 4),
        (errors.DivergedError, 5),
        (errors.DiskFullError, 6),
        (errors.MissingExtraError, 1),
    ],
)
def test_every_error_has_the_exit_code_of_the_command_line(kind, code):
    assert kind.exit_code == code
    assert issubclass(kind, errors.ToolkitError)


def test_a_mistyped_name_suggests_the_nearest():
    assert (
        str(errors.unknown("cell", "ltsm", ["gru", "lstm", "rnn"])) == "no cell is called 'ltsm'; did you mean 'lstm'?"
    )


def test_a_name_like_no_other_lists_what_there_is():
    assert "there are gru, lstm" in str(errors.unknown("cell", "transformer", ["lstm", "gru"]))
    assert "there are none" in str(errors.unknown("cell", "lstm", []))


def test_a_name_among_very_many_is_told_in_a_sentence_all_the_same():
    told = str(errors.unknown("word", "xyzzy", (f"word{number:04}" for number in range(1000))))
    assert told == "no word is called 'xyzzy'; there are 1,000, from word0000 to word0999."


def test_a_missing_extra_says_how_to_install_it():
    message = str(errors.MissingExtraError("rendering audio", "audio"))
    assert message.startswith("rendering audio needs")
    assert "lstm-toolkit[audio]" in message
