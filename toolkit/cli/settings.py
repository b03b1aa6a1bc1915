"""Knobs on the command line: `--set group.key=value` for training, a flag of its own for generating.

Both follow from the declarations; nothing here knows any one setting.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from toolkit import domains
from toolkit.api import Run, generation_knobs
from toolkit.core import Knob, UsageError, knobs_of, read_text, unknown

GROUPS = ("model", "train", "sample")
_METAVARS = {int: "INTEGER", float: "NUMBER", str: "TEXT"}


# --- --set ---------------------------------------------------------------------------------------------------


def training_knobs() -> dict[str, dict[str, Knob]]:
    """Every setting that --set reaches, by group and name."""
    from toolkit.models import ModelSettings
    from toolkit.train import TrainSettings

    sampling = {each.name: each for domain in reversed(domains.names()) for each in generation_knobs(domain)}
    return {
        "model": {each.name: each for each in knobs_of(ModelSettings)},
        "train": {each.name: each for each in knobs_of(TrainSettings)},
        "sample": sampling,
    }


def overrides(assignments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The values that ``group.key=value`` words mean, by group; UsageError with a suggestion for an unknown one."""
    groups = training_knobs()
    found: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set takes group.key=value, such as model.width=256, not {assignment!r}.")
        group, name = _known(key.strip(), groups)
        found[group][name] = groups[group][name].parse(text)
    return found


def _known(key: str, groups: Mapping[str, Mapping[str, Knob]]) -> tuple[str, str]:
    group, dot, name = key.partition(".")
    if dot and name in groups.get(group, ()):
        return group, name
    bearers = [each for each in GROUPS if (name if dot else key) in groups[each]]
    if bearers:
        raise UsageError(f"no setting is called {key!r}; did you mean '{bearers[0]}.{name if dot else key}'?")
    if dot and group not in groups:
        raise unknown("group of settings", group, GROUPS)
    everything = [f"{each}.{known}" for each in GROUPS for known in groups[each]]
    meant = [each for each in everything if _initials(each.partition(".")[2]) == (name if dot else key)]
    if meant:
        raise UsageError(f"no setting is called {key!r}; did you mean {meant[0]!r}?")
    raise unknown("setting", key, everything)


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.split("_"))


def listing() -> list[tuple[str, str, str, str]]:
    """(Name, default, range, help) of every setting that --set reaches."""
    return [
        (f"{group}.{each.name}", "none" if each.default is None else str(each.default), within(each), each.help)
        for group, knobs in training_knobs().items()
        for each in knobs.values()
    ]


def within(knob: Knob) -> str:
    """The values that a knob takes, in a few characters."""
    if knob.choices:
        return "|".join(knob.choices)
    if knob.kind is bool:
        return "yes|no"
    low, high = ("" if each is None else f"{each:g}" for each in (knob.low, knob.high))
    return f"{low}..{high}" if low or high else ""


# --- flags ---------------------------------------------------------------------------------------------------


def with_flags(action: Any) -> Any:
    """``action`` with a keyword parameter for every knob of every domain in place of its ``**settings``."""
    signature = inspect.signature(action, eval_str=True)
    fixed = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    action.__signature__ = signature.replace(parameters=[*fixed, *_parameters()])
    return action


def chosen(run: Run, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the flags that were given, as this run's knobs read them; UsageError for another domain's."""
    known = {each.name: each for each in run.knobs}
    values = {}
    for name, text in given.items():
        if text is None:
            continue
        if name not in known:
            raise _elsewhere(run, name)
        values[name] = (
            known[name].check(text) if isinstance(text, bool) else known[name].parse(_read(known[name], text))
        )
    return values


def _read(knob: Knob, text: str) -> str:
    """``text``, or for a long setting written @FILE what the file holds; @@ begins a text that begins with @."""
    if not knob.long or not text.startswith("@"):
        return text
    return text[1:] if text.startswith("@@") else read_text(Path(text[1:]))


def _elsewhere(run: Run, name: str) -> UsageError:
    owners = [each for each in domains.names() if any(knob.name == name for knob in generation_knobs(each))]
    own = [each.flag for each in knobs_of(run.domain.controls)]
    flag = "--" + name.replace("_", "-")
    return UsageError(
        f"{flag} is for {' and '.join(owners)}, and {run.name} is a run of {run.domain.name};"
        f" did you mean {' or '.join([*own[:3], '--length'])}?"
    )


def _parameters() -> list[inspect.Parameter]:
    by_name: dict[str, tuple[Knob, list[str]]] = {}
    for domain in reversed(domains.names()):
        for each in generation_knobs(domain):
            by_name.setdefault(each.name, (each, []))[1].append(domain)
    everywhere = len(domains.names())
    return [
        _parameter(knob, "" if len(owners) == everywhere else f"Only for {' and '.join(owners)}")
        for knob, owners in by_name.values()
    ]


def _parameter(knob: Knob, owned: str) -> inspect.Parameter:
    spelled = f"{knob.flag}/--no-{knob.flag.removeprefix('--')}" if knob.kind is bool else knob.flag
    option = typer.Option(
        spelled,
        help=_about(knob, owned),
        metavar=None if knob.kind is bool else _METAVARS[knob.kind],
        rich_help_panel=": ".join(filter(None, (owned, knob.group))) or "Result",
        show_default=False,
    )
    kind = bool if knob.kind is bool else str
    return inspect.Parameter(
        knob.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


def _about(knob: Knob, owned: str) -> str:
    facts: Iterable[str] = (within(knob) if knob.kind is not bool else "", knob.unit)
    told = ", ".join(each for each in facts if each)
    text = knob.help.rstrip(".") + (f" ({told})" if told else "")
    text += "; @FILE reads one" if knob.long else "; or a file" if knob.file else ""
    return f"{owned}: {text[0].lower()}{text[1:]}" if owned else text
