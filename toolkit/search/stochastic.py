"""Stochastic beam search: distinct samples, drawn without replacement from the distribution of whole sequences.

Kool, van Hoof and Welling 2019, "Stochastic beams and where to find them", 1903.06059. Every sequence owns a Gumbel
variable shifted by its log-probability; the greatest of them are a sample without replacement, in the order in which
one would have drawn them one by one. The tree is searched from the top down: the greatest below a node is known
before what is below it, and its children's variables are drawn on the condition that their maximum is that one.

A node's noise comes from a stream of its own that branches with the sequence. So it does not depend on how many
samples are asked for, and the first of them are the same however many there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import ToolkitError, branch, uniforms
from toolkit.core.random import TREE
from toolkit.search.tree import Found, Level, Node, Sought, Tree

Floats = npt.NDArray[np.float64]


class _Perturbed(NamedTuple):
    """A node, the greatest perturbed log-probability of the finished sequences below it, and its stream's seed.

    ``row`` is its parent's in the level from which it came.
    """

    node: Node
    greatest: float
    stream: int
    row: int = 0


class _Child(NamedTuple):
    """A child not yet made of the node in a row of the level."""

    greatest: float
    row: int
    token: int


def samples(tree: Tree, count: int, seed: int) -> Iterator[Sought | list[Found]]:
    """How the search stands after each token; last ``count`` distinct finished sequences in the order drawn, or all.

    ``score`` is the perturbed log-probability G. ``log_weight`` is log(p / q), q the probability that G is above the
    greatest one left out (their section 4.2): the sum of f times its weight over the samples has the expected value
    of f, under the distribution searched, as its mean. ToolkitError where a sequence must take tokens back or comes to
    a dead end: how likely those that stand are is then not known from the top down.
    """
    greatest = float(_gumbel(uniforms(seed, np.zeros(1), TREE))[0])
    beam = live = [_Perturbed(tree.root(), greatest, branch(seed, 0))]
    level = None if live[0].node.over else tree.first(live[0].node)
    while level is not None:
        ended = [each for each in beam if each.node.over]
        beam = _greatest(tree, level, live, ended, count + 1)
        live = [each for each in beam if not each.node.over]
        level = tree.below(level, [(each.row, each.node) for each in live]) if live else None
        longest = max(each.node.length for each in beam)
        yield Sought(longest, len(live), len(beam) - len(live), beam[0].node)
    threshold = beam[count].greatest if len(beam) > count else -math.inf
    yield [_found(each, threshold) for each in beam[:count]]


def _greatest(
    tree: Tree, level: Level, live: Sequence[_Perturbed], ended: Sequence[_Perturbed], width: int
) -> list[_Perturbed]:
    """The ``width`` greatest of the sequences that ended and the children of those that live, falling."""
    greatest_NV = np.stack([_children(*each) for each in zip(level.searched_NV, live, strict=True)])
    kept: list[_Perturbed | _Child] = [*ended]
    for place in np.argsort(-greatest_NV, axis=None, kind="stable")[:width].tolist():
        row, token = divmod(place, greatest_NV.shape[1])
        if greatest_NV[row, token] > -np.inf:
            kept.append(_Child(float(greatest_NV[row, token]), row, token))
    kept = sorted(kept, key=lambda each: -each.greatest)[:width]
    return [each if isinstance(each, _Perturbed) else _grown(tree, level, live, each) for each in kept]


def _grown(tree: Tree, level: Level, live: Sequence[_Perturbed], child: _Child) -> _Perturbed:
    node = tree.child(level, child.row, child.token)
    if node is None:
        raise ToolkitError(
            "sampling without replacement needs a constraint that never takes anything back and never comes to a "
            "dead end; a beam search can do without."
        )
    return _Perturbed(node, child.greatest, branch(live[child.row].stream, child.token), child.row)


def _children(searched_V: Floats, parent: _Perturbed) -> Floats:
    """The children's greatest perturbed log-probabilities, drawn given that their maximum is the parent's.

    Their appendix B.3: each unconditioned Gumbel, its distance to their own maximum kept, is moved below the parent's.
    """
    free_V = searched_V + _gumbel(uniforms(parent.stream, np.arange(len(searched_V)), TREE))
    with np.errstate(divide="ignore"):
        gap_V = parent.greatest - free_V + _log1mexp(free_V - free_V.max())
    moved_V: Floats = parent.greatest - np.maximum(gap_V, 0) - np.log1p(np.exp(-np.abs(gap_V)))
    return moved_V


def _gumbel(u: Floats) -> Floats:
    """Standard Gumbel variables from uniform ones of 53 bits, moved to the middles of their intervals."""
    noise: Floats = -np.log(-np.log(u + 2.0**-54))
    return noise


def _log1mexp(x: Floats) -> Floats:
    """log(1 - exp(x)) for x ≤ 0, exact at both ends (Mächler 2012)."""
    near = x > -math.log(2)
    out: Floats = np.where(near, np.log(-np.expm1(np.where(near, x, -1.0))), np.log1p(-np.exp(x)))
    return out


def _found(sample: _Perturbed, threshold: float) -> Found:
    """The sample with its weight p / q, where q = 1 - exp(-exp(log p - threshold))."""
    excess = min(sample.node.searched - threshold, 30.0)  # from there on q is 1
    log_q = excess if excess < -30 else math.log(-math.expm1(-math.exp(excess)))  # far below, q is exp(excess)
    return sample.node.found(sample.greatest, sample.node.searched - log_q)
