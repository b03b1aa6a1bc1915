"""The tree of all sequences that may come next, grown where a search asks for it.

A node is a sequence begun; its children are one token longer, each with the probability that the sampler's chain
leaves it behind the constraint's mask. So the probabilities of all finished sequences sum to 1, and searching and
drawing speak of the same distribution. Knows engines, samplers and constraints; knows no way to search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from toolkit.core import BoolArray, Engine, FloatArray
from toolkit.sampling import Opening, Prospect, Sampler, decided, withdraw
from toolkit.sampling.logits import Logits, keep, log_softmax


@dataclass(frozen=True)
class Found:
    """A finished sequence, the stop token included if it came.

    ``log_probabilities`` are the model's own, a token each, in nats; ``searched`` is the log-probability of the whole
    in the distribution that was searched: masked, and changed by the sampler's chain. ``score`` is what the search
    ranked it by. ``log_weight`` belongs to a sample without replacement (see `toolkit.search.stochastic`).
    """

    tokens: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    searched: float
    score: float
    log_weight: float | None = None

    @property
    def log_probability(self) -> float:
        """The model's own log-probability of the whole, in nats: no mask and no transform counted."""
        return sum(self.log_probabilities)


@dataclass(frozen=True)
class Sought:
    """How a search stands after ``position`` tokens.

    ``rows`` sequences are followed, ``finished`` stand aside; ``leading`` is the one that leads, a finished one where
    there is any.
    """

    position: int
    rows: int
    finished: int
    leading: Node | Found

    @property
    def best(self) -> tuple[int, ...]:
        """The tokens of the one that leads, put together for who asks: at every step it takes as long as searching."""
        return self.leading.tokens


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """A sequence begun: ``token`` after its parent's. ``over`` says that nothing follows.

    Log-probabilities in nats: ``own`` is the model's of the token, ``total`` the model's of the whole, and ``searched``
    that of the whole in the distribution searched. Nodes are values and share their beginnings.
    """

    parent: Node | None
    token: int
    length: int
    own: float
    total: float
    searched: float
    sampler: tuple[Any, ...]
    constraint: Any
    allowed_V: BoolArray | None
    over: bool

    def found(self, score: float, log_weight: float | None = None) -> Found:
        """The sequence as a result."""
        path = self._path()
        return Found(self.tokens, tuple(each.own for each in path), self.searched, score, log_weight)

    @property
    def tokens(self) -> tuple[int, ...]:
        """The sequence so far."""
        return tuple(each.token for each in self._path())

    def _path(self) -> list[Node]:
        path: list[Node] = []
        node = self
        while node.parent is not None:
            path.append(node)
            node = node.parent
        return path[::-1]


class Level(NamedTuple):
    """Nodes of one length side by side in the engine, with the log-probability of every child of each.

    ``own_NV`` is the model's of the token alone; ``searched_NV`` of the whole child, minus infinity for what cannot be.
    """

    nodes: Sequence[Node]
    prospects: Sequence[Prospect]
    own_NV: Logits
    searched_NV: Logits
    memory: Any

    def totals(self) -> Logits:
        """(N, V): the model's own log-probability of every child as a whole, minus infinity for what cannot be."""
        before_N = np.array([node.total for node in self.nodes])
        return keep(before_N[:, None] + self.own_NV, self.searched_NV > -np.inf)


class Tree:
    """Every continuation of an opening within ``length`` tokens."""

    def __init__(self, engine: Engine, opening: Opening, sampler: Sampler, length: int, stop: int, seed: int) -> None:
        self._engine, self._opening, self._sampler = engine, opening, sampler
        self._stop, self._seed = stop, seed
        self.length = length

    def root(self) -> Node:
        """The node before the first new token."""
        return self._node(None, 0, 0.0, 0.0, self._opening.sampler, self._opening.state)

    def first(self, root: Node) -> Level:
        """The level of the root alone: the prompt is fed once."""
        logits_V, memory = self._engine.feed(self._opening.tokens, self._engine.begin())
        return self._level([root], logits_V[None], memory)

    def below(self, level: Level, chosen: Sequence[tuple[int, Node]]) -> Level:
        """The level of chosen children, each with its parent's row in ``level``; there must be one."""
        nodes = [node for _, node in chosen]
        forked = self._engine.rows(level.memory, [row for row, _ in chosen])
        return self._level(nodes, *self._engine.advance([node.token for node in nodes], forked))

    def child(self, level: Level, row: int, token: int) -> Node | None:
        """The child of a row's node by ``token``; None when it leads nowhere.

        That is where the constraint takes tokens back, or lets none follow though something is missing.
        """
        parent, constraint = level.nodes[row], self._opening.constraint
        state = constraint.step(parent.constraint, token)
        if withdraw(constraint, state):
            return None
        own, searched = float(level.own_NV[row, token]), float(level.searched_NV[row, token])
        node = self._node(parent, token, own, searched, level.prospects[row].after(token), state)
        return None if self._stuck(node) else node

    def _level(self, nodes: Sequence[Node], logits_NV: FloatArray, memory: Any) -> Level:
        exact_NV = np.stack([self._decided(*each) for each in zip(nodes, logits_NV, strict=True)])
        own_NV = np.stack([log_softmax(logits_V) for logits_V in exact_NV])
        prospects = [self._prospect(*each) for each in zip(nodes, exact_NV, strict=True)]
        with np.errstate(divide="ignore"):
            logarithms_NV = np.log(np.stack([each.probabilities_V for each in prospects]))
        before_N = np.array([node.searched for node in nodes])
        return Level(nodes, prospects, own_NV, logarithms_NV + before_N[:, None], memory)

    def _decided(self, node: Node, logits_V: FloatArray) -> Logits:
        return decided(self._opening.constraint, node.constraint, logits_V.astype(np.float64), node.allowed_V)

    def _prospect(self, node: Node, logits_V: Logits) -> Prospect:
        return self._sampler.prospect(logits_V, node.sampler, node.allowed_V, seed=self._seed, position=node.length)

    def _node(
        self, parent: Node | None, token: int, own: float, searched: float, sampler: tuple[Any, ...], state: Any
    ) -> Node:
        length, before = (0, 0.0) if parent is None else (parent.length + 1, parent.total)
        over = length == self.length or (parent is not None and token == self._stop)
        allowed_V = None if over else self._opening.constraint.allowed(state)
        complete = allowed_V is not None and not allowed_V.any() and self._opening.constraint.distance(state) == 0
        return Node(parent, token, length, own, before + own, searched, sampler, state, allowed_V, over or complete)

    def _stuck(self, node: Node) -> bool:
        return not node.over and node.allowed_V is not None and not node.allowed_V.any()
