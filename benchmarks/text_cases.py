"""Random things to ask of a text, each with a check of its own that shares no code with what enforces it.

A case is settings as the command line has them and a function of the generated text alone. Knows neither automata nor
models; random words come from what it is given.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.domains.text.verse import checking

Check = Callable[[str], bool]


@dataclass(frozen=True)
class Case:
    """``kinds`` names what is asked for; every check of a text must hold."""

    kinds: tuple[str, ...]
    settings: Mapping[str, Any]
    checks: tuple[Check, ...]

    def holds(self, text: str) -> bool:
        return all(check(text) for check in self.checks)


Kind = Callable[[Random, Sequence[str]], tuple[dict[str, Any], Check]]


def escaped(text: str) -> str:
    """``text`` as the flags want it, where | parts several."""
    return text.replace("\\", r"\\").replace("|", r"\|").replace("\n", r"\n")


def regex(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    low = rng.randint(1, 3)
    word = f"[a-z]{{{low},{low + rng.randint(2, 6)}}}"
    pattern = rng.choice(
        [
            f"[A-Z][a-z]+( {word}){{{rng.randint(1, 4)},{rng.randint(5, 9)}}}[.!?]",
            f"({word}, ){{{rng.randint(1, 3)},5}}and {word}\\.",
            f"(({word}|{re.escape(rng.choice(words))}) ){{2,8}}{re.escape(rng.choice(words))}",
            rf"[A-Z]{{2,12}}:\n[A-Z][^\n]{{{rng.randint(5, 20)},60}}[.;?]",
            f"(?i)({re.escape(rng.choice(words))}|{re.escape(rng.choice(words))})( {word})+",
            f"[^{rng.choice('aeiou')}{rng.choice('tnshr')}]{{20,60}}",
        ]
    )
    return {"regex": pattern}, lambda text: re.fullmatch(pattern, text) is not None


def characters(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    left_out = set(rng.sample(string.ascii_lowercase, rng.randint(1, 8)))
    kept = "".join(each for each in string.ascii_lowercase if each not in left_out)
    return {"characters": f"{kept} .,\n"}, lambda text: not set(text) - set(kept + " .,\n")


def avoid(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    banned = rng.sample(["the", "th", "e ", "ou", "and", "in", "er", "s ", "an", ", ", "\n", *rng.sample(words, 3)], 4)
    by = rng.choice(["mask", "rewind"])
    return (
        {"avoid": "|".join(map(escaped, banned)), "avoid_by": by},
        lambda text: not any(each in text for each in banned),
    )


def contain(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    wanted = rng.sample(words, rng.randint(1, 3))
    return {"contain": "|".join(map(escaped, wanted))}, lambda text: all(each in text for each in wanted)


def lines(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    count, short = rng.randint(2, 4), rng.randint(8, 20)
    long = short + rng.choice([0, 3, 10])
    settings = {"lines": str(count), "line_length": f"{short}-{long}" if long > short else str(short)}

    def check(text: str) -> bool:
        parts = text.removesuffix("\n").split("\n")
        return len(parts) == count and all(short <= len(each) <= long for each in parts)

    return settings, check


def acrostic(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    word = "".join(rng.sample(string.ascii_uppercase.replace("X", "").replace("Z", ""), rng.randint(2, 4)))
    return {"acrostic": word}, lambda text: "".join(each[:1] for each in text.split("\n") if each).startswith(word)


def ends(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    first, last = rng.choice(words).capitalize() + " ", f" {rng.choice(words)}."
    return {"begin": first, "end": last}, lambda text: text.startswith(first) and text.endswith(last)


KINDS: Mapping[str, Kind] = {each.__name__: each for each in (regex, characters, avoid, contain, lines, acrostic, ends)}

_SCHEMAS: tuple[Mapping[str, Any], ...] = (
    {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
     "required": ["name", "age"], "additionalProperties": False},
    {"type": "array", "items": {"enum": ["yes", "no", "perhaps"]}, "minItems": 2, "maxItems": 4},
    {"type": "object", "properties": {"ok": {"type": "boolean"}, "why": {"enum": ["love", "war"]}},
     "required": ["ok", "why"], "additionalProperties": False},
)  # fmt: skip


def schema(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    asked = rng.choice(_SCHEMAS)

    def check(text: str) -> bool:
        try:
            value = json.loads(text)
        except ValueError:
            return False
        if asked["type"] == "array":
            return 2 <= len(value) <= 4 and set(value) <= {"yes", "no", "perhaps"}
        if "age" in asked["properties"]:
            return set(value) == {"name", "age"} and type(value["age"]) is int and len(value["name"]) <= 12
        return set(value) == {"ok", "why"} and type(value["ok"]) is bool and value["why"] in ("love", "war")

    return {"json_schema": json.dumps(asked)}, check


def verse(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    """Syllables and rhymes, by a reading of the dictionary's file that is the tests' own."""
    counts, scheme = rng.choice([((5, 7, 5), ""), ((6, 6), "AA"), ((8, 8), "AA"), ((7, 5, 7, 5), "ABAB")])
    settings = {"syllables": ",".join(map(str, counts)), "lines": str(len(counts))}
    asked = tuple((count, count) for count in counts)

    def check(text: str) -> bool:
        try:
            return len(checking.check(text, scheme, asked)) == len(counts)
        except (AssertionError, KeyError, ValueError):
            return False

    return settings | ({"rhyme": scheme} if scheme else {}), check


def grammar(rng: Random, words: Sequence[str]) -> tuple[dict[str, Any], Check]:
    """Words that nest as brackets do: as many of the one as of the other, and never more closed than open."""
    opened, closed, inner = rng.sample(words, 3)
    rule = f'start: item+\nitem: "{opened} " item+ "{closed} " | "{inner} "'

    def check(text: str) -> bool:
        depth, last = 0, opened
        for word in text.split():
            depth += (word == opened) - (word == closed)
            if word not in (opened, closed, inner) or depth < 0 or (last, word) == (opened, closed):
                return False
            last = word
        return depth == 0 and bool(text) and text == "".join(f"{word} " for word in text.split())

    return {"grammar": rule}, check


ALONE: Mapping[str, Kind] = {"json_schema": schema, "verse": verse, "grammar": grammar}
"""Kinds that nothing else is asked for beside."""


def draw(rng: Random, words: Sequence[str], *, composed: bool) -> Case:
    """One thing to ask, or two or three at once where it is ``composed``."""
    if not composed and rng.random() < 0.25:
        name = rng.choice(sorted(ALONE))
        settings, check = ALONE[name](rng, words)
        return Case((name,), settings, (check,))
    count = rng.choice([2, 2, 3]) if composed else 1
    names = sorted(rng.sample(sorted(KINDS), count))
    drawn = [KINDS[name](rng, words) for name in names]
    settings = {key: value for each, _ in drawn for key, value in each.items()}
    return Case(tuple(names), settings, tuple(check for _, check in drawn))
