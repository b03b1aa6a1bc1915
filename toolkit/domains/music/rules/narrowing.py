"""The grammar that a layout, limits and rules ask for together."""

from __future__ import annotations

from functools import lru_cache

from toolkit.domains.music.events import Layout
from toolkit.domains.music.grammar import Limits
from toolkit.domains.music.rules.repeats import Repeats, SparingGrammar
from toolkit.domains.music.rules.rule import Rule
from toolkit.domains.music.rules.ruled import RuledGrammar


@lru_cache(maxsize=8)
def ruled_within(layout: Layout, limits: Limits, rules: tuple[Rule, ...]) -> RuledGrammar | SparingGrammar:
    """The melodies of a layout within limits that keep to rules, shared so that tables are computed once.

    UsageError when there are none.
    """
    grammar = RuledGrammar(layout, limits, rules)
    times = [rule.times for rule in rules if isinstance(rule, Repeats)]
    return SparingGrammar(grammar, min(times)) if times else grammar
