"""JSON that validates against a schema, as an automaton.

The regular expression is outlines-core's; what it would ignore (a minimum, unique items) or get wrong is refused here
beforehand, in a sentence, so that whatever the automaton lets through is valid JSON and validates. A ``format`` says
what a string looks like, as by the standard's default it does. Objects have the properties that are listed, in that
order. Knows no tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from toolkit.core import MissingExtraError, UsageError
from toolkit.domains.text.automata import Dfa
from toolkit.domains.text.regex import matching

Schema = Mapping[str, Any]

_REMARKS = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "$defs", "definitions"}
)
_KEYWORDS: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "number": frozenset(),
    "integer": frozenset(),
    "boolean": frozenset(),
    "null": frozenset(),
}
_FORMATS = frozenset({"date", "uuid"})
_WHOLE = ("enum", "const", "anyOf", "oneOf", "allOf", "$ref")  # each says all there is to say
_UNESCAPED = r'(?s:.*["\\\x00-\x1f].*)'


@lru_cache(16)
def valid_json(schema: str) -> Dfa:
    """The JSON texts that validate against ``schema``, itself a JSON text.

    UsageError for one that is none, that contradicts itself, or whose demands cannot be kept; MissingExtraError without
    outlines-core.
    """
    try:
        from outlines_core.json_schema import build_regex_from_schema
    except ImportError:
        raise MissingExtraError("generating JSON by a schema", "grammars") from None
    try:
        parsed = json.loads(schema)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the JSON schema is not JSON ({error}).") from None
    plain = _plain(parsed, parsed, "the JSON schema", ())
    try:
        pattern = build_regex_from_schema(json.dumps(plain, ensure_ascii=False))
    except (ValueError, TypeError) as error:
        raise UsageError(f"the JSON schema cannot be kept ({_first_line(error)}).") from None
    found = matching(pattern, re.ASCII)
    if found.is_empty:
        raise UsageError("the JSON schema contradicts itself: nothing validates.")
    return found


def _plain(schema: Any, root: Any, where: str, referred: tuple[str, ...]) -> Schema:
    """``schema`` without remarks and references, every demand of which is kept; UsageError when one cannot be."""
    if not isinstance(schema, dict):
        raise UsageError(f"{where} is not an object with a type.")
    demands = {key: value for key, value in schema.items() if key not in _REMARKS}
    for key in _WHOLE:
        if key in demands:
            others = sorted(demands.keys() - {key, *({"type"} if key in ("enum", "const") else ())})
            if others:
                raise UsageError(f"{where} has {others[0]!r} beside {key!r}; only one of them can be kept.")
            return _WHOLES[key](demands, root, where, referred)
    types = demands.get("type", "object" if "properties" in demands else None)
    listed: list[Any] = types if isinstance(types, list) else [types]
    if not listed or any(not isinstance(each, str) or each not in _KEYWORDS for each in listed):
        raise UsageError(f"{where} needs a type: one of {', '.join(sorted(_KEYWORDS))}.")
    known = {"type"}.union(*(_KEYWORDS[each] for each in listed))
    for key in demands:
        if key not in known:
            raise UsageError(f"{where} asks for {key!r}, which cannot be kept for {' or '.join(listed)}.")
    branches = [
        {"type": each, **_TYPES.get(each, _nothing)(_of_type(demands, each), root, where, referred)} for each in listed
    ]
    return branches[0] if len(branches) == 1 else {"anyOf": branches}


def _of_type(demands: Schema, kind: str) -> Schema:
    return {key: value for key, value in demands.items() if key in _KEYWORDS[kind]}


def _nothing(demands: Schema, root: Any, where: str, referred: tuple[str, ...]) -> Schema:
    return {}


def _object(demands: Schema, root: Any, where: str, referred: tuple[str, ...]) -> Schema:
    properties, required = demands.get("properties", {}), demands.get("required", [])
    others = demands.get("additionalProperties", True)
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise UsageError(f"{where} has properties that are no object, or required ones that are no list.")
    for name in required:
        if name not in properties:
            raise UsageError(f"{where} requires {name!r}, which is not among its properties.")
    for name in properties:
        if re.fullmatch(_UNESCAPED, name):
            raise UsageError(f"{where} has the property {name!r}; quotes and backslashes in names cannot be kept.")
    if properties or others is False:
        plain = {name: _plain(each, root, f"{where}, {name}", referred) for name, each in properties.items()}
        return {"properties": plain, "required": [each for each in properties if each in required]}
    if others is True:
        raise UsageError(f"{where} is an object of anything: list its properties.")
    return {"additionalProperties": _plain(others, root, f"{where}, additionalProperties", referred)}


def _array(demands: Schema, root: Any, where: str, referred: tuple[str, ...]) -> Schema:
    least, most = _count(demands, "minItems", where), _count(demands, "maxItems", where)
    if "prefixItems" in demands:
        first = demands["prefixItems"]
        if not isinstance(first, list) or not first or not {"minItems", "maxItems"}.isdisjoint(demands):
            raise UsageError(f"{where} needs a list of prefixItems, and with them no other number of items.")
        return {"prefixItems": [_plain(each, root, f"{where}, prefixItems", referred) for each in first]}
    if "items" not in demands:
        raise UsageError(f"{where} is an array of anything: say what its items are.")
    if most is not None and most < (least or 0):
        raise UsageError(f"{where} has at least {least} items and at most {most}, which contradict each other.")
    counts = {key: count for key, count in (("minItems", least), ("maxItems", most)) if count is not None}
    return {"items": _plain(demands["items"], root, f"{where}, items", referred), **counts}


def _string(demands: Schema, root: Any, where: str, referred: tuple[str, ...]) -> Schema:
    least, most = _count(demands, "minLength", where), _count(demands, "maxLength", where)
    if most is not None and most < (least or 0):
        raise UsageError(f"{where} has at least {least} characters and at most {most}, which contradict each other.")
    if ("pattern" in demands) + ("format" in demands) + bool({"minLength", "maxLength"} & demands.keys()) > 1:
        raise UsageError(f"{where} has more than one of a pattern, a format and a length; only one can be kept.")
    if "format" in demands and demands["format"] not in _FORMATS:
        raise UsageError(
            f"{where} has the format {demands['format']!r}; only {' and '.join(sorted(_FORMATS))} are kept."
        )
    if "pattern" not in demands:
        return demands
    if not isinstance(demands["pattern"], str):
        raise UsageError(f"{where} has a pattern that is no text.")
    inner = f"(?:{_unanchored(demands['pattern'])})"
    if not matching(inner, re.ASCII).both(matching(_UNESCAPED)).is_empty:
        raise UsageError(f"{where}: the pattern lets quotes or backslashes through; name the characters that it wants.")
    return {"pattern": f"^{inner}$"}


def _unanchored(pattern: str) -> str:
    """A pattern for the whole string without the anchors that say so; a dollar behind a backslash is a dollar."""
    ends = pattern.endswith("$") and (len(pattern) - len(pattern[:-1].rstrip("\\"))) % 2
    return pattern.removeprefix("^")[: -1 if ends else None]


def _count(demands: Schema, key: str, where: str) -> int | None:
    count = demands.get(key)
    if count is not None and (type(count) is not int or count < 0):
        raise UsageError(f"{where} has {key} {count!r}, which is no number of things.")
    return count


def _enumerated(demands: Schema, root: Any, where: str, referred: tuple[str, ...]) -> Schema:
    values = demands["enum"] if "enum" in demands else [demands["const"]]
    if not isinstance(values, list) or not values:
        raise UsageError(f"{where} allows no value at all.")
    types = demands.get("type")
    for value in values:
        if types is not None and not any(
            _is_a(value, each) for each in (types if isinstance(types, list) else [types])
        ):
            raise UsageError(f"{where} allows {json.dumps(value)}, which is not of its type {json.dumps(types)}.")
    return {"enum": values}


def _is_a(value: Any, kind: Any) -> bool:
    kinds: Mapping[str, tuple[type, ...]] = {
        "object": (dict,),
        "array": (list,),
        "string": (str,),
        "number": (int, float),
        "integer": (int,),
        "boolean": (bool,),
        "null": (type(None),),
    }
    return isinstance(value, kinds.get(kind, ())) and (kind == "boolean" or not isinstance(value, bool))


def _any_of(demands: Schema, root: Any, where: str, referred: tuple[str, ...]) -> Schema:
    (key,) = demands
    branches = demands[key]
    if not isinstance(branches, list) or not branches:
        raise UsageError(f"{where} has an {key} without a choice.")
    plain = [_plain(each, root, f"{where}, {key} {number}", referred) for number, each in enumerate(branches, 1)]
    if key == "allOf" and len(plain) > 1:
        raise UsageError(f"{where} has an allOf of {len(plain)} schemas; write them as one.")
    if key == "oneOf":
        kinds = [kind for each in plain for kind in _kinds(each)]
        if len(set(kinds)) < len(kinds) or {"number", "integer"} <= set(kinds):
            raise UsageError(f"{where} has a oneOf whose choices overlap; say anyOf, or give each a type of its own.")
    return {"anyOf": plain} if len(plain) > 1 else plain[0]


def _kinds(plain: Schema) -> set[str]:
    """The types, or the single values, that a plain schema lets through."""
    if "anyOf" in plain:
        return set().union(*map(_kinds, plain["anyOf"]))
    if "enum" in plain:
        kinds = ("null", "boolean", "integer", "number", "string", "array", "object")
        return {next(kind for kind in kinds if _is_a(value, kind)) for value in plain["enum"]}
    return {plain["type"]}


def _referred(demands: Schema, root: Any, where: str, referred: tuple[str, ...]) -> Schema:
    pointer = demands["$ref"]
    if pointer in referred:
        raise UsageError(f"{where} refers to itself by {pointer!r}; give a grammar for what nests without end.")
    found = root
    steps = pointer.split("/") if isinstance(pointer, str) else [""]
    for step in steps[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    if steps[0] != "#" or found is None:
        raise UsageError(f"{where} refers to {pointer!r}, which is not in the schema.")
    return _plain(found, root, f"{where}, {pointer}", (*referred, pointer))


_Reader = Callable[[Schema, Any, str, tuple[str, ...]], Schema]
_TYPES: Mapping[str, _Reader] = {"object": _object, "array": _array, "string": _string}
_WHOLES: Mapping[str, _Reader] = {
    "enum": _enumerated,
    "const": _enumerated,
    "anyOf": _any_of,
    "oneOf": _any_of,
    "allOf": _any_of,
    "$ref": _referred,
}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")
