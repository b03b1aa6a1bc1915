"""What comes by a schema is JSON that validates, as a validator of a few lines says; what cannot be kept is refused."""

import json
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.text.engines import Hashed
from toolkit.core import InputError, UsageError, checked
from toolkit.domains.text import DOMAIN
from toolkit.domains.text.controls import TextControls
from toolkit.domains.text.json_schema import valid_json
from toolkit.generate import tokens
from toolkit.sampling import Sampler

pytest.importorskip("outlines_core")

SAMPLE = '{"name": "Zoë", "sons": [true, false, null, -12.5e+3]}\n' * 9

PERSON = {
    "type": "object",
    "title": "a person",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 6},
        "age": {"type": ["integer", "null"]},
        "code": {"type": "string", "pattern": "^[a-z]{2}\\$$"},
        "kind": {"enum": ['a"b', "é", 3, None, {"x": [1]}]},
    },
    "required": ["name", "kind"],
}
SCHEMAS = [
    PERSON,
    {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3},
    {"type": "array", "prefixItems": [{"type": "boolean"}, {"$ref": "#/$defs/word"}], "$defs": {"word": PERSON}},
    {"anyOf": [{"type": "null"}, {"type": "string", "format": "uuid"}]},
    {"oneOf": [{"type": "boolean"}, {"type": "object", "properties": {}, "additionalProperties": False}]},
    {"type": "object", "additionalProperties": {"type": "boolean"}},
    {"type": "string", "pattern": "yes|no|m.ybe".replace(".", "[ai]")},
    {"const": "only this"},
    {"type": "string", "enum": ["one", "two"]},
]


def validates(value, schema, root):
    """The JSON schema standard, as far as these tests use it."""
    if "$ref" in schema:
        return validates(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema or "oneOf" in schema:
        fits = sum(validates(value, each, root) for each in schema.get("anyOf") or schema["oneOf"])
        return fits == 1 if "oneOf" in schema else fits > 0
    kinds = {
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "string": isinstance(value, str),
        "integer": type(value) is int,
        "number": type(value) in (int, float),
        "boolean": isinstance(value, bool),
        "null": value is None,
    }
    wanted = schema.get("type", list(kinds))
    good = any(kinds[each] for each in (wanted if isinstance(wanted, list) else [wanted]))
    if "enum" in schema:
        good = good and value in schema["enum"]
    if "const" in schema:
        good = good and value == schema["const"]
    if isinstance(value, str):
        good = good and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9)
        good = good and re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        good = good and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9)
        each = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        good = good and all(validates(*pair, root) for pair in zip(value, each, strict=False))
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        good = good and set(schema.get("required", [])) <= set(value)
        for name, inner in value.items():
            found = known.get(name, others)
            good = good and (validates(inner, found, root) if isinstance(found, dict) else found)
    return good


@cache
def codec_of(name):
    return DOMAIN.codecs[name].build([SAMPLE])


@settings(max_examples=60)
@given(
    schema=st.sampled_from(SCHEMAS),
    name=st.sampled_from(["byte", "unigram"]),
    spare=st.sampled_from([0, 1, 4, 60]),
    seed=st.integers(0, 999),
)
def test_what_comes_is_json_that_validates_however_little_room_there_is(schema, name, spare, seed):
    codec = codec_of(name)
    constraint = DOMAIN.constraint(codec, checked(TextControls, {"json_schema": json.dumps(schema)}), None)
    steps = tokens(
        Hashed(codec.size),
        [codec.stop],
        sampler=Sampler(),
        constraint=constraint,
        given=(),
        length=constraint.distance(constraint.begin()) + spare,
        seed=seed,
        stop=codec.stop,
    )
    text = codec.decode([step.token for step in steps])
    assert validates(json.loads(text), schema, schema), text


def test_the_validator_can_say_no():
    assert validates({"name": "x", "kind": 3}, PERSON, PERSON)
    assert not validates({"name": "x"}, PERSON, PERSON)
    assert not validates({"name": "x", "kind": 4}, PERSON, PERSON)
    assert not validates({"name": "x", "kind": 3, "code": "ab"}, PERSON, PERSON)
    assert not validates([], SCHEMAS[1], {})
    assert not validates([True], SCHEMAS[1], {})


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ("{", "is not JSON"),
        ("true", "not an object with a type"),
        ('{"description": "anything"}', "needs a type"),
        ('{"type": "text"}', "needs a type"),
        ('{"type": "integer", "minimum": 3}', "asks for 'minimum'"),
        ('{"type": "array", "items": {"type": "null"}, "uniqueItems": true}', "asks for 'uniqueItems'"),
        ('{"type": "array"}', "array of anything"),
        ('{"type": "object"}', "object of anything"),
        ('{"type": "array", "items": {"type": "null"}, "minItems": 3, "maxItems": 2}', "contradict"),
        ('{"type": "string", "minLength": 3, "maxLength": 2}', "contradict"),
        ('{"type": "string", "minLength": "x"}', "no number of things"),
        ('{"type": "string", "pattern": ".*"}', "lets quotes or backslashes through"),
        ('{"type": "string", "pattern": "(?=a)b"}', "look-ahead"),
        ('{"type": "string", "pattern": "a$b"}', "contradicts itself"),
        ('{"type": "string", "pattern": "a", "maxLength": 2}', "only one can be kept"),
        ('{"type": "string", "format": "email"}', "format 'email'"),
        ('{"type": "object", "properties": {"a": {"type": "null"}}, "required": ["b"]}', "requires 'b'"),
        ('{"enum": []}', "no value"),
        ('{"type": "string", "enum": [1]}', "not of its type"),
        ('{"anyOf": [{"type": "null"}], "type": "null"}', "beside 'anyOf'"),
        ('{"oneOf": [{"type": "number"}, {"type": "integer"}]}', "overlap"),
        ('{"allOf": [{"type": "null"}, {"type": "string"}]}', "write them as one"),
        ('{"$ref": "#/$defs/none"}', "not in the schema"),
        ('{"type": "object", "properties": {"a": {"$ref": "#"}}}', "refers to itself"),
    ],
)
def test_what_cannot_be_kept_is_one_sentence(schema, says):
    with pytest.raises(UsageError, match=says):
        valid_json(schema)


def test_a_schema_may_be_a_file(tmp_path):
    (tmp_path / "word.json").write_text('{"const": "word"}')
    controls = checked(TextControls, {"json_schema": str(tmp_path / "word.json")})
    constraint = DOMAIN.constraint(codec_of("byte"), controls, None)
    assert constraint.distance(constraint.begin()) == len('"word"')
    with pytest.raises(InputError, match="cannot be read"):
        DOMAIN.constraint(codec_of("byte"), checked(TextControls, {"json_schema": str(tmp_path / "no.json")}), None)
