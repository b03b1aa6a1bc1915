"""The one style of all figures: colours, lines and sizes that hold in print and for those who see no red and green.

Knows matplotlib, which is imported when a figure is begun, and no subject.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from toolkit.core import MissingExtraError

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Told apart with every kind of colour vision (Okabe and Ito 2008)."""
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
"""The same series told apart in black and white."""
PAPER, INK, FAINT = "#ffffff", "#26272b", "#9a9a9a"
SEQUENTIAL, DIVERGING = "cividis", "PuOr_r"
_DPI = 110


def figure(width: float, height: float, rows: int = 1, columns: int = 1, **how: Any) -> tuple[Any, Any]:
    """A figure of so many inches, and its axes as an array of (rows, columns); MissingExtraError without matplotlib."""
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("pictures of measures", "plots") from None
    with rc_context({"font.size": 9, "axes.edgecolor": INK, "text.color": INK, "axes.labelcolor": INK}):
        drawn = Figure(figsize=(width, height), layout="constrained", facecolor=PAPER)
        FigureCanvasAgg(drawn)
        axes = drawn.subplots(rows, columns, squeeze=False, **how)
    for axis in axes.flat:
        plain(axis)
    return drawn, axes


def plain(axis: Any) -> None:
    """Without the frame that tells nothing."""
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.tick_params(labelsize=8)


def line(axis: Any, number: int, x: Any, y: Any, label: str = "", **how: Any) -> None:
    """Series ``number`` in its own colour and dashes."""
    style = {"color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number % len(DASHES)], "linewidth": 1.6}
    axis.plot(x, y, label=label or None, **{**style, **how})


def png(drawn: Any) -> bytes:
    """The figure as a PNG, the same bytes for the same figure."""
    picture = io.BytesIO()
    drawn.savefig(picture, format="png", dpi=_DPI, metadata={"Software": None})
    return picture.getvalue()


def gif(drawn: Any, frames: int, update: Callable[[int], object], *, milliseconds: int) -> bytes:
    """An endless animation: ``update`` changes the figure to what each frame shows."""
    import numpy as np
    from PIL import Image

    pictures = []
    for number in range(frames):
        update(number)
        drawn.canvas.draw()
        pictures.append(Image.fromarray(np.asarray(drawn.canvas.buffer_rgba())[..., :3]).quantize(64))
    moving = io.BytesIO()
    pictures[0].save(moving, "GIF", save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0)
    return moving.getvalue()
