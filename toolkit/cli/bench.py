"""`toolkit bench decode`: how fast models decode here, by this toolkit and by others, and of what limit."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli import options, terminal
from toolkit.core import UsageError, unknown

_WHAT = ("decode",)


def command(
    what: Annotated[str, typer.Argument(help="What to measure: decode.", metavar="WHAT")],
    hidden: Annotated[str, typer.Option(help="Widths of the two LSTM layers.", metavar="N,…")] = "256,512,1024",
    batch: Annotated[str, typer.Option(help="Rows decoded side by side.", metavar="N,…")] = "1,8,64,512",
    seconds: Annotated[float, typer.Option(help="Seconds for each of three rounds of each way.", min=0.001)] = 0.5,
    json: options.Json = False,
) -> None:
    """Needs nothing trained; onnxruntime is measured too where the extra onnx is installed. Takes some minutes."""
    if what not in _WHAT:
        raise unknown("benchmark", what, _WHAT)
    widths, batches = _numbers("hidden", hidden), _numbers("batch", batch)
    from toolkit.api.benching import decoding_speeds

    speeds = []
    for each in decoding_speeds(hidden=widths, batches=batches, seconds=seconds):
        speeds.append(each)
        terminal.say(f"{each.engine} {each.dtype}, {each.hidden} × {each.batch}: {each.tokens_per_second:,.0f}")
    if json:
        return terminal.write_json({"rows": [each._asdict() for each in speeds]})
    rows = [
        (
            each.engine,
            each.dtype,
            str(each.hidden),
            str(each.batch),
            f"{each.tokens_per_second:,.0f}",
            "" if each.share_of_limit is None else f"{each.share_of_limit:.0%}",
        )
        for each in speeds
    ]
    terminal.write_table(rows, ("engine", "dtype", "hidden", "batch", "tokens/s", "of the limit"))
    return None


def _numbers(name: str, given: str) -> list[int]:
    try:
        numbers = [int(each) for each in given.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise UsageError(f"--{name} takes whole numbers of at least 1, such as 256,512, not {given!r}.")
    return numbers
