"""Stop strings, and what the domain declares."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolkit.core import checked
from toolkit.domains import find
from toolkit.domains.text import DOMAIN
from toolkit.domains.text.controls import TextControls, hold_back

WORDS = st.text(alphabet="ab", max_size=4)


def cut(text, stops):
    """The plainest reading of the rule: character by character, end at the first stop string to be complete."""
    for end in range(len(text) + 1):
        starts = [end - len(stop) for stop in stops if stop and text[:end].endswith(stop)]
        if starts:
            return text[: min(starts)]
    return text


@given(parts=st.lists(WORDS), stops=st.lists(WORDS, max_size=3))
@example(parts=["aab"], stops=["ab"])
@example(parts=["a", "a", "b"], stops=["aab"])
@example(parts=["abab", "b"], stops=["abb", "bab"])
def test_a_stream_is_cut_at_the_first_stop_string_however_it_is_parted(parts, stops):
    kept = list(hold_back(parts, stops))
    assert "".join(kept) == cut("".join(parts), stops)
    assert all(kept)


@given(parts=st.lists(WORDS), stops=st.lists(WORDS, max_size=3))
def test_no_more_is_held_back_than_may_become_a_stop_string(parts, stops):
    seen = []

    def feed():
        for part in parts:
            seen.append(part)
            yield part
            arrived = "".join(seen)
            if cut(arrived, stops) != arrived:
                return
            held = arrived[len("".join(shown)) :]
            assert not held or any(stop.startswith(held) for stop in stops)

    shown = []
    shown.extend(hold_back(feed(), stops))


def test_after_a_stop_string_nothing_more_is_asked_for():
    def parts():
        yield "one END"
        raise AssertionError("read too far")

    assert list(hold_back(parts(), ["END"])) == ["one "]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (None, ()),
        ("", ()),
        ("END", ("END",)),
        (r"\n\n", ("\n\n",)),
        (r"END|\n\n|a\|b", ("END", "\n\n", "a|b")),
        ("|x||", ("x",)),
        (r"\\n\t", ("\\n\t",)),
        ("end\\", ("end\\",)),
        ("a\nb", ("a\nb",)),
    ],
)
def test_stop_strings_as_they_are_typed(typed, meant):
    assert checked(TextControls, {"stop_at": typed}).stop_strings() == meant


def test_the_domain_is_found_by_name_and_complete():
    assert find("text") is DOMAIN
    assert DOMAIN.default_codec in DOMAIN.codecs
    assert set(DOMAIN.codecs) == {"char", "byte", "unigram", "bpe"}
    assert {".txt", ".md", ".jsonl", ".csv", ".parquet"} == DOMAIN.suffixes
    codec = DOMAIN.codecs["byte"].build([])
    assert DOMAIN.opening(codec, DOMAIN.read_prompt("Où")) == codec.encode("Où")
    assert DOMAIN.show("Où") == "Où"


def test_a_whole_text_is_the_prompt_and_what_was_made_up_to_a_stop_string():
    codec = DOMAIN.codecs["byte"].build([])
    controls = TextControls(stop_at="END")
    made = codec.encode("b END c")
    assert DOMAIN.finish(codec, "a ", codec.encode("a "), made, controls) == "a b "
    assert DOMAIN.finish(codec, None, [], made, TextControls()) == "b END c"
    assert "".join(DOMAIN.cut_parts(["b E", "ND c"], controls)) == "b "


@pytest.mark.parametrize("words", ["some words\n", "some words", "words"])
def test_a_blank_page_always_opens_with_something(words):
    for kind in DOMAIN.codecs.values():
        codec = kind.build([words])
        assert DOMAIN.opening(codec, DOMAIN.blank)
        assert DOMAIN.opening(codec, "") == []


def test_a_text_leaves_as_text_or_with_its_settings():
    assert DOMAIN.exports[".txt"]("Où\n", {}) == "Où\n".encode()
    kept = json.loads(DOMAIN.exports[".json"]("Où\n", {"seed": 3}))
    assert kept == {"text": "Où\n", "seed": 3}
