"""What the tests of stages share: rows at the generator's shape, and any settings that a stage's knobs allow."""

import math

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from toolkit.core import checked, knobs_of

# One row (V,), some tokens already impossible, ties likely in the second kind.
ENTRIES = st.one_of(st.floats(-50, 50), st.integers(-3, 3).map(float), st.just(-math.inf), st.floats(-1e4, 1e4))


def logits_of(*probabilities):
    with np.errstate(divide="ignore"):
        return np.log(np.array(probabilities, dtype=np.float64))


def after(transform, logits_V, prompt=(), u=0.5):
    return transform.apply(logits_V, transform.begin(prompt), u)


def possible(logits_V):
    return set(np.flatnonzero(logits_V > -np.inf).tolist())


def distinct(seed, size=33):
    """A row without ties, for laws that hold up to ties and rounding."""
    return np.random.default_rng(seed).normal(0, 3, size)


@st.composite
def rows(draw):
    row_V = draw(hnp.arrays(np.float64, st.integers(1, 70), elements=ENTRIES))
    assume(np.isfinite(row_V).any())
    return row_V


@st.composite
def transforms(draw, stage):
    """A stage with any settings its knobs allow, turned on as often as not."""
    values = {}
    for each in knobs_of(stage):
        if each.name in ("ban", "dry_breakers"):
            values[each.name] = draw(st.sampled_from(["", "#0", "#1,#0"]))
        elif each.name == "logit_bias":
            nats = draw(st.one_of(st.none(), st.floats(-20, 20)))
            values[each.name] = "" if nats is None else f"#0={nats}"
        elif each.kind is bool:
            values[each.name] = draw(st.booleans())
        elif each.optional and draw(st.booleans()):
            values[each.name] = None
        elif each.kind is int:
            values[each.name] = draw(st.integers(int(each.low), min(int(each.high or 100), int(each.low) + 100)))
        else:
            values[each.name] = draw(st.floats(each.low, each.high))
    return checked(stage, values).resolved()


@st.composite
def situations(draw, stage):
    """A stage, a row and a history; what a person bans exists, and something else may come."""
    row_V = draw(rows())
    prompt = draw(st.lists(st.integers(0, min(len(row_V), draw(st.sampled_from([2, 70]))) - 1), max_size=80))
    transform = draw(transforms(stage))
    banned = set(getattr(transform, "banned", ()))
    assume(banned <= set(range(len(row_V))) and possible(row_V) - banned)
    return transform, row_V, prompt
