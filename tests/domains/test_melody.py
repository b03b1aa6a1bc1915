from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.tunes import METERS, tunes, walk
from toolkit.core import CheckpointError, InputError
from toolkit.domains.music.announcing import announced, unannounced
from toolkit.domains.music.events import Event, Kind, Layout
from toolkit.domains.music.grammar import UNREACHABLE, Grammar, Limits
from toolkit.domains.music.melody import MelodyCodec, MelodyHeader, MelodyPart
from toolkit.score.notes import Key, Meter, Note, Score, Tempo, Track

CODEC = MelodyCodec()
BARE = MelodyCodec(Layout(again=0, types=()))
"""Without announcements and types of tune, as melodies were written once; checkpoints of that kind go on being read."""

CODECS = pytest.mark.parametrize("codec", [CODEC, BARE], ids=["announcing", "bare"])
HEADER = 4


def score(*notes: tuple[int, int, int], meter: str = "4/4", key: str = "D", resolution: int = 24) -> Score:
    return Score(
        (Track(tuple(Note(*each) for each in notes)),),
        meters=(Meter.parse(meter),),
        keys=(Key.parse(key),),
        resolution=resolution,
    )


def events(item: Score) -> list[str]:
    return [CODEC.label(token) for token in CODEC.encode(item)]


@CODECS
@settings(deadline=None)
@given(tune=tunes())
def test_notes_meter_and_key_survive_exactly(codec: MelodyCodec, tune: Score) -> None:
    assert codec.decode(codec.encode(tune)) == tune


@CODECS
@settings(deadline=None)
@given(tune=tunes())
def test_the_grammar_accepts_every_encoding_and_lets_it_end(codec: MelodyCodec, tune: Score) -> None:
    grammar = codec.grammar()
    place = grammar.begin()
    for token in [*codec.encode(tune), codec.stop]:
        assert grammar.allowed(place)[token]
        place = grammar.step(place, token)
    assert grammar.distance(place) == 0


@settings(deadline=None)
@given(tunes())
def test_full_bars_add_up(tune: Score) -> None:
    """Read from the ids alone: positions rise within each bar and every bar but the last reaches its length."""
    bar = tune.meters[0].bar()
    bars: list[list[int]] = []
    for token in CODEC.encode(tune):
        kind, value = CODEC.layout.events[token]
        if kind is Kind.BAR:
            bars.append([0])
        elif kind is Kind.UNTIL:
            assert bars[-1][-1] < value <= bar
            bars[-1].append(value)
    assert all(each[-1] == bar for each in bars[:-1])
    pickup = tune.notes[0].start
    assert bars[-1][-1] in {pickup or bar, bar}


@settings(deadline=None)
@given(tunes())
def test_an_opening_is_the_encoding_up_to_its_last_note(tune: Score) -> None:
    """But for the announcement of a last bar that the silence after the note makes equal to another."""
    opening = CODEC.opening(tune)
    plain = unannounced(CODEC.layout, opening)
    assert unannounced(CODEC.layout, CODEC.encode(tune))[: len(plain)] == plain
    assert opening == announced(CODEC.layout, plain)
    assert CODEC.decode(opening) == tune


@settings(deadline=None)
@given(tunes(), st.data())
def test_a_truncated_tune_keeps_its_finished_notes(tune: Score, data: st.DataObject) -> None:
    tokens = CODEC.encode(tune)
    cut = data.draw(st.integers(0, len(tokens)))
    kept = CODEC.decode(tokens[:cut]).notes
    assert kept[:-1] == tune.notes[: len(kept)][:-1]
    if kept:
        last, whole = kept[-1], tune.notes[len(kept) - 1]
        assert (last.start, last.pitch) == (whole.start, whole.pitch)
        assert last.duration <= whole.duration
    if cut >= HEADER:
        assert (CODEC.decode(tokens[:cut]).meters, CODEC.decode(tokens[:cut]).keys) == (tune.meters, tune.keys)


@CODECS
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(8, 150), long=st.booleans())
def test_what_the_grammar_allows_is_the_spelling_of_a_melody(
    codec: MelodyCodec, seed: int, length: int, long: bool
) -> None:
    """The only one, but that a bar which comes again by chance may be written without saying so."""
    favour = ~codec.layout.mask([Event(Kind.STOP)]) if long else None
    tokens = walk(codec.grammar(), length, seed, favour)
    assert tokens[-1] == codec.stop
    tune = codec.decode(tokens)
    assert tune.notes
    plain = unannounced(codec.layout, tokens[:-1])
    assert codec.encode(tune) == announced(codec.layout, plain)
    assert codec is CODEC or plain == tokens[:-1]


@settings(deadline=None)
@given(tunes())
def test_streaming_gives_what_decoding_gives(tune: Score) -> None:
    decoder = CODEC.decoder()
    parts = [part for token in [*CODEC.encode(tune), CODEC.stop] for part in decoder.push(token)]
    parts += decoder.close()
    assert parts[0] == MelodyHeader(tune.meters[0], tune.keys[0])
    assert all(isinstance(part, MelodyPart) for part in parts[1:])
    assert tuple(part.note for part in parts[1:]) == tune.notes
    bar, pickup = tune.meters[0].bar(), tune.notes[0].start > 0
    assert [part.bar for part in parts[1:]] == [part.note.start // bar + (not pickup) for part in parts[1:]]
    assert list(decoder.push(0)) == list(decoder.close()) == []


@settings(deadline=None)
@given(tunes(), tunes())
def test_measure_counts_notes_and_quarters_of_a_stream_of_tunes(one: Score, other: Score) -> None:
    stream = [*CODEC.encode(one), CODEC.stop, *CODEC.encode(other), CODEC.stop]
    measured = CODEC.measure(stream)
    assert measured["note"] == len(one.notes) + len(other.notes)
    sounding = sum(tune.end - tune.notes[0].start for tune in (one, other)) / 24
    closing = sum(tune.meters[0].bar() for tune in (one, other)) / 24
    assert sounding <= measured["quarter"] < sounding + closing


def test_measure_of_nothing_is_nothing() -> None:
    assert CODEC.measure([]) == {"note": 0.0, "quarter": 0.0}


def test_a_jig_with_a_pickup_reads_as_music() -> None:
    tune = score((60, 69, 12), (72, 74, 36), (108, 73, 48), (156, 62, 60), meter="6/8")
    assert events(tune) == [
        *("any type", "6/8", "major", "in D"),
        *("bar 8", "until 2.5", "+7", "until 3"),
        *("bar 1", "+12", "until 1.5", "+11", "until 3"),
        *("bar 2", "tie", "until 0.5", "tonic", "until 3"),
    ]  # fmt: skip


def test_the_silence_after_the_last_note_is_filled_to_where_a_tune_may_end() -> None:
    assert events(score((72, 62, 24), (96, 62, 24)))[-2:] == ["rest", "until 3"]
    assert events(score((72, 62, 24), (96, 62, 72)))[-2:] == ["tonic", "until 3"]
    assert events(score((72, 62, 24), (96, 62, 84)))[-2:] == ["rest", "until 4"]
    assert events(score((0, 62, 24)))[-2:] == ["rest", "until 4"]


def test_whole_bars_of_silence_before_the_first_note_are_left_out() -> None:
    late, early = score((2 * 96 + 48, 62, 24)), score((48, 62, 24))
    assert CODEC.encode(late) == CODEC.encode(early)


def test_a_header_alone_opens_a_tune() -> None:
    opening = CODEC.opening(score(meter="3/4", key="G dorian"))
    assert [CODEC.label(token) for token in opening] == ["any type", "3/4", "dorian", "in G"]
    assert CODEC.decode(opening) == score(meter="3/4", key="G dorian")
    assert CODEC.decode([]).notes == ()


@pytest.mark.parametrize(
    ("tune", "reason"),
    [
        (score(), "it has no notes"),
        (score((0, 60, 24), (12, 64, 24)), "two notes sound at once in bar 1"),
        (score((96, 60, 24), (125, 64, 19)), "a note in bar 2 lies off the grid"),
        (score((0, 60, 100), resolution=480), "a note in bar 1 lies off the grid"),
        (score((0, 120, 24)), "out of reach of its key (MIDI pitch 120)"),
        (score((0, 60, 24), meter="13/8"), "its meter is 13/8"),
        (replace(score((0, 60, 24)), meters=(Meter(4, 4), Meter(3, 4, 96))), "its meter changes"),
        (replace(score((0, 60, 24)), keys=(Key(2, "major"), Key(4, "minor", 96))), "its key changes"),
        (replace(score((0, 60, 24)), keys=()), "it names no key"),
        (Score((Track((Note(0, 36, 24),), drums=True),), keys=(Key(0, "major"),)), "it has a drum track"),
    ],
)
def test_what_cannot_be_held_is_refused_with_the_reason(tune: Score, reason: str) -> None:
    assert reason in (CODEC.reason(tune) or "")
    with pytest.raises(InputError, match="not a melody"):
        CODEC.encode(tune)


def test_any_resolution_on_the_grid_is_the_same_tune() -> None:
    assert CODEC.encode(score((0, 62, 240), (240, 64, 160), resolution=480)) == CODEC.encode(
        score((0, 62, 12), (12, 64, 8))
    )


def test_what_is_not_encoded_does_not_change_the_ids() -> None:
    plain = score((0, 62, 24), (24, 64, 24))
    track = Track(tuple(replace(note, velocity=100) for note in plain.notes), program=40, name="fiddle")
    dressed = replace(plain, tracks=(track,), tempos=(Tempo(300_000),), title="A Reel")
    assert CODEC.encode(dressed) == CODEC.encode(plain)
    assert CODEC.variants(plain, Random(1)) == plain


@settings(deadline=None)
@given(tunes(), st.integers(-5, 5))
def test_a_transposition_within_the_octave_of_tonics_changes_the_tonic_alone(tune: Score, by: int) -> None:
    if not 0 <= tune.keys[0].tonic + by <= 11:
        return
    here, there = CODEC.encode(tune), CODEC.encode(tune.transposed(by))
    assert [i for i, (a, b) in enumerate(zip(here, there, strict=True)) if a != b] == ([3] if by else [])


@pytest.mark.parametrize("position", [0, 1, 4, 5, 6])
def test_ids_out_of_place_are_refused(position: int) -> None:
    tokens = CODEC.encode(score((48, 62, 24), (72, 64, 24)))
    tokens[position] = CODEC.layout.ids[Event(Kind.TIE)]
    with pytest.raises(InputError, match="cannot stand"):
        CODEC.decode(tokens)
    with pytest.raises(InputError, match="cannot stand"):
        CODEC.decode([10_000])


def test_saving_and_loading_keeps_the_fingerprint(tmp_path: Path) -> None:
    for layout in (Layout(), BARE.layout, Layout(phrase=4, meters=((4, 4), (6, 8))), Layout(again=3, types=("polka",))):
        MelodyCodec(layout).save(tmp_path)
        loaded = MelodyCodec.load(tmp_path)
        assert (loaded.fingerprint, loaded.size) == (layout.fingerprint, len(layout.events))
    assert Layout(phrase=4).fingerprint != Layout(phrase=16).fingerprint != Layout().fingerprint
    assert Layout(reference=59).fingerprint != Layout().fingerprint
    assert len({each.fingerprint for each in (Layout(), BARE.layout, Layout(again=3), Layout(types=("polka",)))}) == 4
    assert Layout(types=("polka",)).fingerprint != Layout(types=("march",)).fingerprint


def test_a_codec_saved_before_bars_were_announced_is_read_as_it_was(tmp_path: Path) -> None:
    BARE.save(tmp_path)
    path = tmp_path / "melody.json"
    saved = json.loads(path.read_text())
    del saved["layout"]["again"], saved["layout"]["types"]
    path.write_text(json.dumps(saved))
    assert MelodyCodec.load(tmp_path).fingerprint == BARE.fingerprint
    assert BARE.fingerprint == "2cab457918bfe2edd89cc40bc71599ade3c63283b34e6bec6edbd05c16cbe230"
    assert BARE.size == 221


@pytest.mark.parametrize(
    "damage",
    [
        {"format": 99},
        {"codec": "char"},
        {"fingerprint": "0"},
        {"layout": {}},
        {"layout": []},
        {"layout": Layout().data() | {"phrase": 1 << 40}},
        {"layout": Layout().data() | {"highest": 1e9}},
        {"layout": Layout().data() | {"meters": [[1 << 30, 4]]}},
        {"layout": Layout().data() | {"meters": [[4, 3]]}},
        {"layout": Layout().data() | {"meters": [[4]]}},
        {"layout": Layout().data() | {"meters": [[4, 4], [4, 4]]}},
        {"layout": Layout().data() | {"again": 1000}},
        {"layout": Layout().data() | {"again": "16"}},
        {"layout": Layout().data() | {"types": ["reel", "reel"]}},
        {"layout": Layout().data() | {"types": [1]}},
        {"layout": Layout().data() | {"types": 8}},
    ],
)
def test_a_damaged_codec_is_refused(tmp_path: Path, damage: dict[str, object]) -> None:
    CODEC.save(tmp_path)
    path = tmp_path / "melody.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(CheckpointError):
        MelodyCodec.load(tmp_path)


def test_a_missing_or_broken_codec_is_refused(tmp_path: Path) -> None:
    for text in (None, "", "{", "[" * 30_000, "x" * 100_000):
        if text is not None:
            (tmp_path / "melody.json").write_text(text)
        with pytest.raises(CheckpointError):
            MelodyCodec.load(tmp_path)


SMALL = Layout(meters=((2, 8), (3, 8)), phrase=2, lowest=0, highest=1)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(),
        Limits(bars=1),
        Limits(bars=2),
        Limits(bars=3, meter=(2, 8)),
        Limits(bars=1, low=62, high=62),
        Limits(low=64, high=65, mode="minor", scale=True),
        Limits(cadence=True),
        Limits(cadence=True, bars=1),
        Limits(cadence=True, bars=2, low=60, high=66),
    ],
    ids=str,
)
def test_distance_is_the_length_of_the_shortest_way_out(limits: Limits) -> None:
    """Against a search through every place that the form permits, dead ends included."""
    grammar = Grammar(SMALL, limits)
    ways: dict[object, set[object]] = {}
    waiting = deque([grammar.begin()])
    while waiting:
        place = waiting.popleft()
        if place not in ways:
            ways[place] = {grammar.after(place, event) for event in grammar.formed(place)}
            waiting.extend(ways[place])
    measured = {place: 0 for place in ways if place.stage.name == "DONE"}
    for steps in range(1, len(ways)):
        reached = [p for p, following in ways.items() if p not in measured and following & measured.keys()]
        if not reached:
            break
        measured |= dict.fromkeys(reached, steps)
    assert len(measured) > 50
    for place in ways:
        assert grammar.distance(place) == measured.get(place, UNREACHABLE)
    growths = [measured[after] - measured[place] for place in measured for after in ways[place] & measured.keys()]
    assert max(growths) <= Grammar.growth
    for place in measured:
        allowed = {SMALL.events[token] for token in grammar.allowed(place).nonzero()[0]}
        assert allowed == {event for event in grammar.formed(place) if grammar.after(place, event) in measured}


@pytest.mark.parametrize("meter", METERS)
def test_every_meter_can_be_written(meter: str) -> None:
    bar = Meter.parse(meter).bar()
    tune = score((0, 62, bar), (bar, 64, bar), meter=meter)
    assert CODEC.decode(CODEC.encode(tune)) == tune


def test_masks_are_shared_and_cannot_be_written() -> None:
    grammar = CODEC.grammar()
    mask = grammar.allowed(grammar.begin())
    assert mask is grammar.allowed(grammar.begin())
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = True


def test_the_vocabulary_is_small() -> None:
    assert CODEC.size == 246
    assert len({CODEC.label(token) for token in range(CODEC.size)}) == CODEC.size
    assert MelodyCodec.build([]).fingerprint == CODEC.fingerprint
