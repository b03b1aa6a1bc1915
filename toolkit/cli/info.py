"""`toolkit info`: the facts of one run, from its config and its log."""

from __future__ import annotations

import dataclasses
from typing import Any

from toolkit.api import Run, open_run
from toolkit.api.cards import command as training_command
from toolkit.cli import options, terminal


def command(
    run: options.Run,
    json: options.Json = False,
) -> None:
    """Reads no weights, so it answers at once."""
    opened = open_run(run)
    if json:
        return terminal.write_json({"run": run, **_state(opened), **dataclasses.asdict(opened.config)})
    return terminal.write_facts({"run": run, **_state(opened), **_facts(opened)})


def _state(run: Run) -> dict[str, Any]:
    """Whether it is finished, and how far it came."""
    steps = [record["step"] for record in run.metrics if "step" in record]
    return {
        "folder": str(run.folder),
        "state": "finished" if run.config.result else "interrupted",
        "logged_to_step": max(steps, default=None),
        "bytes": sum(each.stat().st_size for each in run.folder.rglob("*") if each.is_file()),
    }


def _facts(run: Run) -> dict[str, Any]:
    config = run.config
    return {
        "domain": config.domain,
        "codec": f"{config.codec['name']}, {config.vocabulary:,} ids",
        "model": config.model,
        "corpus": config.corpus.get("name"),
        "source": config.corpus.get("source"),
        "licence": config.corpus.get("licence"),
        "corpus sha256": config.corpus.get("sha256"),
        "seed": str(config.seed),
        "budget": config.budget,
        "training": config.training,
        "sampling": config.sampling,
        "presets": ", ".join(run.presets),
        **config.result,
        "versions": config.versions,
        "made by": training_command(config),
    }
