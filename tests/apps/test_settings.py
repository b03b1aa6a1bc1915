"""What the studio makes of settings: where they stand, what presets fill, which runs and files they may name."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from toolkit.api import Run, generation_knobs, open_run
from toolkit.core import InputError, UsageError
from toolkit.sampling import presets, sampling_knobs
from toolkit.steer import Progress


@pytest.fixture
def drawn(room: Any) -> Any:
    import gradio as gr

    knobs = generation_knobs("text")
    with gr.Blocks():
        return room("settings").Settings.drawn("text", knobs, ("temperature",), {})


def values_of(drawn: Any, **changed: Any) -> list[Any]:
    return [changed.get(knob.name, control.value) for knob, control in zip(drawn.knobs, drawn.controls, strict=True)]


@pytest.mark.parametrize("domain", ["text", "music", "chorales", "polyphony"])
def test_every_heading_has_its_place_and_no_help_holds_markup(room: Any, domain: str) -> None:
    knobs = generation_knobs(domain)
    assert {each.group for each in knobs if each.group} <= set(room("settings").HEADINGS)
    for knob in knobs:
        assert not re.search(r"`|\*.+\*|__|\]\(|(?<!\w)_.+_(?!\w)", room("controls").component(knob).info), knob.name


def test_untouched_settings_are_the_defaults(drawn: Any) -> None:
    assert drawn.meant(values_of(drawn)) == {each.name: each.default for each in drawn.knobs}


@pytest.mark.parametrize("name", ["json_schema", "grammar", "words_from", "adapt_to"])
def test_a_text_that_could_name_a_file_ends_in_a_new_line(drawn: Any, name: str) -> None:
    assert drawn.meant(values_of(drawn, **{name: "/etc/passwd.txt"}))[name] == "/etc/passwd.txt\n"
    assert drawn.meant(values_of(drawn, **{name: " \n"}))[name] is None


def test_a_text_that_is_too_long_is_refused(drawn: Any, apps: ModuleType) -> None:
    with pytest.raises(UsageError, match="20,001"):
        drawn.meant(values_of(drawn, adapt_to="a" * (apps.guard.MOST_CHARACTERS + 1)))


def test_typed_numbers_are_read_as_flags_are(drawn: Any) -> None:
    assert drawn.meant(values_of(drawn, max_copy="40", mirostat_tau="2.5"))["max_copy"] == 40
    for wrong in ("four", "1", "12.5"):
        with pytest.raises(UsageError, match="max_copy"):
            drawn.meant(values_of(drawn, max_copy=wrong))


def test_a_preset_fills_the_sampling_settings(room: Any, drawn: Any, runs: Path) -> None:
    run = open_run(runs / "poem")
    names = [each.name for each in sampling_knobs()]
    for preset, wanted in presets(run.calibration).items():
        filled = dict(zip(names, drawn.filled(run, preset), strict=True))
        meant = drawn.meant(values_of(drawn, **filled))
        assert {name: meant[name] for name in names} == dict(wanted), preset
    own = dict(zip(names, drawn.filled(run, "own"), strict=True))
    assert drawn.meant(values_of(drawn, **own)) == drawn.meant(values_of(drawn))


# --- runs that a setting names -------------------------------------------------------------------------------


@pytest.fixture
def library(room: Any, runs: Path, tmp_path: Path) -> Any:
    shutil.copytree(runs / "poem", tmp_path / "poem")
    shutil.copytree(runs / "poem", tmp_path / "other")
    shutil.copytree(runs / "tunes", tmp_path / "tunes")
    return room("library").Library([tmp_path])


def test_runs_are_named_and_never_a_path(room: Any, library: Any, tmp_path: Path) -> None:
    placed = room("fellows").placed
    found = placed(library, "text", {"blend": "other:0.25", "sound_like": None, "length": 5})
    assert found.settings == {"blend": f"{tmp_path / 'other'}:0.25", "sound_like": None, "length": 5}
    assert found.asked == {"blend": "other:0.25"} and found.places == {str(tmp_path / "other"): "other"}
    for name in (str(tmp_path / "other"), "../other", "tunes", "nobody", "./other", "shakespeare"):
        for setting in ("blend", "sound_like"):
            with pytest.raises(UsageError):
                placed(library, "text", {"blend": None, "sound_like": None, setting: f"{name}:0.5"})


def test_only_runs_of_one_codec_are_offered(library: Any) -> None:
    assert library.fellows("text", "poem") == ["other"]
    assert library.fellows("music", "tunes") == [] == library.fellows("text", "nobody")


# --- while it runs -------------------------------------------------------------------------------------------


def test_a_steering_is_told_and_stopped(room: Any, runs: Path) -> None:
    pacing = room("pacing")
    stops = pacing.Stops()
    stream = open_run(runs / "poem").stream("the ", seed=1, mention="ship", length=400, particles=32)
    paced = pacing.Paced(stops, "me")
    looks: Iterator[Any] = paced.looks(stream)
    assert next(looks) == [] and isinstance(paced.progress, Progress)
    told = pacing.progress(stream, paced)
    assert "of 32 beginnings" in told and "seed 1" in told
    stops.ask("me")
    assert not list(looks) and not paced.parts
    result = stream.result()
    assert result.ending == "interrupted" and 1 <= len(result.tokens) < 400
    assert "stopped" in pacing.summary(result.details, paced)


def test_a_long_search_is_told_and_stopped(room: Any, runs: Path) -> None:
    pacing = room("pacing")
    stops = pacing.Stops()
    stream = open_run(runs / "poem").stream("the ", seed=1, search="beam", beams=8, length=4000)
    paced = pacing.Paced(stops, "me")
    paced.began -= 2  # as if two seconds had passed
    for _ in paced.looks(stream):
        told = pacing.progress(stream, paced)
        assert "searching" in told and "of at most 4,000 tokens" in told and "<progress" in told
        paced.began += 2
        stops.ask("me")
    result = stream.result()
    assert result.ending == "interrupted" and 1 <= len(result.tokens) < 4000


def test_what_a_search_found_is_not_cut_in_two_by_a_stop(room: Any, runs: Path) -> None:
    """The stop comes at the last look before all of it comes at once."""
    pacing = room("pacing")
    whole = open_run(runs / "poem").generate("the ", seed=1, after=" the sea", middle="8-20", particles=8)
    stops = pacing.Stops()
    stream = open_run(runs / "poem").stream("the ", seed=1, after=" the sea", middle="8-20", particles=8)
    told = [each for each in stream if isinstance(each, Progress)]
    stream = open_run(runs / "poem").stream("the ", seed=1, after=" the sea", middle="8-20", particles=8)
    paced = pacing.Paced(stops, "me")
    monkeyed = (each for each in stream)
    for number, each in enumerate(monkeyed, 1):
        paced.progress = each
        if number == len(told):
            break
    stops.ask("me")
    list(paced.looks(monkeyed))
    assert stream.result() == whole


def test_what_is_costly_to_draw_is_drawn_less_often(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pacing = room("pacing")
    now = {"clock": 0.0, "work": 0.0}
    monkeypatch.setattr(pacing.time, "monotonic", lambda: now["clock"])
    monkeypatch.setattr(pacing.time, "thread_time", lambda: now["work"])
    paced = pacing.Paced(pacing.Stops(), "me")
    drawn = []

    def draw() -> int:
        drawn.append(now["clock"])
        now["work"] += 0.02
        return len(drawn)

    for look in range(100):  # ten seconds
        now["clock"] = look / 10
        assert paced.seldom(draw) == len(drawn)
    assert drawn[:2] == [0.0, 0.1]
    assert 0.02 * len(drawn) <= 0.03 + 0.01 * 10 + 0.02


def test_variations_are_not_of_a_search(room: Any, runs: Path) -> None:
    variations, pacing = room("variations"), room("pacing")
    streams = open_run(runs / "poem").streams("the ", seed=1, count=4, search="beam", length=9)
    paced = pacing.Paced(pacing.Stops(), "me")
    with pytest.raises(UsageError, match="search"):
        list(variations.coming(list(streams), paced))


def test_a_melody_that_is_too_long_to_type_is_not_written(room: Any) -> None:
    from toolkit.api import Recipe
    from toolkit.domains import find
    from toolkit.score import Note, Score, Track

    def beginning(at: int) -> str:
        given = find("music").data(Score((Track((Note(0, 60, 12), Note(at, 62, 12))),)))
        text: str = room("restoring")._beginning("music", Recipe("tunes", "", 0, "a.mid", given=given))
        return text

    with pytest.raises(InputError, match="what should be a score"):
        room("restoring")._beginning("music", Recipe("tunes", "", 0, given={"tracks": 3}))
    assert "M:" in beginning(48)
    assert beginning(10**12) == ""


def test_variations_that_are_stopped_are_those_that_came(room: Any, runs: Path) -> None:
    pacing, variations = room("pacing"), room("variations")
    stops = pacing.Stops()
    paced = pacing.Paced(stops, "me")
    streams = list(open_run(runs / "poem").streams("the ", seed=1, count=4, length=40, together=True))
    cards = variations.coming(streams, paced)
    assert "Take it" not in next(cards)
    stops.ask("me")
    (last,) = cards
    assert sorted(map(int, re.findall('data-seed="(\\d+)"', last))) == [
        stream.seed for stream in streams if stream.tokens_made
    ]
    assert all(stream.result().ending == "interrupted" for stream in streams)


def test_variations_of_a_search_left_early_come_last(room: Any, runs: Path) -> None:
    pacing, variations = room("pacing"), room("variations")
    stops = pacing.Stops()
    run = open_run(runs / "poem")
    streams = list(run.streams("the ", seed=1, count=2, length=20, particles=4, together=True))
    for _ in streams[1]:
        pass
    next(streams[0])
    stops.ask("me")
    (last,) = variations.coming(streams, pacing.Paced(stops, "me"))
    assert re.findall('data-seed="(\\d+)"', last) == ["2", "1"]
    assert last.count("nats a token") == 1


def test_pictures_of_one_melody_have_ids_of_their_own(room: Any, runs: Path) -> None:
    svg = open_run(runs / "tunes").generate(seed=1, bars=2).export(".svg").decode()
    apart = room("score_shown").distinct(svg, "kept")
    ids = [set(re.findall(' id="([^"]+)"', each)) for each in (svg, apart)]
    assert ids[0] and ids[1] and not ids[0] & ids[1]
    (named,) = re.findall('aria-labelledby="([^"]+)"', apart)
    assert set(named.split()) == ids[1]


def test_no_variation_has_a_seed_that_cannot_be_asked_for(room: Any, runs: Path) -> None:
    pacing, variations, workbench = room("pacing"), room("variations"), room("workbench")
    streams = list(open_run(runs / "poem").streams(seed=workbench.HIGHEST_SEED, count=2, length=3, together=True))
    with pytest.raises(UsageError, match="seed"):
        list(variations.coming(streams, pacing.Paced(pacing.Stops(), "me")))


@pytest.mark.parametrize("count", [0, 1, 9, "4", None, 2.5, []])
def test_only_so_many_variations_as_are_offered(room: Any, count: Any) -> None:
    with pytest.raises(UsageError, match="2, 4, 8"):
        room("variations").checked_count(count)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"search": "beam"}, "the best of a search"),
        ({"mention": "ship"}, "beginnings counted"),
        ({"after": "to the sea"}, "the gap is filled"),
    ],
)
def test_the_line_tells_what_was_found(room: Any, runs: Path, asked: dict[str, Any], said: str) -> None:
    pacing = room("pacing")
    stream = open_run(runs / "poem").stream("the river ", seed=1, length=40, **asked)
    paced = pacing.Paced(pacing.Stops(), "me")
    list(paced.looks(stream))
    assert said in pacing.summary(stream.result().details, paced)


# --- what is copied ------------------------------------------------------------------------------------------


@pytest.fixture
def indexed(runs: Path, tmp_path: Path) -> Run:
    """The run that writes, with an index of what it learned from."""
    shutil.copytree(runs / "poem", tmp_path / "indexed")
    open_run(tmp_path / "indexed").build_index()
    return open_run(tmp_path / "indexed")


def test_a_copy_is_told_and_marked(room: Any, indexed: Run) -> None:
    copies = room("copies")
    run = indexed
    made = run.generate("the ", seed=1, length=20)
    result = dataclasses.replace(made, item="the river runs down to the sea, and xylophones")
    found = copies.report(run, result)
    told = copies.sentence(found)
    assert f"{found.longest.length} characters" in told and (("by people" in told) == (found.held_out is not None))
    pieces = copies.marked(result.text, found)
    assert "".join(piece for piece, _ in pieces) == result.text
    copied = [piece for piece, mark in pieces if mark]
    assert copied and any(found.longest.excerpt in piece for piece in copied)
    assert copies.marked("abc", None) == [("abc", None)]


def test_an_excerpt_is_never_markup_and_no_index_is_said(room: Any, indexed: Run) -> None:
    copies = room("copies")
    run = indexed
    made = run.generate("the ", seed=1, length=20)
    found = copies.report(run, dataclasses.replace(made, item="the river runs down to the sea"))
    assert found.longest is not None
    hostile = dataclasses.replace(found.longest, excerpt="<img src=x onerror=alert(1)>")
    told = copies.sentence(dataclasses.replace(found, longest=hostile))
    assert "<img" not in told and "&lt;img" in told
    assert "not indexed" in copies.sentence(None)
