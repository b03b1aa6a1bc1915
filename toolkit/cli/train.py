"""`toolkit train`: flags become a plan, the plan's events become progress, the result goes to stdout."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli import options, terminal
from toolkit.cli.failures import Interrupted
from toolkit.cli.stopping import Stopping
from toolkit.core import UsageError

if TYPE_CHECKING:
    from toolkit.api import Event, Plan
    from toolkit.cli.processes import Process

_DEFAULT_MINUTES = 10.0
_BUDGETS = {"minutes", "steps"}
_LARGEST_SEED = 2**31 - 1


def command(
    corpus: options.CorpusOrNone = None,
    out: Annotated[Path | None, typer.Option(help="The run folder to make.", metavar="RUN", show_default=False)] = None,
    minutes: Annotated[
        float | None, typer.Option(help="How long the whole command may take (10).", metavar="M", show_default=False)
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="How many optimiser steps, instead.", metavar="N", show_default=False)
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="What decides every random choice (0).", metavar="S", min=0, max=_LARGEST_SEED),
    ] = None,
    domain: options.Domain = None,
    codec: options.Codec = None,
    vocabulary: options.Vocabulary = None,
    cell: Annotated[
        str | None,
        typer.Option(help="lstm, gru, rnn, mingru, minlstm or transformer.", metavar="NAME", show_default=False),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="One setting; `--set help` lists them.", metavar="GROUP.KEY=VALUE"),
    ] = None,
    start_from: Annotated[
        str | None, typer.Option("--from", help="Begin with this run's weights.", metavar="RUN", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with RUN where it was interrupted.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    json: options.Json = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …", metavar="NAME")] = "auto",
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write scalars into RUN/tensorboard.")] = False,
    text_column: options.TextColumn = None,
    encoding_errors: options.EncodingErrors = None,
    repeats: options.Repeats = None,
) -> None:
    """Ctrl-C saves and ends; the same command with --resume goes on as if nothing had happened."""
    if assignments and "help" in assignments:
        return _list_settings()
    if out is None:
        raise UsageError("say where the run goes: --out RUN.")
    given: dict[str, Any] = {
        "corpus": corpus,
        "domain": domain,
        "codec": codec,
        "vocabulary": vocabulary,
        "minutes": minutes,
        "steps": steps,
        "seed": seed,
        "start_from": start_from,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    asked |= {"reading": options.reading(text_column, encoding_errors, repeats), **_settings(assignments or [], cell)}
    going_on = resume and (out.exists() or corpus is None)
    if dry_run:
        return _foretell(_plan(asked, out, device), json)
    with Stopping() as stopping, ExitStack() as stack:
        from toolkit.cli.processes import this_process

        process = stack.enter_context(this_process(device))
        events = _going_on(out, asked, stopping, process) if going_on else _begun(asked, out, stopping, process)
        _follow(events, out, stopping, process, json=json, tensorboard=tensorboard)
    return None


def _settings(assignments: list[str], cell: str | None) -> dict[str, Mapping[str, Any]]:
    from toolkit.cli.settings import overrides

    groups = overrides([*([f"model.cell={cell}"] if cell else []), *assignments])
    return {"model": groups["model"], "training": groups["train"], "sampling": groups["sample"]}


def _list_settings() -> None:
    from toolkit.cli.settings import listing

    terminal.write_table(listing(), ("setting", "default", "range", "meaning"))


def _plan(asked: Mapping[str, Any], out: Path, device: str) -> Plan:
    from toolkit.api import Plan

    if "corpus" not in asked:
        raise UsageError("say what to learn from: a file, a folder, or a name that `toolkit corpora` lists.")
    _check_budget(asked.get("minutes"), asked.get("steps"))
    budget = {} if _BUDGETS & asked.keys() else {"minutes": _DEFAULT_MINUTES}
    return Plan(**{"out": out, "device": device, **budget, **asked})


def _check_budget(minutes: float | None, steps: int | None) -> None:
    if minutes is not None and steps is not None:
        raise UsageError("--minutes and --steps are two ways to say how long; give one of them.")
    if minutes is not None and not 0 < minutes <= 60 * 24 * 365:
        raise UsageError(f"--minutes is a number above 0, not {minutes:g}.")
    if steps is not None and not 0 < steps <= 10**9:
        raise UsageError(f"--steps is a whole number from 1 to 1,000,000,000, not {steps}.")


def _begun(asked: Mapping[str, Any], out: Path, stopping: Stopping, process: Process) -> Iterator[Event]:
    from toolkit.api import fit

    if process.speaks and not _BUDGETS & asked.keys():
        terminal.say(f"Neither --minutes nor --steps is given: training for {_DEFAULT_MINUTES:g} minutes.")
    return fit(_plan(asked, out, process.device), stopping=process.anyone(stopping), group=process.group)


def _going_on(out: Path, asked: Mapping[str, Any], stopping: Stopping, process: Process) -> Iterator[Event]:
    from toolkit.api import open_run, resume

    _refuse_contradictions(open_run(out).config, asked, out)
    return resume(out, stopping=process.anyone(stopping), group=process.group, device=process.device)


def _refuse_contradictions(config: Any, asked: Mapping[str, Any], out: Path) -> None:
    """A resumed run goes on as it was begun: what is said again must be the same."""
    began = config.corpus["asked"]
    before = {
        "corpus": began["corpus"],
        "domain": config.domain,
        "codec": config.codec["name"],
        "vocabulary": began.get("vocabulary"),
        "minutes": config.budget.get("minutes"),
        "steps": None if "minutes" in config.budget else config.budget.get("steps"),
        "seed": config.seed,
        "start_from": began["from"],
        **{f"model.{name}": value for name, value in config.model.items()},
        **{f"train.{name}": value for name, value in config.training.items()},
        **{f"sample.{name}": value for name, value in config.sampling.items()},
        **began["reading"],
    }
    groups = {"model": "model", "training": "train", "sampling": "sample"}
    said = {name: value for name, value in asked.items() if name not in {*groups, "reading"}} | dict(asked["reading"])
    for group, prefix in groups.items():
        said |= {f"{prefix}.{name}": value for name, value in asked[group].items()}
    for name, value in said.items():
        if value != before.get(name):
            raise UsageError(
                f"{out} was begun with {name} {before.get(name)}, not {value}; --resume goes on as it was begun."
            )


def _foretell(plan: Plan, json: bool) -> None:
    from toolkit.api import dry_run

    facts = dry_run(plan)
    notes = facts.pop("notes")
    for note in notes:
        terminal.say(note)
    (terminal.write_json if json else terminal.write_facts)(facts)


def _follow(
    events: Iterator[Event], out: Path, stopping: Stopping, process: Process, *, json: bool, tensorboard: bool
) -> None:
    """Shows the events of a run to its end; Interrupted once it has saved what a signal cut short."""
    from toolkit.api import Finished, Started, Stepped, Stopped
    from toolkit.cli.tensorboard import Scalars
    from toolkit.cli.watching import watching

    watchers: list[Any] = []
    step = 0
    with ExitStack() as stack:
        if tensorboard and process.speaks:
            scalars = Scalars(out)
            stack.callback(scalars.close)
            watchers.append(scalars)
        if process.speaks:
            watchers.append(stack.enter_context(watching()))
        try:
            for event in events:
                for watch in watchers:
                    watch.show(event)
                if isinstance(event, Started):
                    stopping.worth_saving, step = True, event.step
                elif isinstance(event, Stepped):
                    step = event.progress.step
                elif isinstance(event, Finished):
                    result = event.result
        except Stopped:
            number = stopping.asked or signal.SIGTERM  # another process of the group was asked
            if process.speaks:
                _tell_stopped(out, step, number, json)
            raise Interrupted(number) from None
    if process.speaks:
        _tell_finished(out, result, json)


def _tell_stopped(out: Path, step: int, number: int, json: bool) -> None:
    terminal.say(f"{out}: saved at step {step:,}; the same command with --resume goes on from there.")
    if json:
        terminal.write_json({"run": str(out), "steps": step, "interrupted": signal.Signals(number).name})


def _tell_finished(out: Path, result: Mapping[str, Any], json: bool) -> None:
    if json:
        terminal.write_json({"run": str(out), **result})
        return
    terminal.write_facts({"run": str(out), **result})
    terminal.say(f"Next: toolkit generate {terminal.quoted(str(out))}")
