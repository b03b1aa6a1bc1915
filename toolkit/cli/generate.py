"""`toolkit generate`: one flag for every knob there is, text as it comes, results as files or JSON."""

from __future__ import annotations

import json as json_text
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from toolkit.api import Recipe, Result, Run, Stream, open_run, recipe_in
from toolkit.api.own_presets import OwnPresets, presets_folder
from toolkit.api.request import Way
from toolkit.cli import options, terminal
from toolkit.cli.settings import chosen, with_flags
from toolkit.core import ToolkitError, UsageError, suffix_of, unknown

_FLUSH_EVERY = 0.05  # seconds between two flushes of streamed text
_STDIN = "-"
_ENDINGS = {
    "stop": "ended by the model",
    "complete": "complete: nothing may follow",
    "length": "as long as asked for",
    "cut": "cut where it was asked to end",
    "filled": "the gap is filled",
    "interrupted": "interrupted",
}


@with_flags
def command(
    run: Annotated[
        str | None,
        typer.Argument(
            help="A run folder, or a shipped checkpoint; --like knows it.",
            metavar="RUN",
            show_default=False,
        ),
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(help="What to go on from: a text, or notes such as 'K:D | d2e fga'.", show_default=False),
    ] = None,
    prompt_file: Annotated[
        str | None,
        typer.Option(
            help="A file to go on from (.txt, .mid, .abc, .mxl …); - is stdin.", metavar="FILE", show_default=False
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="What decides every draw; without it one is chosen and told.", metavar="S", min=0),
    ] = None,
    count: Annotated[
        int,
        typer.Option(
            "-n",
            "--count",
            help="How many: number i has seed S+i, or is the i-th best found.",
            metavar="N",
            min=1,
        ),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write a file, its suffix the format; with -n it is numbered.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            help="A result to make again, from its file; flags that are given change it.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
    preset: Annotated[
        str | None,
        typer.Option(
            help="A set of settings beneath the flags that are given: your own, or one that toolkit info RUN lists.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="What runs the model: auto, torch, compiled, compiled-int8.", metavar="NAME")
    ] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 …", metavar="NAME")] = "cpu",
    **settings: Any,
) -> None:
    """What is given to go on from is printed too. The same run, settings and seed give the same result."""
    if like is not None:
        if prompt is not None or prompt_file is not None or preset is not None or count != 1:
            raise UsageError("--like makes one result again: it takes no prompt, no preset and no --count.")
        return _again(recipe_in(like), run, seed, out, json, settings, device=device, engine=engine)
    if run is None:
        raise UsageError("name a run: a folder, or a shipped checkpoint (`toolkit runs` lists them).")
    opened = open_run(run, device=device, engine=engine)
    values = {**_preset(opened, preset), **chosen(opened, settings)}
    if out is not None:
        _check_format(opened, out)
    given = _given(opened, prompt, prompt_file)
    if given is not None and (warning := opened.warnings_for(given)):
        terminal.say(warning)
    streams = opened.streams(given, seed=seed, count=count, **values)
    if json:
        return _print_json(opened, streams, out, count)
    for number, stream in enumerate(streams, start=1):
        if number == 1:
            last = stream.seed + (count - 1) * (stream.request.way in (Way.DRAWN, Way.STEERED))
            terminal.say(f"Seed {stream.seed}" + (f" to {last}" if last > stream.seed else ""))
        if out is None:
            _print(stream, first=number == 1)
        else:
            terminal.say(f"Wrote {_save(stream, _numbered(out, number, count, opened.domain.exports))}")
    return None


def _preset(run: Run, name: str | None) -> Mapping[str, Any]:
    """The settings of a preset: one of the run's, or one that the user keeps."""
    own = OwnPresets(presets_folder())
    kept = own.names(run.domain.name)
    if name is None:
        return {}
    if name in run.presets:
        return run.preset(name)
    if name not in kept:
        raise unknown("preset", name, [*run.presets, *kept])
    return own.settings(run.domain.name, name)


def _again(
    recipe: Recipe,
    run: str | None,
    seed: int | None,
    out: Path | None,
    json: bool,
    settings: dict[str, Any],
    **how: str,
) -> None:
    opened = recipe.open(run, **how)
    if out is not None:
        _check_format(opened, out)
    stream = recipe.stream(opened, seed=seed, **chosen(opened, settings))
    if json:
        return _print_json(opened, [stream], out, 1)
    terminal.say(f"Seed {stream.seed}")
    if out is None:
        _print(stream, first=True)
    else:
        terminal.say(f"Wrote {_save(stream, out)}")
    return None


def _check_format(run: Run, out: Path) -> None:
    suffix = suffix_of(out, run.domain.exports).lower()
    if not suffix:
        raise UsageError(f"{out} needs a suffix: one of {' '.join(sorted(run.domain.exports))}.")
    if suffix not in run.domain.exports:
        raise unknown(f"format for {run.domain.name}", suffix, run.domain.exports)


def _given(run: Run, prompt: str | None, prompt_file: str | None) -> str | None:
    if prompt is not None and prompt_file is not None:
        raise UsageError("--prompt and --prompt-file both say what to go on from; give one of them.")
    if prompt_file == _STDIN:
        return sys.stdin.read()
    return prompt if prompt_file is None else run.prompt_in(prompt_file)


def _numbered(out: Path, number: int, count: int, known: Iterable[str]) -> Path:
    suffix = suffix_of(out, known)
    return out if count == 1 else out.with_name(f"{out.name.removesuffix(suffix)}-{number}{suffix}")


def _completed(stream: Stream) -> Result:
    for _ in stream:
        pass
    return stream.result()


def _save(stream: Stream, path: Path) -> Path:
    """The finished generation as a file; what there is of it when it is interrupted."""
    try:
        return _completed(stream).save(path)
    except KeyboardInterrupt:
        result = _begun(stream)
        if result is not None:
            terminal.say(f"Interrupted; wrote what there is to {result.save(path)}")
        raise


def _begun(stream: Stream) -> Result | None:
    """What there is of an interrupted generation; nothing of a gap for which no filling had been found."""
    try:
        return stream.result()
    except ToolkitError:
        return None


def _print(stream: Stream, *, first: bool) -> None:
    """Text as it comes, anything else once it is whole; an empty line before every result but the first."""
    if not first:
        terminal.write("\n")
    began, streamed = time.monotonic(), _Streamed(stream.prompt)
    try:
        for part in stream:
            if isinstance(part, str) and stream.request.way is not Way.FILLED:  # whose end follows it
                streamed.write(part)
    except KeyboardInterrupt:
        begun = _begun(stream)
        streamed.end("" if begun is None else begun.text)
        raise
    result = stream.result()
    streamed.end(result.text)
    seconds = max(time.monotonic() - began, 1e-9)
    count = len(result.tokens)
    speed = f"{count:,} tokens in {seconds:.2f} s ({count / seconds:,.0f} a second)"
    terminal.say(f"{speed}, {_ENDINGS[result.ending]}")


class _Streamed:
    """Text on its way to stdout, flushed so often that a reader sees it grow."""

    def __init__(self, prompt: str | None) -> None:
        self._prompt, self._begun, self._flushed, self._last = prompt or "", False, 0.0, ""

    def write(self, part: str) -> None:
        terminal.write(part if self._begun else self._prompt + part)
        self._begun, self._last = True, part
        if time.monotonic() - self._flushed > _FLUSH_EVERY:
            sys.stdout.flush()
            self._flushed = time.monotonic()

    def end(self, whole: str) -> None:
        """Closes the last line. Where nothing was streamed, the whole result comes now."""
        if not self._begun:
            terminal.write(whole)
            self._last = whole
        terminal.write("" if self._last.endswith("\n") else "\n")
        sys.stdout.flush()


def _print_json(run: Run, streams: Iterable[Stream], out: Path | None, count: int) -> None:
    facts = []
    for number, stream in enumerate(streams, start=1):
        result = _completed(stream)
        path = None if out is None else result.save(_numbered(out, number, count, run.domain.exports))
        facts.append(_facts(result, path))
    terminal.write_json(facts[0] if count == 1 else {"run": run.name, "samples": facts})


def _facts(result: Result, path: Path | None) -> dict[str, Any]:
    """Everything about a result: its details, its text, and what the domain's own JSON says of it."""
    whole = json_text.loads(result.export(".json"))
    whole.pop("details", None)
    facts = {**result.details, **whole, "text": result.text, "nats_per_token": _mean(result.log_probabilities)}
    return facts if path is None else {**facts, "file": str(path)}


def _mean(log_probabilities: Sequence[float]) -> float | None:
    return -sum(log_probabilities) / len(log_probabilities) if log_probabilities else None
