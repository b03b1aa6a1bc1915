"""Where a model is surprised: the topic `surprise`."""

from __future__ import annotations

import numpy as np

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked, material, readable
from toolkit.api.running import Run
from toolkit.inspect.pictures import coloured_tokens
from toolkit.inspect.tracing import losses

_LENGTH, _LISTED, _BEFORE = 1200, 8, 24


def surprise(run: Run, asked: Asked) -> Insight:
    """The nats of every token of a text or tune; the most and the least expected moments."""
    read = material(run, asked, _LENGTH)
    ids = read.ids[:_LENGTH].astype(np.int64)
    nats = losses(run.model, ids[None])[0]
    labels = readable(run, ids)
    order = np.argsort(-nats)
    most, least = order[:_LISTED], order[::-1][:_LISTED]
    few = max(1, len(nats) // 10)
    share = float(nats[order[:few]].sum() / max(float(nats.sum()), 1e-9))
    even = float(np.log(run.codec.size))
    place = int(most[0])
    said = (
        f"The {len(nats)} tokens of {read.said} cost {nats.mean():.2f} nats each; guessing among all {run.codec.size} "
        f"would cost "
        f"{even:.2f}. A tenth of them make up {share:.0%} of the surprise. The least expected is "
        f"{labels[place + 1]!r} after "
        f"“{_before(labels, place)}”, at {nats[place]:.1f} nats, a chance of {np.exp(-nats[place]):.2g}."
    )
    if nats.mean() > 0.97 * even:
        said += " That is no better than guessing: to this model everything is a surprise."
    rows = [
        (kind, str(int(at) + 1), labels[at + 1], f"{nats[at]:.2f}", _before(labels, int(at)))
        for kind, places in (("most", most), ("least", least))
        for at in places
    ]
    shown = labels[1:601]
    return Insight(
        f"What surprises {run.name}",
        said,
        ("expected", "place", "token", "nats", "after"),
        [("least" if kind == "most" else "most", *rest) for kind, *rest in rows],
        {
            "read": read.said,
            "tokens": len(nats),
            "nats_per_token": float(nats.mean()),
            "nats": [round(float(each), 4) for each in nats],
            "labels": labels[1:],
        },
        lambda: coloured_tokens(
            [("the stronger the colour, the less expected", nats[: len(shown)])], shown, centred=False, legend="nats"
        ),
    )


def _before(labels: list[str], place: int) -> str:
    """The tokens up to and with the one at ``place``, as many as fit a line."""
    single = all(len(each) <= 1 for each in labels)
    return ("" if single else " ").join(labels[max(0, place - _BEFORE) : place + 1])[-40:].strip()
