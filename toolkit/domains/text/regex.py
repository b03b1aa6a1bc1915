r"""Regular expressions as automata: the texts that `re.fullmatch` accepts, all of them and no others.

The syntax is read by the parser of `re` itself, and which characters a class holds is asked of `re` too, so both mean
here what they mean there. That parser lives in ``re._parser``, which is not public: this is the one place that touches
it, and a pattern that it reads into something unknown is refused, never guessed at. Knows no tokens.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from functools import lru_cache
from re import _constants as syntax  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from toolkit.core import UsageError
from toolkit.domains.text.alphabet import CODE_POINTS, CharSet, from_spans
from toolkit.domains.text.automata import Dfa, normal
from toolkit.domains.text.nfa import ANY, Assertion, Kind, Nfa, determinise

_REFUSED = {
    syntax.GROUPREF: "a back-reference",
    syntax.GROUPREF_EXISTS: "a condition on a group",
    syntax.ASSERT: "a look-ahead or look-behind",
    syntax.ASSERT_NOT: "a look-ahead or look-behind",
    syntax.ATOMIC_GROUP: "an atomic group",
    syntax.POSSESSIVE_REPEAT: "a possessive repeat",
}
_CATEGORIES = {
    syntax.CATEGORY_DIGIT: r"\d",
    syntax.CATEGORY_NOT_DIGIT: r"\D",
    syntax.CATEGORY_SPACE: r"\s",
    syntax.CATEGORY_NOT_SPACE: r"\S",
    syntax.CATEGORY_WORD: r"\w",
    syntax.CATEGORY_NOT_WORD: r"\W",
}
_CLASS_FLAGS = re.IGNORECASE | re.ASCII | re.DOTALL
"""The flags that decide which characters a class holds."""

_LINE_END: CharSet = (ord("\n"), ord("\n") + 1)
_UNICODE_WORD = Kind.ASCII_WORD | Kind.OTHER_WORD


@lru_cache(64)
def matching(pattern: str, flags: int = 0) -> Dfa:
    """The texts that ``re.fullmatch(pattern, text, flags)`` accepts, without those that hold half a surrogate pair.

    UsageError in one sentence for what is no regular expression, for one that no automaton can follow (references,
    look-around, atomic groups and possessive repeats), and for one that takes too many states.
    """
    nfa = Nfa()
    start, final = nfa.add(), nfa.add()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on what a later Python may read otherwise; this one decides
            parsed = parser.parse(pattern, flags)
        here = _Builder(nfa).sequence(parsed, parsed.state.flags, start)
    except (re.error, OverflowError) as error:
        raise UsageError(f"the pattern {_shown(pattern)} cannot be read: {error}.") from None
    except RecursionError:
        raise UsageError(f"the pattern {_shown(pattern)} is nested too deeply.") from None
    nfa.free(here, final)
    return normal(*determinise(nfa, start, final))


def literal(text: str) -> Dfa:
    """Just this one text."""
    return matching(re.escape(text))


def characters_within(inside: str) -> Dfa:
    """One character of those that ``[inside]`` stands for in a pattern; UsageError when that is no class."""
    pattern = f"[{inside}]"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = parser.parse(pattern, 0)
    except (re.error, OverflowError) as error:
        raise UsageError(f"{pattern} is no class of characters: {error}.") from None
    if len(parsed) != 1 or parsed[0][0] not in (syntax.IN, syntax.LITERAL, syntax.NOT_LITERAL, syntax.ANY):
        raise UsageError(f"{pattern} is more than a class of characters; put a backslash before ].")
    return matching(pattern)


def _shown(pattern: str) -> str:
    return repr(pattern if len(pattern) <= 60 else pattern[:57] + "…")


class _Builder:
    """Adds what parsed syntax accepts to an automaton: each method from a state on, giving the state where it ends."""

    def __init__(self, nfa: Nfa) -> None:
        self.nfa = nfa

    def sequence(self, parsed: Iterable[tuple[Any, Any]], flags: int, here: int) -> int:
        for operation, argument in parsed:
            here = self.one(operation, argument, flags, here)
        return here

    def one(self, operation: Any, argument: Any, flags: int, here: int) -> int:
        if operation is syntax.SUBPATTERN:
            _, added, removed, parsed = argument
            return self.sequence(parsed, (flags | added) & ~removed, here)
        if operation is syntax.BRANCH:
            return self.branches(argument[1], flags, here)
        if operation in (syntax.MAX_REPEAT, syntax.MIN_REPEAT):  # lazy or not: a whole match tries every number
            least, most, parsed = argument
            return self.repeat(least, most, parsed, flags, here)
        after = self.nfa.add()
        if operation is syntax.AT:
            self.nfa.free(here, after, self.assertion(argument, flags))
        else:
            self.nfa.edge(here, _characters(operation, argument, flags), after)
        return after

    def branches(self, branches: Iterable[Any], flags: int, here: int) -> int:
        after = self.nfa.add()
        for each in branches:
            begin = self.nfa.add()
            self.nfa.free(here, begin)
            self.nfa.free(self.sequence(each, flags, begin), after)
        return after

    def repeat(self, least: int, most: Any, parsed: Any, flags: int, here: int) -> int:
        for _ in range(least):
            here = self.sequence(parsed, flags, here)
        after = self.nfa.add()
        if most is syntax.MAXREPEAT:
            loop = self.nfa.add()
            self.nfa.free(here, loop)
            self.nfa.free(self.sequence(parsed, flags, loop), loop)
            here = loop
        else:
            for _ in range(most - least):
                self.nfa.free(here, after)
                here = self.sequence(parsed, flags, here)
        self.nfa.free(here, after)
        return after

    def assertion(self, place: Any, flags: int) -> Assertion:
        """What stands around an anchor or a word's edge, as `re` has it."""
        self.nfa.words = _word_sets()
        nothing, edge, line = Kind(0), Kind.EDGE, Kind.FINAL_NEWLINE | Kind.NEWLINE
        many = flags & re.MULTILINE
        if place in (syntax.AT_BEGINNING, syntax.AT_BEGINNING_STRING):
            begins = edge | line if many and place is syntax.AT_BEGINNING else edge
            return Assertion(((begins, ANY), (ANY, nothing)))
        if place is syntax.AT_END_STRING:
            return Assertion(((ANY, edge),))
        if place is syntax.AT_END:
            return Assertion(((ANY, edge | line if many else edge | Kind.FINAL_NEWLINE),))
        word = Kind.ASCII_WORD if flags & re.ASCII else _UNICODE_WORD
        other = ANY & ~word
        if place is syntax.AT_BOUNDARY:
            return Assertion(((word, other), (other, word)))
        inside_nothing = other if re.fullmatch(r"\B", "") else other & ~edge  # Python before 3.14 says no
        return Assertion(((edge, inside_nothing), (word, word), (other, other)))


@lru_cache(1)
def _word_sets() -> tuple[CharSet, CharSet, CharSet]:
    """Line ends, word characters, and those among them that are ASCII."""
    return _LINE_END, _matched(r"\w", 0), _matched(r"\w", int(re.ASCII))


def _characters(operation: Any, argument: Any, flags: int) -> CharSet:
    """The characters that one step of a pattern reads."""
    if operation is syntax.LITERAL and not flags & re.IGNORECASE:
        return (argument, argument + 1)
    return _matched(_written(operation, argument), flags & _CLASS_FLAGS)


def _written(operation: Any, argument: Any) -> str:
    """What was parsed, as a pattern again."""
    if operation is syntax.LITERAL:
        return f"[{_escape(argument)}]"
    if operation is syntax.NOT_LITERAL:
        return f"[^{_escape(argument)}]"
    if operation is syntax.ANY:
        return "."
    if operation is syntax.IN:
        return f"[{''.join(_member(*each) for each in argument)}]"
    what = _REFUSED.get(operation, f"a construct ({str(operation).lower()})")
    raise UsageError(f"the pattern holds {what}, which no automaton can follow.")


def _member(operation: Any, argument: Any) -> str:
    if operation is syntax.NEGATE:
        return "^"
    if operation is syntax.CATEGORY:
        return _CATEGORIES[argument]
    if operation is syntax.RANGE:
        return f"{_escape(argument[0])}-{_escape(argument[1])}"
    return _escape(argument)


def _escape(point: int) -> str:
    return f"\\U{point:08x}"


@lru_cache(1024)
def _matched(pattern: str, flags: int) -> CharSet:
    """Every character that ``pattern``, which reads one, matches: a few milliseconds to ask them all."""
    return from_spans(each.span() for each in re.finditer(f"(?:{pattern})+", _every_character(), flags))


@lru_cache(1)
def _every_character() -> str:
    return "".join(map(chr, range(CODE_POINTS)))
