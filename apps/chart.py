"""The curve of a training as a small picture (SVG) in the page's own colours: loss by time, and the line to beat."""

from __future__ import annotations

from collections.abc import Sequence

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 260, 46, 26, 12
_TICKS = 5

Points = Sequence[tuple[float, float]]


def curve(steps: Points, looks: Points, counted: float | None, seconds: float) -> str:
    """Batches as a faint line, validations as dots on a strong one, what counting comes to as a dashed one."""
    values = [loss for _, loss in looks] + [loss for _, loss in steps[len(steps) // 4 :]]
    values += [] if counted is None else [counted]
    if not values:
        return ""
    low, high = min(values) - 0.05, max(values) + 0.05
    longest = max(seconds, max((at for at, _ in [*steps, *looks]), default=0.0), 1.0)

    def place(at: float, loss: float) -> tuple[float, float]:
        x = _LEFT + at / longest * (_WIDTH - _LEFT - 12)
        y = _TOP + (high - min(max(loss, low), high)) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        return x, y

    def path(points: Points) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*each) for each in points))

    shapes = []
    for number in range(_TICKS):
        loss = low + (high - low) * number / (_TICKS - 1)
        _, y = place(0, loss)
        shapes.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 12}" y1="{y:.1f}" y2="{y:.1f}"/>')
        shapes.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{loss:.2f}</text>')
        at = longest * number / (_TICKS - 1)
        shapes.append(f'<text x="{place(at, low)[0]:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{_clock(at)}</text>')
    if counted is not None:
        _, y = place(0, counted)
        shapes.append(f'<line class="counted" x1="{_LEFT}" x2="{_WIDTH - 12}" y1="{y:.1f}" y2="{y:.1f}"/>')
        shapes.append(f'<text class="counted" x="{_WIDTH - 14}" y="{y - 5:.1f}" text-anchor="end">counting</text>')
    shapes.append(f'<polyline class="batches" points="{path(_thinned(steps))}"/>')
    shapes.append(f'<polyline class="looks" points="{path(looks)}"/>')
    shapes += [
        f'<circle class="looks" cx="{x:.1f}" cy="{y:.1f}" r="3.4"/>' for x, y in (place(*each) for each in looks)
    ]
    said = f"Validation loss {looks[-1][1]:.3f} nats per token" if looks else "Loss of the batches so far"
    return f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{said}">{"".join(shapes)}</svg>'


def _thinned(points: Points) -> Points:
    """At most about 300 of them, each the mean of a stretch."""
    size = max(1, len(points) // 300)
    stretches = [points[first : first + size] for first in range(0, len(points), size)]
    return [(sum(at for at, _ in each) / len(each), sum(loss for _, loss in each) / len(each)) for each in stretches]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
