from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Toolkit
from toolkit.api import open_run
from toolkit.api.own_presets import OwnPresets


def test_text_is_that_of_the_python_interface(toolkit: Toolkit, text_run: Path) -> None:
    answer = toolkit("generate", text_run, "--prompt=The sea", "--length=60", "--seed=7", "--temperature=0.5")
    assert answer.code == 0
    wanted = open_run(text_run).generate("The sea", seed=7, length=60, temperature=0.5).text
    assert answer.out.removesuffix("\n") == wanted.removesuffix("\n")
    assert answer.out.startswith("The sea")
    assert "Seed 7" in answer.err


def test_without_a_seed_one_is_told_that_makes_the_same_again(toolkit: Toolkit, text_run: Path) -> None:
    first = toolkit("generate", text_run, "--length=40")
    seed = first.err.split("Seed ")[1].split()[0]
    assert toolkit("generate", text_run, "--length=40", "--seed", seed).out == first.out


def test_sample_i_of_n_is_the_single_run_of_its_seed(toolkit: Toolkit, text_run: Path) -> None:
    samples = toolkit("generate", text_run, "--length=30", "--seed=5", "-n", "3", "--json").json["samples"]
    singles = [toolkit("generate", text_run, "--length=30", f"--seed={5 + i}", "--json").json for i in range(3)]
    assert [each["text"] for each in samples] == [each["text"] for each in singles]
    assert [each["seed"] for each in samples] == [5, 6, 7]
    assert len({each["text"] for each in samples}) == 3


def test_several_samples_are_parted_by_an_empty_line(toolkit: Toolkit, text_run: Path) -> None:
    run = open_run(text_run)
    texts = [run.generate(seed=2 + i, length=20).text for i in range(2)]
    lines = [each if each.endswith("\n") else each + "\n" for each in texts]
    assert toolkit("generate", text_run, "--length=20", "--seed=2", "-n2").out == "\n".join(lines)


def test_json_tells_everything_that_makes_the_result_again(toolkit: Toolkit, text_run: Path) -> None:
    facts = toolkit("generate", text_run, "--prompt=The", "--length=20", "--seed=1", "--top-k=4", "--json").json
    run = open_run(text_run)
    again = run.generate(facts["prompt"], seed=facts["seed"], **facts["settings"])
    assert facts["text"] == again.text
    assert facts["checkpoint"] == run.checkpoint
    assert (facts["engine"], facts["precision"], facts["ending"], facts["tokens"]) == ("torch", "fp32", "length", 20)
    assert facts["nats_per_token"] == pytest.approx(-sum(again.log_probabilities) / 20)


def test_what_may_not_go_on_is_complete(toolkit: Toolkit, text_run: Path) -> None:
    asked = ("generate", text_run, "--seed=1", "--regex=[a-z]{6}")
    assert toolkit(*asked, "--length=20", "--json").json["ending"] == "complete"
    assert toolkit(*asked, "--length=6", "--json").json["ending"] == "length"
    assert "6 tokens" in (told := toolkit(*asked, "--length=20").err)
    assert told.rstrip().endswith("complete: nothing may follow")


def test_a_preset_lies_beneath_the_flags_that_are_given(toolkit: Toolkit, text_run: Path) -> None:
    run = open_run(text_run)
    asked = ["generate", text_run, "--length=20", "--seed=1", "--preset=lively", "--json"]
    settings = toolkit(*asked, "--min-p=0.2").json["settings"]
    assert (settings["temperature"], settings["min_p"]) == (1.1, 0.2)
    assert toolkit(*asked).json["text"] == run.generate(seed=1, length=20, **run.preset("lively")).text
    assert toolkit(*asked[:-2], "--preset=no-noise", "--json").json["settings"]["epsilon"] == run.calibration.epsilon


def test_a_preset_of_ones_own_may_turn_anything(
    toolkit: Toolkit, text_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_PRESETS", str(tmp_path / "presets"))
    OwnPresets(tmp_path / "presets").keep("text", "Short ones", {"length": 7, "temperature": 0.5})
    asked = ["generate", text_run, "--seed=1", "--preset=Short ones"]
    run = open_run(text_run)
    assert toolkit(*asked, "--json").json["text"] == run.generate(seed=1, length=7, temperature=0.5).text
    assert (
        toolkit(*asked, "--temperature=1", "--json").json["text"] == run.generate(seed=1, length=7, temperature=1).text
    )
    told = toolkit("generate", text_run, "--preset=Short one")
    assert told.code == 2
    assert "'Short ones'" in told.err


def test_out_writes_the_format_of_its_suffix_and_numbers_several(
    toolkit: Toolkit, text_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a folder" / "poem.txt"
    answer = toolkit("generate", text_run, "--length=30", "--seed=4", "--out", out)
    assert (answer.code, answer.out) == (0, "")
    assert out.read_text() == open_run(text_run).generate(seed=4, length=30).text
    assert toolkit("generate", text_run, "--length=30", "--seed=4", "-n2", "--out", out).code == 0
    assert (out.parent / "poem-1.txt").read_bytes() == out.read_bytes()
    assert (out.parent / "poem-2.txt").read_text() == open_run(text_run).generate(seed=5, length=30).text


def test_melodies_are_shown_and_saved(toolkit: Toolkit, music_run: Path, tmp_path: Path) -> None:
    words = ["generate", music_run, "--bars=2", "--meter=3/4", "--key=D", "--mode=major", "--scale", "--seed=1"]
    answer = toolkit(*words)
    settings = {"bars": 2, "meter": "3/4", "key": "D", "mode": "major", "scale": True}
    result = open_run(music_run).generate(seed=1, **settings)
    assert answer.code == 0
    assert answer.out.removesuffix("\n") == result.text.removesuffix("\n")
    assert toolkit(*words, "--out", tmp_path / "tune.mid").code == 0
    assert (tmp_path / "tune.mid").read_bytes() == result.export(".mid")
    facts = toolkit(*words, "--json").json
    assert (facts["meter"], facts["settings"]["bars"]) == ("3/4", 2)
    assert len(facts["notes"]) == len(result.item.notes)


def test_a_midi_file_is_gone_on_from(toolkit: Toolkit, music_run: Path, tmp_path: Path) -> None:
    domain, given = open_run(music_run).domain, "M:4/4 K:D | D2 F2 A2 d2 | e4 d4 |"
    opening = tmp_path / "opening.mid"
    opening.write_bytes(domain.exports[".mid"](domain.read_prompt(given), {}))
    typed = toolkit("generate", music_run, "--prompt", given, "--seed=2", "--bars=4", "--json")
    read = toolkit("generate", music_run, "--prompt-file", opening, "--seed=2", "--bars=4", "--json")
    assert (typed.code, read.code) == (0, 0)
    assert [each["pitch"] for each in read.json["notes"]][:6] == [62, 66, 69, 74, 76, 74]
    assert read.json["notes"] == typed.json["notes"]


def test_bars_are_made_anew_between_those_that_are_kept(toolkit: Toolkit, music_run: Path, tmp_path: Path) -> None:
    words = ["generate", music_run, "--prompt=M:4/4 K:D | D2 F2 A2 d2- | d4 A4 | F2 E2 D4 |", "--seed=2", "--refill=2"]
    answer = toolkit(*words, "--json", "-n2")
    assert answer.code == 0
    for each in answer.json["samples"]:
        assert (each["ending"], each["meter"]) == ("filled", "4/4")
        assert [note["pitch"] for note in each["notes"]][:3] == [62, 66, 69]
        assert [note["pitch"] for note in each["notes"]][-3:] == [66, 64, 62]
    assert toolkit(*words, "--out", tmp_path / "tune.mid").code == 0
    assert (tmp_path / "tune.mid").exists()


def test_a_prompt_comes_from_a_file_or_stdin(
    toolkit: Toolkit, text_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["generate", text_run, "--length=20", "--seed=3"]
    wanted = toolkit(*words, "--prompt=The sea\nwas").out
    prompt = tmp_path / "prompt.txt"
    prompt.write_bytes(b"\xef\xbb\xbfThe sea\r\nwas")
    assert toolkit(*words, "--prompt-file", prompt).out == wanted
    monkeypatch.setattr(sys, "stdin", io.StringIO("The sea\nwas"))
    assert toolkit(*words, "--prompt-file=-").out == wanted


def test_a_prompt_file_that_cannot_be_read_ends_with_3(toolkit: Toolkit, text_run: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"abc\xff")
    assert toolkit("generate", text_run, "--prompt-file", bad).code == 3
    assert toolkit("generate", text_run, "--prompt-file", tmp_path / "none.txt").code == 3
    assert toolkit("generate", text_run, "--prompt-file", tmp_path).code == 3


def test_characters_never_seen_are_told(toolkit: Toolkit, text_run: Path) -> None:
    answer = toolkit("generate", text_run, "--prompt=The € sea", "--length=5")
    assert answer.code == 0
    assert "€" in answer.err
    assert "€" not in toolkit("generate", text_run, "--prompt=The sea", "--length=5").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bars=3"], "music"),
        (["--no-scale"], "--stop-at"),
        (["--temprature=1"], "--temperature"),
        (["--temperature=-1"], "temperature"),
        (["--temperature=nan"], "temperature"),
        (["--top-k=many"], "whole number"),
        (["--top-p=2"], "between"),
        (["--length=0"], "length"),
        (["--engine=torhc"], "'torch'"),
        (["--device=gpu"], "device"),
        (["--out=poem.mid"], ".txt"),
        (["--out=poem"], "suffix"),
        (["--prompt=a", "--prompt-file=b"], "one of them"),
        (["--logit-bias=€=1"], "token"),
        (["-n0"], "-n"),
        (["--preset=livly"], "'lively'"),
        (["--middle=3"], "what comes after"),
        (["--after=the", "--search=beam"], "ask for one"),
        (["--blend=shakespear:0.5"], "'shakespeare'"),
        (["--sound-like=shakespear:0.5"], "'shakespeare'"),
        (["--regex=a+", "--begin=b"], "regex and begin"),
        (["--regex=[a-z]{9}", "--length=8"], "takes 9 tokens"),
        (['--json-schema={"type": "integer"}', '--grammar=start: "the"'], "cannot be finished"),
        (["--order=tempratures"], "'temperature'"),
        (["--regex=["], "cannot be read"),
        (["--regex=a{40}", "--length=12"], "40 tokens"),
        (["--contain=sea", "--avoid=sea"], "contain and avoid"),
        (["--grammar=start: nothing"], "grammar"),
        (["--json-schema={"], "JSON"),
        (["--rhyme=AA", "--lines=3"], "rhyme scheme"),
        (["--search=beem"], "'beam'"),
        (["--search=beam", "--particles=8"], "ask for one of them"),
        (["--search=greedy", "-n2"], "one result"),
        (["--sound-like=the sea"], "the sea"),
        (["--blend=the sea:much"], "RUN:WEIGHT"),
        (["--homecoming"], "for music"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(toolkit: Toolkit, text_run: Path, words: list[str], said: str) -> None:
    answer = toolkit("generate", text_run, *words)
    assert answer.code == 2
    assert said in answer.err
    assert not answer.out
    if not answer.err.startswith("Usage:"):  # a flag that does not exist, or a number out of its range
        assert answer.err.count("\n") == 1
        assert answer.err.endswith((".\n", "?\n"))


def test_a_run_of_music_refuses_what_is_for_text(toolkit: Toolkit, music_run: Path) -> None:
    answer = toolkit("generate", music_run, "--stop-at=x")
    assert (answer.code, "--meter" in answer.err) == (2, True)


def test_runs_that_cannot_be_opened(toolkit: Toolkit, text_run: Path, tmp_path: Path) -> None:
    assert toolkit("generate", "no-such-run").code == 2
    assert toolkit("generate", tmp_path).code == 4
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(text_run, copy)
    with (copy / "model.safetensors").open("r+b") as file:
        file.truncate(100)
    answer = toolkit("generate", copy, "--length=5")
    assert answer.code == 4
    assert not answer.out


def test_an_interrupted_generation_keeps_what_there_is(
    toolkit: Toolkit, text_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toolkit.api import Stream

    advance = Stream.__next__

    def interrupted(self: Stream) -> object:
        if len(self._steps) == 7:
            raise KeyboardInterrupt
        return advance(self)

    monkeypatch.setattr(Stream, "__next__", interrupted)
    answer = toolkit("generate", text_run, "--seed=4", "--out", tmp_path / "poem.txt")
    printed = toolkit("generate", text_run, "--seed=4")
    assert (answer.code, printed.code) == (130, 130)
    monkeypatch.undo()
    assert printed.out.removesuffix("\n") == (tmp_path / "poem.txt").read_text().removesuffix("\n")
    assert (tmp_path / "poem.txt").read_text() == open_run(text_run).generate(seed=4, length=7).text


def test_an_interrupted_steering_prints_its_best_beginning(
    toolkit: Toolkit, text_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toolkit.api import Stream

    advance = Stream.__next__
    best: list[str] = []

    def interrupted(self: Stream) -> object:
        if self.progress is not None and self.progress.position == 5:
            best.append(self.result().text)
            raise KeyboardInterrupt
        return advance(self)

    monkeypatch.setattr(Stream, "__next__", interrupted)
    answer = toolkit("generate", text_run, "--seed=4", "--particles=4", "--length=20")
    assert answer.code == 130
    assert answer.out.removesuffix("\n") == best[0].removesuffix("\n") != ""
