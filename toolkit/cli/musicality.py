"""`toolkit musicality`: tunes measured against a corpus, in a table and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.api.musicality import HELD_OUT, Musicality, musicality
from toolkit.cli import options, terminal
from toolkit.core import UsageError
from toolkit.musicality.comparison import Spread
from toolkit.musicality.plot import comparison_png


def command(
    made: Annotated[
        str, typer.Argument(help="A run, or tunes (.mid, .abc): a file, a folder or a pattern.", metavar="SET")
    ],
    against: Annotated[str, typer.Option(help="The corpus to compare with.", metavar="CORPUS")],
    split: Annotated[
        str, typer.Option(help="train, validation, test, or held-out: the last two.", metavar="NAME")
    ] = HELD_OUT,
    count: Annotated[int, typer.Option(help="How many tunes of each, at most.", min=2, max=10_000, metavar="N")] = 200,
    seed: Annotated[int, typer.Option(help="The seed of the first tune and of every draw.", min=0, metavar="N")] = 0,
    picture: Annotated[
        str | None, typer.Option("--out", "-o", help="A picture too (.png).", metavar="FILE", show_default=False)
    ] = None,
    json: options.Json = False,
) -> None:
    """A run makes tunes as `toolkit generate` does. A star marks what chance does not explain, all taken together."""
    if picture is not None and Path(picture).suffix.lower() != ".png":
        raise UsageError("the picture is a .png file.")
    found: Musicality | None = None
    for told in musicality(made, against, split=split, count=count, seed=seed):
        if isinstance(told, Musicality):
            found = told
        elif told % 20 == 0:
            terminal.say(f"{told} tunes made")
    assert found is not None  # it is always told last
    if picture is not None:
        Path(picture).write_bytes(comparison_png(found.comparison, found.ours, found.corpus))
    if json:
        return terminal.write_json({"set": found.ours, "corpus": found.corpus, **found.comparison.data()})
    return _write(found)


def _write(found: Musicality) -> None:
    comparison = found.comparison
    differing = comparison.differing()
    terminal.write(f"{comparison.tunes} tunes of {found.ours}, {comparison.others} of {found.corpus}\n\n")
    rows = [
        (
            each.name,
            _spread(each.ours),
            _spread(each.corpus),
            f"{each.ours.mean - each.corpus.mean:+.3f}",
            f"{each.chance:.3f}",
            each.unit,
            f"{each.superiority:.2f}",
            f"{each.p:.3f}" + (" *" if each.name in differing else ""),
        )
        for each in comparison.measures
    ]
    terminal.write_table(rows, ("measure", "set", "corpus", "difference", "by chance", "unit", "more", "p"))
    terminal.write("\n")
    near = [
        (
            each.name,
            f"{each.divergence.mean:.4f} ({each.divergence.low:.4f} to {each.divergence.high:.4f})",
            f"{each.divergence_by_chance:.4f}",
            f"{each.overlap:.3f}",
            f"{each.overlap_by_chance:.3f}",
        )
        for each in comparison.distributions
    ]
    terminal.write_table(near, ("distribution", "divergence in bits", "by chance", "overlap", "by chance"))


def _spread(spread: Spread) -> str:
    return f"{spread.mean:.3f} ({spread.low:.3f} to {spread.high:.3f})"
