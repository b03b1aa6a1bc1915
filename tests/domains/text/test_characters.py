"""The vocabulary of characters and what happens to those it never saw."""

import time

import pytest

from toolkit.core import CheckpointError, InputError
from toolkit.domains.text.characters import CharCodec
from toolkit.domains.text.storage import write_json

PLAIN = CharCodec.build(["abcdefghijklmnopqrstuvwxyz ABCDE.'\"-\n"])


def read(codec, text):
    return codec.decode(codec.encode(text))


def test_ids_follow_code_points_and_the_stop_is_last():
    codec = CharCodec.build(["ba", "é", "b\n"])
    assert codec.characters == "\nabé"
    assert codec.encode("é\nb") == [3, 0, 2]
    assert (codec.stop, codec.size) == (4, 5)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("é", "e"),
        ("Z", "z"),
        ("É", "E"),
        ("ø", "o"),
        ("ﬁn", "fin"),
        ("ﬀ", "ff"),
        ("‘it’", "'it'"),
        ("“so”", '"so"'),
        ("a—b", "a-b"),
        ("…", "..."),
        ("ß", "ss"),
        ("œuvre", "oeuvre"),
        ("ｗｉｄｅ", "wide"),
        ("\t", " "),
        ("\u00a0", " "),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        ("e\u0301", "e"),
        ("☃漢\0", ""),
    ],
)
def test_an_unseen_character_becomes_its_nearest_or_goes(typed, kept):
    assert read(PLAIN, typed) == kept


def test_separate_accents_join_where_only_that_makes_them_known():
    composed = CharCodec.build(["caf\u00e9"])
    assert read(composed, "cafe\u0301") == "caf\u00e9"
    assert composed.warnings_for("cafe\u0301") is None
    apart = CharCodec.build(["cafe\u0301 \u00e9"])
    assert read(apart, "cafe\u0301") == "cafe\u0301"


def test_without_double_quotes_single_ones_serve():
    assert read(CharCodec.build(["it's"]), "“it’s”") == "'it's'"


def test_a_warning_names_what_was_replaced_and_what_was_left_out():
    assert PLAIN.warnings_for("all known") is None
    warning = PLAIN.warnings_for("“é” ☃\t")
    assert warning is not None
    assert '“ as "' in warning
    assert "é as e" in warning
    assert warning.endswith("left out ☃.")
    many = PLAIN.warnings_for("".join(chr(0x4E00 + each) for each in range(100)))
    assert many is not None
    assert many.endswith("and 92 more.")


def test_a_warning_is_one_line_whatever_it_names():
    warning = PLAIN.warnings_for("\x00\x1b[31m\u202e\u2028")
    assert warning is not None
    assert warning.isprintable()


def test_a_text_without_characters_has_no_vocabulary():
    for items in ([], ["", ""]):
        with pytest.raises(InputError):
            CharCodec.build(items)


def test_a_long_text_encodes_across_blocks():
    text = "abc\n" * 700_000 + "é"
    assert PLAIN.decode(PLAIN.encode_array(text)) == text[:-1] + "e"


def test_encoding_is_quick():
    text = "the quick brown fox jumps over the lazy dog. " * 100_000
    PLAIN.encode("a")
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        PLAIN.encode_array(text)
        seconds.append(time.perf_counter() - start)
    assert len(text) / min(seconds) > 10e6  # 20 to 50 MB/s on an idle core; half of that when it is shared


@pytest.mark.parametrize("characters", [None, 7, "", "ba", "aa", "a\ud800", ["a"]])
def test_a_vocabulary_that_is_none_is_refused(characters, tmp_path):
    import json

    (tmp_path / "codec.json").write_text(json.dumps({"format": 1, "codec": "char", "characters": characters}))
    with pytest.raises(CheckpointError):
        CharCodec.load(tmp_path)


def test_a_vocabulary_may_be_large(tmp_path):
    every = "".join(chr(each) for each in range(0x20, 0xD800))
    write_json(tmp_path, {"format": 1, "codec": "char", "characters": every})
    assert CharCodec.load(tmp_path).size == len(every) + 1
