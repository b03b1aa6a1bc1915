"""The laws of a codec, for every codec of text."""

import json
import random
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from toolkit.core import CheckpointError, InputError
from toolkit.domains.text import DOMAIN

NAMES = sorted(DOMAIN.codecs)
LOSSLESS = ["bpe", "byte", "unigram"]
RHYME = (
    "The wind has a ladder, the rain has a stair,\n"
    "and both of them climb through the holes in the air;\n"
    "  the snow has a feather, the fog has a sleeve —\n\n"
    "they come without knocking, they wave when they leave. Où? Là-bas!\n"
) * 5
AWKWARD = "\ufeffa\0b\r\n\r\t  c▁▁\u2585é e\u0301\u2028漢字\U0001f3b6\U0010ffff<unk><0x41><s>\n\n "


@cache
def codec_of(name):
    return DOMAIN.codecs[name].build([RHYME, "another, quite short one"])


@pytest.fixture(params=NAMES)
def codec(request):
    return codec_of(request.param)


def streamed(codec, tokens):
    decoder = codec.decoder()
    parts = [part for token in tokens for part in decoder.push(token)]
    return parts + list(decoder.close())


def grammar_accepts(codec, tokens):
    grammar = codec.grammar()
    state = grammar.begin()
    for token in tokens:
        mask = grammar.allowed(state)
        if mask is not None and not mask[token]:
            return False
        state = grammar.step(state, token)
    return grammar.distance(state) == 0


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text(alphabet=sorted(set(RHYME))))
@example(text="")
@example(text=RHYME)
def test_a_text_of_known_characters_comes_back_as_it_was(name, text):
    codec = codec_of(name)
    assert codec.decode(codec.encode(text)) == text


@pytest.mark.parametrize("name", LOSSLESS)
@given(text=st.text())
@example(text=AWKWARD)
def test_bytes_and_pieces_keep_any_text(name, text):
    codec = codec_of(name)
    assert codec.decode(codec.encode(text)) == text


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text())
@example(text=AWKWARD)
def test_any_text_encodes_streams_and_obeys_the_grammar(name, text):
    codec = codec_of(name)
    tokens = codec.encode(text)
    assert codec.encode(codec.decode(tokens)) == tokens
    assert codec.encode_array(text).tolist() == tokens
    assert "".join(streamed(codec, tokens)) == codec.decode(tokens)
    assert codec.stop not in tokens
    assert grammar_accepts(codec, tokens)
    assert grammar_accepts(codec, [*tokens, codec.stop])


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_ids_at_all_decode_as_they_stream(name, data):
    codec = codec_of(name)
    tokens = data.draw(st.lists(st.integers(0, codec.size - 1)))
    assert "".join(streamed(codec, tokens)) == codec.decode(tokens)
    assert codec.decode(np.array(tokens, dtype=np.int32)) == codec.decode(tokens)


@given(seed=st.integers(0, 2**32), length=st.integers(0, 80))
@settings(max_examples=50)
@pytest.mark.parametrize("name", NAMES)
def test_a_walk_through_the_grammar_is_text_and_can_always_end(name, seed, length):
    codec = codec_of(name)
    grammar, rng = codec.grammar(), np.random.default_rng(seed)
    state, tokens = grammar.begin(), []
    while len(tokens) < length or grammar.distance(state):
        mask = grammar.allowed(state)
        choices = np.arange(codec.size) if mask is None else np.flatnonzero(mask)
        if len(tokens) >= length:  # the shortest way out is as long as the grammar says
            choices = [
                each for each in choices if grammar.distance(grammar.step(state, each)) < grammar.distance(state)
            ]
        token = int(rng.choice(choices))
        state = grammar.step(state, token)
        tokens.append(token)
    spelled = b"".join(codec.spelling[each] for each in tokens)
    assert spelled.decode("utf-8", errors="strict") == codec.decode(tokens)


@given(text=st.text())
@example(text=AWKWARD)
def test_a_part_never_holds_half_a_character(text):
    codec = codec_of("byte")
    parts = streamed(codec, codec.encode(text))
    assert parts == list(text)


def test_the_stop_ends_a_text_and_only_the_stop_follows_it(codec):
    tokens = codec.encode("air")
    assert codec.decode([*tokens, codec.stop, *tokens]) == "air"
    assert "".join(streamed(codec, [*tokens, codec.stop, *tokens])) == "air"
    grammar = codec.grammar()
    stopped = grammar.step(grammar.begin(), codec.stop)
    assert np.flatnonzero(grammar.allowed(stopped)).tolist() == [codec.stop]
    assert grammar.distance(stopped) == 0


def test_a_token_that_may_not_follow_is_refused_by_the_grammar(codec):
    grammar = codec.grammar()
    stopped = grammar.step(grammar.begin(), codec.stop)
    with pytest.raises(ValueError, match="may not follow"):
        grammar.step(stopped, (codec.stop + 1) % codec.size)


def test_a_stop_inside_a_character_is_not_allowed_but_still_decodes():
    codec = codec_of("byte")
    grammar = codec.grammar()
    inside = grammar.step(grammar.begin(), 0xE2)
    assert not grammar.allowed(inside)[codec.stop]
    assert codec.decode([0xE2, codec.stop]) == "\ufffd" == "".join(streamed(codec, [0xE2, codec.stop]))


@pytest.mark.parametrize(
    ("lead", "distance"), [(0x41, 0), (0xC3, 1), (0xE2, 2), (0xE0, 2), (0xED, 2), (0xF0, 3), (0xF1, 3), (0xF4, 3)]
)
def test_the_grammar_of_bytes_counts_the_bytes_to_come(lead, distance):
    grammar = codec_of("byte").grammar()
    assert grammar.distance(grammar.step(grammar.begin(), lead)) == distance


def test_the_grammar_of_bytes_is_what_python_calls_utf8():
    """Every sequence of two bytes, and of three and four around the edges, against Python's own decoder."""
    codec = codec_of("byte")
    edges = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    leads = [0x41, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5]
    sequences = [[a, b] for a in range(256) for b in range(256)]
    sequences += [[a, b, c] for a in leads for b in edges for c in edges]
    sequences += [[a, b, c, d] for a in leads for b in edges for c in edges for d in edges]
    for sequence in sequences:
        try:
            bytes(sequence).decode("utf-8")
            valid = True
        except UnicodeDecodeError:
            valid = False
        assert grammar_accepts(codec, sequence) == valid, bytes(sequence)


@given(text=st.text())
@example(text=AWKWARD)
@pytest.mark.parametrize("name", LOSSLESS)
def test_measures_count_bytes_and_characters(name, text):
    codec = codec_of(name)
    expected = {"byte": len(text.encode("utf-8")), "character": len(text)}
    assert codec.measure(codec.encode(text)) == expected
    assert codec.measure(np.array([*codec.encode(text), codec.stop])) == expected


def test_the_char_codec_measures_what_it_kept():
    codec = codec_of("char")
    assert codec.measure(codec.encode("Où là ☃")) == {"byte": 8, "character": 6}


def test_a_saved_codec_loads_with_the_same_fingerprint(codec, tmp_path):
    codec.save(tmp_path)
    loaded = type(codec).load(tmp_path)
    assert loaded.fingerprint == codec.fingerprint
    assert (loaded.size, loaded.stop) == (codec.size, codec.stop)
    assert loaded.encode(AWKWARD) == codec.encode(AWKWARD)


def test_building_twice_gives_one_codec(codec):
    assert type(codec).build([RHYME, "another, quite short one"]).fingerprint == codec.fingerprint


def test_fingerprints_tell_codecs_apart():
    other = DOMAIN.codecs["char"].build([RHYME + "%"])
    prints = {codec_of(name).fingerprint for name in NAMES} | {other.fingerprint}
    assert len(prints) == len(NAMES) + 1


def test_a_half_of_a_surrogate_pair_is_refused_in_a_sentence():
    for name in LOSSLESS:
        with pytest.raises(InputError, match=r"U\+D83C"):
            codec_of(name).encode("ab\ud83c")
    with pytest.raises(InputError, match=r"U\+D83C"):
        DOMAIN.codecs["char"].build(["ab\ud83c"])
    assert codec_of("char").decode(codec_of("char").encode("ab\ud83c")) == "ab"


def test_variants_are_the_text_itself(codec):
    assert codec.variants(RHYME, random.Random(1)) is RHYME


def test_every_id_has_a_label_of_one_line(codec):
    labels = [codec.label(each) for each in range(codec.size)]
    assert all(label and label.isprintable() and " " not in label for label in labels)
    assert len(set(labels)) == codec.size
    assert "⏎" in labels
    assert "␣" in labels
    assert labels[codec.stop] == "⟨stop⟩"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"codec": "other", "format": 1}', b'{"format": 1}'],
)
def test_a_damaged_description_is_refused(name, content, tmp_path):
    codec_of(name).save(tmp_path)
    (tmp_path / "codec.json").write_bytes(content)
    with pytest.raises(CheckpointError):
        DOMAIN.codecs[name].load(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_another_format_a_missing_file_a_link_and_a_giant_are_refused(name, tmp_path):
    load = DOMAIN.codecs[name].load
    with pytest.raises(CheckpointError, match="missing"):
        load(tmp_path)
    codec_of(name).save(tmp_path)
    path = tmp_path / "codec.json"
    described = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**described, "format": 99}), "utf-8")
    with pytest.raises(CheckpointError, match="format 99"):
        load(tmp_path)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CheckpointError, match="plain file"):
        load(tmp_path)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(40_000_000_000)
    with pytest.raises(CheckpointError, match="larger"):
        load(tmp_path)
