"""Arithmetic on one row of logits: normalising it and keeping the best of it.

Knows no transform and no constraint. Rows are float64 of shape (V,), minus infinity where a token is
impossible; no function writes into the row it is given.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from toolkit.core import ToolkitError

Logits = npt.NDArray[np.float64]

ROUNDING = 1e-12
"""Relative slack of a threshold on probabilities: a token exactly on the threshold is not lost to rounding."""

_VANISHED = -1e3
"""A log-probability whose probability is 0 in float64: it stands in for minus infinity in products."""


def peak(logits_V: Logits) -> float:
    """The greatest logit. ToolkitError when no token is possible, or when a logit is not a number."""
    top = float(logits_V[logits_V.argmax()])  # quicker than max(), and finds a NaN as it does
    if top == -math.inf:
        raise ToolkitError("no token is left to choose from: the settings rule out everything that may come next.")
    if not math.isfinite(top):
        raise ToolkitError("the model answered with something that is not a number; its weights are damaged.")
    return top


def softmax(logits_V: Logits) -> Logits:
    """Probabilities, summing to 1; errors as `peak`."""
    weights_V: Logits = np.exp(logits_V - peak(logits_V))
    weights_V /= weights_V.sum()
    return weights_V


def log_mass(logits_V: Logits) -> float:
    """The logarithm of the sum of the exponentials: what turns a logit into a log-probability; errors as `peak`."""
    top = peak(logits_V)
    return top + math.log(np.exp(logits_V - top).sum())


def log_softmax(logits_V: Logits) -> Logits:
    """Log-probabilities in nats; errors as `peak`."""
    shifted_V = logits_V - peak(logits_V)
    normalised_V: Logits = shifted_V - math.log(np.exp(shifted_V).sum())
    return normalised_V


def log_probability(logits_V: Logits, token: int) -> float:
    """One entry of `log_softmax`, in nats; errors as `peak`."""
    return float(logits_V[token]) - log_mass(logits_V)


def surprises(logits_V: Logits) -> Logits:
    """What each token adds to the entropy, ``-p log p`` in nats, 0 where p is 0; errors as `peak`."""
    logs_V = np.maximum(log_softmax(logits_V), _VANISHED)
    return -np.exp(logs_V) * logs_V


def entropy(logits_V: Logits) -> float:
    """The expected surprise in nats; errors as `peak`."""
    return float(surprises(logits_V).sum())


def keep(logits_V: Logits, kept_V: npt.NDArray[np.bool_]) -> Logits:
    """The logits where ``kept_V`` is True, minus infinity elsewhere."""
    return np.where(kept_V, logits_V, -np.inf)


def keep_from(logits_V: Logits, least: float) -> Logits:
    """The logits of at least ``least``, one on the line included, and always the greatest; errors as `peak`."""
    return keep(logits_V, logits_V >= min(least, peak(logits_V)) - ROUNDING)


def keep_greatest(logits_V: Logits, count: int, least: float) -> Logits:
    """Exactly ``count`` logits, the lowest of which is ``least``; of those equal to it the lower ids stay."""
    kept_V = logits_V >= least
    surplus = int(np.count_nonzero(kept_V)) - count
    if surplus > 0:
        kept_V[np.flatnonzero(logits_V == least)[-surplus:]] = False
    return keep(logits_V, kept_V)


def keep_likeliest(logits_V: Logits, count: int) -> Logits:
    """Exactly the ``count`` likeliest tokens, at least 1 and the lower ids of equals; all when there are no more."""
    if count >= len(logits_V):
        return logits_V.copy()
    return keep_greatest(logits_V, count, float(np.partition(logits_V, -count)[-count]))
