from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.core import InputError
from toolkit.domains.music.announcing import place_of
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.prompt import opening, read_pitches, read_prompt
from toolkit.score import Key, Meter, Note, Score, Tempo, Track, write_midi

CODEC = MelodyCodec()


def notes(score: Score) -> list[tuple[int, int, int]]:
    return [(note.start, note.pitch, note.duration) for note in score.notes]


JIG = [(0, 74, 24), (24, 76, 12), (36, 78, 12), (48, 79, 12), (60, 81, 12)]


@pytest.mark.parametrize(
    ("typed", "meter", "key", "expected"),
    [
        ("M:6/8 K:D | d2e fga", "6/8", "D", JIG),
        ("K:D M:6/8 L:1/16 d4e2 f2g2a2", "6/8", "D", JIG),
        ("M:6/8\nK:D\nd2e fga", "6/8", "D", JIG),
        ("M:6/8 K:D | d2e fga | b", "6/8", "D", [*JIG, (72, 83, 12)]),
        ("M:6/8 K:D | d2e", "6/8", "D", JIG[:2]),
        ("M:6/8 K:D d2e", "6/8", "D", [(36, 74, 24), (60, 76, 12)]),
        ("K:A dorian | A2 c2 e4", "4/4", "A dorian", [(0, 69, 24), (24, 72, 24), (48, 76, 48)]),
        ("CEGc GEC2", "4/4", "C", [(0, 60, 12), (12, 64, 12), (24, 67, 12), (36, 72, 12), (48, 67, 12), (60, 64, 12),
                                   (72, 60, 24)]),
        ("M:3/8 K:E minor", "3/8", "E minor", []),
        ("M:2/4 K:C C3 D3 E2 F", "2/4", "C", [(0, 60, 36), (36, 62, 36), (72, 64, 24), (96, 65, 12)]),
    ],
)  # fmt: skip
def test_typed_notes(typed: str, meter: str, key: str, expected: list[tuple[int, int, int]]) -> None:
    score = read_prompt(typed)
    assert notes(score) == expected
    assert (score.meters, score.keys) == ((Meter.parse(meter),), (Key.parse(key),))


@pytest.mark.parametrize("typed", ["", "  ", "hello", "M:6/0 K:D abc", "M:cat K:D abc", "missing.mid", "missing.abc"])
def test_what_is_no_melody_is_refused_in_a_sentence(typed: str) -> None:
    with pytest.raises(InputError) as refusal:
        read_prompt(typed)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    "written", ["K:C F C B D D F B A C", "F C | B D D\tF2- | F B A | C", "X:1\nK:C\nFC|BDDF|BAC|\n"]
)
def test_pitches_alone_need_no_full_bars(written: str, tmp_path: Path) -> None:
    assert read_pitches(written) == (65, 60, 71, 62, 62, 65, 71, 69, 60)
    (tmp_path / "row.abc").write_text(written if "X:" in written else f"X:1\nM:4/4\nK:C\n{written.removeprefix('K:C')}")
    assert read_pitches(str(tmp_path / "row.abc")) == read_pitches(written)


@pytest.mark.parametrize("written", ["", "K:D", "hello", "missing.abc"])
def test_what_has_no_pitches_is_refused(written: str) -> None:
    with pytest.raises(InputError):
        read_pitches(written)


def test_an_opening_stays_open_in_an_unfinished_bar() -> None:
    tokens = opening(CODEC, read_prompt("M:6/8 K:D | d2e fga | b"))
    grammar = CODEC.grammar()
    state = grammar.begin()
    for token in tokens:
        state = grammar.step(state, token)
    assert place_of(state).tick == 12
    assert not grammar.allowed(state)[CODEC.stop]


def test_files(tmp_path: Path) -> None:
    score = Score(
        (Track(tuple(Note(*each) for each in JIG)),),
        meters=(Meter(6, 8),),
        keys=(Key(2, "major"),),
        tempos=(Tempo(400_000),),
    )
    (tmp_path / "jig.mid").write_bytes(write_midi(score))
    (tmp_path / "jig.abc").write_text("X:1\nT:Jig\nM:6/8\nL:1/8\nK:D\nd2e fga|\n")
    for name in ("jig.mid", "jig.abc"):
        read = read_prompt(str(tmp_path / name))
        assert CODEC.encode(read) == CODEC.encode(score)
