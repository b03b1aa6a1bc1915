"""How much of what stands before helps: the topic `context`."""

from __future__ import annotations

import numpy as np

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked, material
from toolkit.api.running import Run
from toolkit.inspect.memory import LENGTHS, context_loss
from toolkit.inspect.pictures import curves

_WANTED = 20_000


def context(run: Run, asked: Asked) -> Insight:
    """The loss of the same tokens after contexts of many lengths."""
    read = material(run, asked, _WANTED if asked.corpus else max(LENGTHS) * 8)
    found = context_loss(run.model, read.ids, np.random.default_rng(asked.seed), watch=asked.watch)
    worse, error = found.gained()
    enough, longest = found.enough(), found.lengths[-1]
    short = 8 if 8 in found.lengths else found.lengths[0]
    share = float((found.means[0] - found.means[found.lengths.index(short)]) / max(float(worse[0]), 1e-9))
    said = (
        f"On {found.nats_KN.shape[1]} tokens of {read.said}: after one token of context the model loses "
        f"{found.means[0]:.2f} nats on "
        f"each, after {longest} it loses {found.means[-1]:.2f}. "
    )
    said += (
        f"The first {short} tokens bring {share:.0%} of that difference, and from {enough} on no length is worse than "
        f"{longest} by "
        f"more than two standard errors: so far does it use what it has read."
        if worse[0] > 2 * error[0]
        else "That is no difference: it makes nothing of what it has read."
    )
    return Insight(
        f"How far back {run.name} looks",
        said,
        ("context", "nats per token", f"worse than after {longest}", "± standard error"),
        [
            (str(length), f"{mean:.3f}", f"{each:+.3f}", f"{spread:.3f}")
            for length, mean, each, spread in zip(found.lengths, found.means, worse, error, strict=True)
        ],
        {
            "read": read.said,
            "tokens": int(found.nats_KN.shape[1]),
            "lengths": list(found.lengths),
            "nats_per_token": found.means.tolist(),
            "worse": worse.tolist(),
            "standard_error": error.tolist(),
            "enough": enough,
        },
        lambda: curves(
            {run.name: (found.lengths, found.means, error)},
            "tokens of context",
            "nats per token",
            logarithmic=True,
            level=(f"after {longest}", float(found.means[-1])),
        ),
    )
