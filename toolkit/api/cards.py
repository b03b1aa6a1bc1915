"""The model card: README.md of a run, written from its config and the index of what it learned from."""

from __future__ import annotations

import shlex
from typing import Any

from toolkit import domains
from toolkit.originality import NgramIndex
from toolkit.runs import RunConfig


def command(config: RunConfig) -> str:
    """The command line that trains this run."""
    asked = config.corpus["asked"]
    corpus = asked["corpus"]
    words = ["toolkit", "train", f"./{corpus}" if corpus.startswith("-") else corpus, "--codec", config.codec["name"]]
    for name in ("domain", "vocabulary"):
        if asked.get(name) is not None:
            words += [f"--{name}", str(asked[name])]
    for name, value in asked["reading"].items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    length = "minutes" if "minutes" in config.budget else "steps"
    value = config.budget[length]
    words += [f"--{length}", str(int(value)) if value == int(value) else str(value)]
    words += ["--seed", str(config.seed)]
    if asked["from"]:
        words += ["--from", asked["from"]]
    for each in asked.get("set", ()):
        words += ["--set", each]
    return shlex.join([*words, "--out", "RUN"])


def model_card(config: RunConfig, sample: str = "", index: NgramIndex | None = None) -> str:
    """What it is, what it learned from, how well it does and how to make it again, in Markdown.

    ``sample`` is something it made, ``index`` what lies beside its weights; ``config.result`` may hold a ``note`` on
    how it was trained.
    """
    model = config.model
    result = {name: value for name, value in config.result.items() if name != "note"}
    note = f"\n{config.result['note']}\n" if config.result.get("note") else ""
    shown = f"\n## A sample, unchosen\n```\n{sample}\n```\n" if sample else ""
    figures = "\n".join(f"| {name} | {_figure(value)} |" for name, value in result.items())
    settings = ", ".join(f"{name} {value}" for name, value in {**model, **config.training}.items())
    return f"""# {config.corpus["name"]} ({model["cell"].upper()})

A recurrent language model of {config.domain}: {model["layers"]} layer(s) of {model["width"]} units over the
`{config.codec["name"]}` codec ({config.vocabulary:,} ids).

## Learned from
{config.corpus["name"]}: {config.corpus["source"]}
Licence: {config.corpus["licence"]}
sha256 of what was read: `{config.corpus["sha256"]}`
{_base(config)}
## Made by
```
{command(config)}
```
with toolkit {config.versions["toolkit"]}, torch {config.versions["torch"]}, Python {config.versions["python"]}.
Settings: {settings}.
{note}
## Measured
The loss is over {_predictions(result)} of the {result.get("split", "validation")} split, in fp32, {_streams(result)}.

| figure | value |
|---|---|
{figures}
{shown}{copying(config.domain, index)}
## Good for
Play, study and small compositions. It knows nothing but what it learned from, repeats the prejudices of that,
and may repeat its words or notes.
"""


def copying(domain: str, index: NgramIndex | None) -> str:
    """What the index beside a run's weights is, and what it is good for; nothing without one."""
    if index is None:
        return ""
    view = domains.find(domain).view
    sizes = " and ".join(str(size + view.overlap) for size in index.sizes)
    megabytes = sum(len(each.bits) for filters in index.filters.values() for each in filters) / 1e6
    return f"""
## What it may have copied
`originality/` holds hashes of the runs of {sizes} {view.unit}s in what it learned from: Bloom filters,
{megabytes:.1f} MB, out of which nobody can read the corpus. They miss no copy, and take a few other runs for one.
`toolkit originality RUN FILE` says by them how much of a text or a tune stands in the corpus;
`toolkit generate RUN --max-copy N` lets no run of more than N {view.unit}s stand there.
"""


def _base(config: RunConfig) -> str:
    """What the run it started from had learned from."""
    base = config.corpus.get("base")
    return (
        f"\nIt started from a model of {base['name']}: {base['source']}\nLicence: {base['licence']}\n" if base else ""
    )


def _predictions(result: Any) -> str:
    read = result.get("predictions")
    return "every prediction" if read is None else f"{read:,} predictions"


def _streams(result: Any) -> str:
    count = result.get("streams", 1)
    return "one stream with the state carried throughout" if count == 1 else f"{count} streams with carried state"


def _figure(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)
