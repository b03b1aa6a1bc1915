"""`toolkit runs`: the shipped checkpoints, and the runs in a folder of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from toolkit.api import list_runs, runs_in
from toolkit.cli import options, terminal

_COLUMNS = ("run", "domain", "corpus", "model", "parameters", "loss", "state")


def command(
    folder: Annotated[Path, typer.Argument(help="Where runs lie beside one another.", metavar="FOLDER")] = Path("runs"),
    json: options.Json = False,
) -> None:
    """Every name in the first column can stand where a command takes a RUN. The loss is of the validation split."""
    found = [_facts(name, config) for name, config in list_runs()]
    found += [_facts(str(path), config) for path, config in runs_in(folder)]
    if json:
        return terminal.write_json({"runs": found})
    if not found:
        return terminal.say(f"There are no runs in {folder} yet; `toolkit train kjv --out runs/first` makes one.")
    return terminal.write_table([[terminal.shown(each[name]) for name in _COLUMNS] for each in found], _COLUMNS)


def _facts(name: str, config: Any) -> dict[str, Any]:
    if isinstance(config, Exception):
        return dict.fromkeys(_COLUMNS, "") | {"run": name, "state": f"damaged: {config}"}
    model, result = config.model, config.result
    return {
        "run": name,
        "domain": config.domain,
        "corpus": config.corpus.get("name", ""),
        "model": f"{model.get('cell')} {model.get('layers')}x{model.get('width')} {config.codec.get('name')}",
        "parameters": result.get("parameters", ""),
        "loss": _loss(result),
        "state": "finished" if result else "interrupted",
    }


def _loss(result: Any) -> str:
    """The figure of a result that compares runs of one domain."""
    for figure, unit in (("val_bits_per_byte", "bits/byte"), ("val_nats_per_note", "nats/note")):
        if figure in result:
            return f"{result[figure]:.4f} {unit}"
    return ""
