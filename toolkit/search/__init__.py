"""Decoding that looks for likely sequences instead of drawing one: greedy, beam, diverse and stochastic beam search.

Knows engines, samplers and constraints by what they promise. All searches work on the distribution that drawing draws
from; the sequences they follow advance side by side as rows of the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from toolkit.core import Constraint, Engine, UsageError
from toolkit.sampling import Anything, Sampler, opened
from toolkit.search.beam import beams
from toolkit.search.settings import SAMPLE, SearchSettings
from toolkit.search.stochastic import samples
from toolkit.search.tree import Found, Sought, Tree

__all__ = ["SAMPLE", "Found", "SearchSettings", "Sought", "search", "searching"]


def search(engine: Engine, prompt: Sequence[int], **asked: Any) -> list[Found]:
    """What `searching` ends with."""
    for told in searching(engine, prompt, **asked):
        last = told
    assert isinstance(last, list)  # it always is
    return last


def searching(
    engine: Engine,
    prompt: Sequence[int],
    *,
    settings: SearchSettings,
    sampler: Sampler,
    length: int,
    stop: int,
    constraint: Constraint[Any] = Anything(),  # noqa: B008  (it has no state)
    given: Sequence[int] | None = None,
    seed: int = 0,
    count: int = 1,
) -> Iterator[Sought | list[Found]]:
    """Searches, telling after each token how it stands; last the ``count`` best sequences of up to ``length`` tokens.

    They come after ``prompt``, the best first, and are distinct. There are fewer where fewer exist, or where groups of
    a diverse search met in the same ones. A stochastic search gives ``count`` samples in the order drawn, and does not
    use ``beams``; for the others the seed matters only to a sampler that draws. The first results do not depend on how
    many are asked for. The prompt, ``given`` and the errors are those of `toolkit.generate.tokens`; what a constraint
    would take back, a beam passes over.

    At once: UsageError for settings that mean no search or too few beams. In the end: ToolkitError when nothing that
    may stand was found.
    """
    _check(settings, count)
    opening = opened(
        prompt,
        sampler=sampler,
        constraint=constraint,
        given=given,
        length=length,
        stop=stop,
        vocabulary=engine.vocabulary,
    )
    tree = Tree(engine, opening, sampler, length, stop, seed)
    if settings.search == "stochastic":
        return samples(tree, count, seed)
    return _first(count, beams(tree, settings))


def _first(count: int, told: Iterator[Sought | list[Found]]) -> Iterator[Sought | list[Found]]:
    return (each[:count] if isinstance(each, list) else each for each in told)


def _check(settings: SearchSettings, count: int) -> None:
    if settings.search == SAMPLE:
        raise UsageError("to sample is not to search: greedy, beam, diverse or stochastic is.")
    if count < 1:
        raise UsageError(f"a search gives at least 1 result, not {count}.")
    if settings.search == "stochastic":
        if settings.likelihood == "model":
            raise UsageError("a stochastic search samples what is drawn; likelihood=model is for the others.")
        return
    groups, width = settings.shape
    if settings.search == "greedy" and count > 1:
        raise UsageError(f"a greedy search finds one result, not {count}; a beam or stochastic search finds more.")
    if count > groups * width:
        raise UsageError(f"{groups * width} beams find no {count} results; ask for more beams.")
