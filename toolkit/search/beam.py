"""Greedy, beam and diverse beam search: the same few most likely sequences followed side by side.

A step keeps the likeliest continuations of all sequences of a beam. Those that are over leave it and stand aside, and
the search ends when no sequence still followed can be ranked before the ones that do. A sequence from which the
constraint takes tokens back, or that leads nowhere, is passed over for the next likely one.

Diverse beam search: Vijayakumar et al. 2016, 1610.02424. Groups choose one after the other, and a token costs each
later group a penalty for every beam that has just chosen it (the Hamming diversity of their section 4). The penalty
bears on the choice at that step alone: a sequence keeps its own log-probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from toolkit.core import ToolkitError
from toolkit.search.settings import SearchSettings
from toolkit.search.tree import Found, Level, Node, Sought, Tree


class _Group:
    """One beam: the rows it follows in the level, and the finished sequences that stand aside, best first."""

    def __init__(self, width: int, settings: SearchSettings, longest: int) -> None:
        self.width = width
        self.rows: list[int] = [0]
        self.finished: list[Found] = []
        self._settings, self._longest = settings, longest

    def finish(self, node: Node) -> None:
        """Puts a finished sequence in its place among the best; of equals, the one found first stays before."""
        found = node.found(self._score(node, node.length))
        self.finished = sorted([*self.finished, found], key=lambda each: -each.score)[: self.width]

    def settled(self, nodes: Sequence[Node]) -> bool:
        """Whether no continuation of ``nodes`` can still be ranked among the best.

        Going on only lowers a log-probability and, lengths counting in favour, no score can rise above what the
        present log-probability would be worth at the greatest length.
        """
        if len(self.finished) < self.width or not nodes:
            return not nodes
        return max(self._score(node, self._longest) for node in nodes) <= self.finished[-1].score

    def _score(self, node: Node, length: int) -> float:
        return self._settings.score(node.total if self._settings.likelihood == "model" else node.searched, length)


def beams(tree: Tree, settings: SearchSettings) -> Iterator[Sought | list[Found]]:
    """How the search stands after each token, and last the sequences that it finds, best first.

    Groups take turns: the best of each, then the second of each, and so on, every turn in order of score and without
    what an earlier turn or group gave. ToolkitError when nothing that may stand was found.
    """
    count, width = settings.shape
    groups = [_Group(width, settings, tree.length) for _ in range(count)]
    root = tree.root()
    if root.over:
        yield [root.found(0.0)]
        return
    level = tree.first(root)
    while any(group.rows for group in groups):
        level = _stepped(tree, level, groups, settings)
        yield _sought(level, groups)
    found = _in_turns([group.finished for group in groups])
    if not found:
        raise ToolkitError("no sequence that may stand was found: every one that was followed came to a dead end.")
    yield found


def _sought(level: Level, groups: Sequence[_Group]) -> Sought:
    """How it stands: ``level`` is the newest, whose first node is the likeliest that the first group follows."""
    finished = [group.finished[0] for group in groups if group.finished]
    leading = max(finished, key=lambda each: each.score) if finished else level.nodes[0]
    following = sum(len(group.rows) for group in groups)
    return Sought(level.nodes[0].length, following, sum(len(group.finished) for group in groups), leading)


def _stepped(tree: Tree, level: Level, groups: Sequence[_Group], settings: SearchSettings) -> Level:
    """Lets every group choose in its turn; the next level holds what all of them go on with."""
    ranked_NV = level.totals() if settings.likelihood == "model" else level.searched_NV
    chosen_V = np.zeros(ranked_NV.shape[1])
    following: list[tuple[int, Node]] = []
    for group in groups:
        chosen = _likeliest(tree, level, group, ranked_NV - settings.diversity * chosen_V) if group.rows else []
        for _, node in chosen:
            chosen_V[node.token] += 1
            if node.over:
                group.finish(node)
        live = [each for each in chosen if not each[1].over]
        if group.settled([node for _, node in live]):
            live = []
        group.rows = list(range(len(following), len(following) + len(live)))
        following += live
    return tree.below(level, following) if following else level


def _likeliest(
    tree: Tree,
    level: Level,
    group: _Group,
    ranked_NV: npt.NDArray[np.float64],
) -> list[tuple[int, Node]]:
    """The group's next sequences, each with its parent's row: as many as it is wide, or all that there are."""
    chosen: list[tuple[int, Node]] = []
    for row, token in _falling(ranked_NV, group.rows):
        node = tree.child(level, row, token)
        if node is not None:
            chosen.append((row, node))
        if len(chosen) == group.width:
            break
    return chosen


def _falling(ranked_NV: npt.NDArray[np.float64], rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(row, token) of every possible child of these rows, the likeliest first; of equals the earlier row and token."""
    ranked_RV = ranked_NV[list(rows)]
    for place in np.argsort(-ranked_RV, axis=None, kind="stable"):
        row, token = divmod(int(place), ranked_RV.shape[1])
        if ranked_RV[row, token] == -np.inf:
            return
        yield rows[row], token


def _in_turns(ranked: Sequence[Sequence[Found]]) -> list[Found]:
    """The first of each list in order of score, then the second of each, and so on, without repetitions."""
    found: dict[tuple[int, ...], Found] = {}
    for turn in range(max(len(each) for each in ranked)):
        present = [each[turn] for each in ranked if turn < len(each)]
        for each in sorted(present, key=lambda each: -each.score):
            found.setdefault(each.tokens, each)
    return list(found.values())
