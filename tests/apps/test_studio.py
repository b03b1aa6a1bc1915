"""The studio served: what it makes is what the library makes, what it refuses. In a browser: test_browser.py."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import mido
import pytest

from tests.apps.refused import refusal
from toolkit.api import Run, open_run
from toolkit.core import ToolkitError
from toolkit.score import read_midi

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


def text_of(client: Any, prompt: str, seed: int | None, **settings: Any) -> list[Any]:
    return list(client.predict(run="poem", prompt=prompt, seed=seed, api_name="/generate_text", **settings))


def melody_of(client: Any, **asked: Any) -> list[Any]:
    given = {"notes": "", "file": None, "seed": 3, **asked}
    return list(client.predict(run="tunes", api_name="/generate_melody", **given))


def test_one_seed_gives_one_text_here_and_in_python(client: Any, runs: Path) -> None:
    text, _, details, plain, *_ = text_of(client, "the river", 7, length=80, temperature=1.1)
    made = open_run(runs / "poem").generate("the river", seed=7, length=80, temperature=1.1)
    assert text == made.text
    assert details == json.loads(json.dumps(made.details))
    assert Path(plain).read_bytes() == made.export(".txt")


def test_tokens_are_coloured_by_surprise(client: Any, runs: Path) -> None:
    text, *_, tokens = text_of(client, "the river", 7, length=30)
    assert "the river" + "".join(each["token"] for each in tokens) == text and len(tokens) == 30
    assert {each["class_or_confidence"] for each in tokens} <= {"sure", "likely", "open", "surprising", "astonishing"}


def test_without_a_seed_one_is_chosen_and_told(client: Any) -> None:
    text, line, details, *_ = text_of(client, "", None, length=40)
    assert f"seed {details['seed']}" in line
    assert text_of(client, "", details["seed"], length=40)[0] == text


def test_one_seed_gives_one_melody_and_its_files(client: Any, runs: Path) -> None:
    picture, sound, _, details, midi, wav, xml, as_json, notes, abc, sheet, ogg, mp3, _, staves = melody_of(
        client, bars=4, tempo=180
    )
    assert Path(ogg).read_bytes().startswith(b"OggS") and Path(mp3).stat().st_size > 1000
    assert Path(sheet).read_text() in staves and "<svg" in staves
    made = open_run(runs / "tunes").generate(seed=3, bars=4, tempo=180)
    assert picture.count('class="note"') == len(made.item.notes) > 0
    assert details["settings"]["bars"] == 4
    files = {".mid": midi, ".wav": wav, ".musicxml": xml, ".json": as_json, ".txt": notes, ".abc": abc}
    for suffix, path in [*files.items(), (".wav", sound)]:
        assert Path(path).read_bytes() == made.export(suffix), suffix


def test_typed_notes_and_an_uploaded_file_are_gone_on_from(client: Any, runs: Path, tmp_path: Path) -> None:
    from gradio_client import handle_file

    typed = melody_of(client, notes="M:6/8 K:D | d2e fga |")
    run = open_run(runs / "tunes")
    made = run.generate("M:6/8 K:D | d2e fga |", seed=3)
    assert Path(typed[4]).read_bytes() == made.export(".mid")
    beginning = tmp_path / "beginning.mid"
    beginning.write_bytes(made.export(".mid"))
    _, _, _, details, midi, *_ = melody_of(client, file=handle_file(str(beginning)), seed=5)
    assert details["prompt"] == "beginning.mid"
    gone_on = run.generate(str(beginning), seed=5)
    assert len(mido.MidiFile(midi).tracks) == len(mido.MidiFile(file=io.BytesIO(gone_on.export(".mid"))).tracks)
    assert gone_on.item.notes[: len(made.item.notes) - 1] == made.item.notes[:-1]


def test_a_typed_melody_is_harmonised(client: Any, runs: Path) -> None:
    run = open_run(runs / "hymns")
    soprano = "M:4/4 L:1/4 K:G | G A B A |"
    asked = {"notes": "", "file": None, "seed": 3, "soprano": soprano, "particles": 2, "unbroken": True}
    picture, _, _, details, midi, *_ = client.predict(run="hymns", api_name="/generate_chorale", **asked)
    made = run.generate(seed=3, soprano=soprano + "\n", particles=2, unbroken=True)
    assert [note.pitch for note in made.item.tracks[0].notes] == [67, 69, 71, 69]
    assert picture.count('class="note"') == len(made.item.notes)
    assert details["settings"]["unbroken"] is True
    assert Path(midi).read_bytes().startswith(b"MThd")


def test_a_voice_of_an_uploaded_chorale_is_made_anew(client: Any, runs: Path, tmp_path: Path) -> None:
    from gradio_client import handle_file

    run = open_run(runs / "hymns")
    hymn = tmp_path / "hymn.mid"
    hymn.write_bytes((runs.parent / "hymns" / "2.mid").read_bytes())
    asked = {"notes": "", "file": handle_file(str(hymn)), "seed": 4, "anew": "alto", "particles": 2}
    _, _, _, details, midi, *_ = client.predict(run="hymns", api_name="/generate_chorale", **asked)
    made = run.generate(seed=4, rewrite=str(hymn), anew="alto", particles=2)
    heard, kept = read_midi(Path(midi)), read_midi(hymn).tracks
    assert [track.notes for track in heard.tracks] == [track.notes for track in read_midi(made.export(".mid")).tracks]
    assert details["settings"]["rewrite"] == "hymn.mid" and str(hymn) not in json.dumps(details)
    voices = [[note.pitch for note in track.notes] for track in heard.tracks]
    assert [voices[place] for place in (0, 2, 3)] == [[n.pitch for n in kept[place].notes] for place in (0, 2, 3)]


def test_a_chorale_is_uploaded_as_abc(client: Any, tmp_path: Path) -> None:
    from gradio_client import handle_file

    hymn = tmp_path / "hymn.abc"
    voices = ("A B A G", "E D E D", "c d c B", "A, G, A, G,")
    hymn.write_text("X:1\nM:4/4\nL:1/4\nK:G\n" + "".join(f"V:{n}\n{notes} |\n" for n, notes in enumerate(voices, 1)))
    asked = {"notes": "", "file": handle_file(str(hymn)), "seed": 4, "anew": "tenor", "particles": 2}
    _, _, _, details, midi, *_ = client.predict(run="hymns", api_name="/generate_chorale", **asked)
    heard = [[note.pitch for note in track.notes] for track in read_midi(Path(midi)).tracks]
    assert [heard[place] for place in (0, 1, 3)] == [[69, 71, 69, 67], [64, 62, 64, 62], [57, 55, 57, 55]]
    assert details["settings"]["rewrite"] == "hymn.abc"


def test_a_typed_path_is_never_opened(client: Any, runs: Path, tmp_path: Path) -> None:
    secret = tmp_path / "d2e.abc"
    secret.write_text("X:1\nM:6/8\nL:1/8\nK:D\nd2e fga|\n")
    assert open_run(runs / "tunes").opening(str(secret))[0].notes  # the library would read it
    assert "notation" in refusal(client, run="tunes", notes=str(secret), file=None, seed=1, api_name="/generate_melody")


def test_no_setting_opens_a_file(client: Any, tmp_path: Path) -> None:
    files = {".json": '{"const": 1}', ".lark": 'start: "sea"', ".txt": "sea", ".abc": "X:1\nL:1/8\nK:D\nd2e fga|\n"}
    for suffix, content in files.items():
        (tmp_path / f"secret{suffix}").write_text(content)
    ask = {"run": "poem", "prompt": "", "seed": 1, "length": 20, "api_name": "/generate_text"}
    for setting, suffix in (("json_schema", ".json"), ("grammar", ".lark")):
        with pytest.raises(Exception, match=r"(?s).+") as refused:  # which may quote what was typed, a path
            client.predict(**ask, **{setting: str(tmp_path / f"secret{suffix}")})
        assert "Traceback" not in str(refused.value)
    for setting in ("rhythm", "pitches", "motif"):
        with pytest.raises(Exception, match=r"(?s).+") as refused:
            melody_of(client, **{setting: str(tmp_path / "secret.abc")})
        assert "Traceback" not in str(refused.value)
    page = str(tmp_path / "secret.txt")
    adapted = text_of(client, "", 1, length=20, adapt_to=page, adapt_strength=1)
    assert adapted[2]["settings"]["adapt_to"] == page + "\n"


def test_a_setting_names_runs_and_no_path(client: Any, runs: Path) -> None:
    ask = {"run": "poem", "prompt": "", "seed": 1, "length": 20, "api_name": "/generate_text"}
    for setting in ("blend", "sound_like"):
        for name in ("./poem", "../runs/poem", "tunes", "nobody:0.5", "shakespeare", "poem:much"):
            assert refusal(client, **ask, **{setting: name})
    details = text_of(client, "", 1, length=20, blend="poem:0.3")[2]
    assert details["settings"]["blend"] == "poem:0.3" and str(runs) not in json.dumps(details)


def test_a_gap_is_shown_as_the_whole_and_its_copies_told(client: Any, runs: Path) -> None:
    text, line, *_, copies, pieces, tokens = text_of(client, "the river", 2, after=" to the sea", middle="1-12")
    made = open_run(runs / "poem").generate("the river", seed=2, after=" to the sea", middle="1-12")
    assert text == made.text and text.startswith("the river") and text.endswith(" to the sea")
    assert "the gap is filled" in line
    assert "copies" in copies and "".join(each["token"] for each in pieces) == text
    assert not tokens, "what fills a gap is not drawn one by one"


def test_bars_of_a_typed_melody_are_made_anew(client: Any, runs: Path) -> None:
    tune = "M:6/8 L:1/8 K:D | d2e fga|g2f e2d|a2g fed|e3 d3|"
    picture, _, line, details, midi, *_ = melody_of(client, notes=tune, refill="2-3")
    made = open_run(runs / "tunes").generate(tune, seed=3, refill="2-3")
    assert Path(midi).read_bytes() == made.export(".mid") and details["settings"]["refill"] == "2-3"
    assert picture.count('class="note"') == len(made.item.notes) and "the gap is filled" in line


def test_a_broken_upload_is_one_sentence(client: Any, tmp_path: Path) -> None:
    from gradio_client import handle_file

    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"MThd\0\0\0\6\0\1\0\1\0\0garbage")
    asked = {"run": "tunes", "notes": "", "seed": 1, "api_name": "/generate_melody"}
    assert refusal(client, file=handle_file(str(broken)), **asked)
    wrong = tmp_path / "page.html"
    wrong.write_text("<script>alert(1)</script>")
    assert refusal(client, file=handle_file(str(wrong)), **asked)


def test_what_is_too_much_is_refused(client: Any, apps: ModuleType) -> None:
    ask = {"run": "poem", "prompt": "", "seed": 1, "api_name": "/generate_text"}
    assert "20,001" in refusal(client, **{**ask, "prompt": "a" * (apps.guard.MOST_CHARACTERS + 1)})
    assert refusal(client, length=apps.guard.MOST_TOKENS + 1, **ask)
    for odd in ({"temperature": -1}, {"top_p": 1.5}, {"seed": -1}, {"seed": 2**60}, {"length": 0}, {"top_k": None}):
        assert refusal(client, **{**ask, **odd}), odd
    for name in ("nobody", "../poem", "/etc", "tunes"):
        assert refusal(client, **{**ask, "run": name})
    assert HOSTILE not in refusal(client, **{**ask, "stop_at": None, "logit_bias": f"{HOSTILE}=1"})


PUBLIC = {"/generate_text", "/generate_melody", "/generate_chorale", "/generate_piece", "/look_inside"}


def test_only_the_ways_to_generate_are_public(address: str) -> None:
    with urllib.request.urlopen(f"{address}gradio_api/info", timeout=10) as answer:
        info = json.load(answer)
    assert set(info["named_endpoints"]) == PUBLIC and not info["unnamed_endpoints"]
    named = [each["parameter_name"] for each in info["named_endpoints"]["/generate_melody"]["parameters"]]
    assert named[:4] == ["run", "notes", "file", "seed"] and {"bars", "key", "temperature", "tempo"} <= set(named)
    assert "prompt" in info["named_endpoints"]["/generate_text"]["description"]


def test_launching_asks_no_other_machine(apps: ModuleType, room: Any, runs: Path) -> None:
    asked: list[Any] = []
    listening = True

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "socket.getaddrinfo":
            asked.append(arguments[0])
        if listening and event == "socket.connect" and isinstance(arguments[1], tuple):
            asked.append(arguments[1][0])

    sys.addaudithook(listen)  # which stays for good, and so learns when to be quiet
    page = apps.studio.build([runs])
    try:
        with urllib.request.urlopen(apps.studio.serve(page, port=0), timeout=10) as answer:
            assert answer.status == 200
        time.sleep(0.5)  # for what a thread might want to say
    finally:
        listening = False
        page.close()
    assert asked and {str(each) for each in asked} <= {"127.0.0.1", "localhost", "::1"}


def test_a_taken_port_is_one_sentence(apps: ModuleType, runs: Path, address: str) -> None:
    page = apps.studio.build([runs])
    with pytest.raises(ToolkitError, match="cannot listen"):
        apps.studio.serve(page, port=urlsplit(address).port)


# --- pacing --------------------------------------------------------------------------------------------------


def test_runs_are_found_by_name_and_domain(room: Any, runs: Path) -> None:
    library = room("library").Library([runs, runs / "nowhere"])
    assert library.names("text") == ["poem"] and library.names("music") == ["tunes"]
    assert isinstance(library.open("text", "poem"), Run)
    assert library.open("text", "poem") is library.open("text", "poem")
    for name in ("tunes", "../runs/poem", str(runs / "poem"), "", None):
        with pytest.raises(ToolkitError):
            library.open("text", name)


def test_unfinished_and_damaged_runs_are_left_out(room: Any, runs: Path, tmp_path: Path) -> None:
    import shutil

    for name in ("whole", "begun", "damaged"):
        shutil.copytree(runs / "poem", tmp_path / name)
    (tmp_path / "begun" / "model.safetensors").unlink()
    (tmp_path / "damaged" / "config.json").write_text("{")
    library = room("library").Library([tmp_path])
    assert library.names("text") == ["whole"]
    shutil.copytree(runs / "poem", tmp_path / "later")
    assert library.names("text") == ["later", "whole"]


def test_two_runs_of_one_name_are_told_apart(room: Any, runs: Path) -> None:
    import shutil

    other = runs.parent / "others"
    shutil.copytree(runs / "poem", other / "poem")
    library = room("library").Library([runs, other])
    assert library.names("text") == ["poem", "others/poem"]
    assert library.open("text", "others/poem").folder == (other / "poem").resolve()


def test_a_card_tells_the_facts_and_takes_nothing_for_markup(room: Any, runs: Path) -> None:
    import dataclasses

    run = open_run(runs / "poem")
    config = dataclasses.replace(run.config, corpus={**run.config.corpus, "name": HOSTILE})
    told = room("library").card(dataclasses.replace(run, config=config))
    assert "<img" not in told and "<script" not in told and "&lt;img" in told
    assert "bits per byte" in told and "char codec" in told and "not stated" in told


def test_a_long_fact_of_a_card_unfolds(room: Any, runs: Path) -> None:
    import dataclasses

    run = open_run(runs / "poem")
    config = dataclasses.replace(run.config, corpus={**run.config.corpus, "licence": "<i>as is</i> " * 60})
    told = room("library").card(dataclasses.replace(run, config=config))
    assert told.count("<details>") == 1 and "<i>" not in told
    assert told.count("&lt;i&gt;") > 60


def test_without_runs_the_page_says_how_to_get_one(apps: ModuleType, tmp_path: Path) -> None:
    page = apps.studio.build([tmp_path])
    told = [each for each in page.config["components"] if "toolkit train" in str(each["props"].get("value"))]
    assert len(told) == 5 and all(each["props"]["visible"] for each in told)


def test_no_thread_stays_behind_a_stopped_generation(client: Any) -> None:
    for _ in range(3):
        job = client.submit(run="poem", prompt="", seed=1, length=4000, api_name="/generate_text")
        while not job.outputs():
            time.sleep(0.02)
        job.cancel()
    before = threading.active_count()
    assert text_of(client, "", 1, length=20)[2]["tokens"] == 20
    assert threading.active_count() <= before + 2
