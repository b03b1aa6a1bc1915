"""The constraint that a layout, limits and rules ask for together."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from toolkit.core import Constraint
from toolkit.domains.music.announcing import announcing
from toolkit.domains.music.events import Layout
from toolkit.domains.music.grammar import Limits, grammar_within
from toolkit.domains.music.rules.repeats import Repeats, SparingGrammar
from toolkit.domains.music.rules.rule import Rule
from toolkit.domains.music.rules.ruled import RuledGrammar


@lru_cache(maxsize=8)
def melodies_within(layout: Layout, limits: Limits, rules: tuple[Rule, ...] = ()) -> Constraint[Any]:
    """The melodies of a layout within limits that keep to rules, shared so that tables are computed once.

    Bars that come again are announced as the layout says. UsageError when there are none.
    """
    if not rules:
        return announcing(layout, grammar_within(layout, limits))
    grammar = RuledGrammar(layout, limits, rules)
    times = [rule.times for rule in rules if isinstance(rule, Repeats)]
    return announcing(layout, SparingGrammar(grammar, min(times)) if times else grammar)
