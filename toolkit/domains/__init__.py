"""A domain gives token ids a meaning: its codecs, corpora, controls, constraints and export formats.

A domain is one module or package in this folder that exports ``DOMAIN``; its name is the module's. Nothing
is imported until a domain is asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from toolkit.core import BuiltIn, Codec, Constraint, Corpus, Engine, FloatArray, UsageError, unknown
from toolkit.infill import Gap
from toolkit.originality import NgramIndex, View
from toolkit.steer import Potential

Item = TypeVar("Item")
Part = TypeVar("Part")


def _as_it_is(item: Any) -> Any:
    return item


def _no_heading(item: object) -> None:
    return None


def _whole(item: Any, controls: Any) -> Any:
    return item


def _decoded(codec: Codec[Any, Any], given: Any, opened: Sequence[int], made: Sequence[int], controls: Any) -> Any:
    return codec.decode([*opened, *made])


def _uncut(parts: Iterable[Any], controls: Any) -> Iterator[Any]:
    return iter(parts)


@dataclass(frozen=True)
class NoWishes:
    """Nothing that particles could steer towards."""


def _nothing_wished(
    codec: Codec[Any, Any], wishes: Any, controls: Any, engine: Engine, opening: Sequence[int]
) -> tuple[Potential[Any], ...]:
    return ()


def _no_gap(codec: Codec[Any, Any], controls: Any, opened: Sequence[int], given: Any) -> None:
    return None


def _unfilled(codec: Codec[Any, Any], gap: Gap, given: Any, made: Sequence[int], controls: Any) -> Any:
    raise UsageError(f"gaps cannot be filled in what the codec {codec.name!r} writes.")


def _no_features(codec: Codec[Any, Any], tokens: Sequence[int]) -> Mapping[str, FloatArray]:
    return {}


def _unlimited(codec: Codec[Any, Any], index: NgramIndex, most: int, given: Any) -> Constraint[Any]:
    raise UsageError(f"copies cannot be limited in what the codec {codec.name!r} writes.")


@dataclass(frozen=True, kw_only=True)
class Domain(Generic[Item, Part]):
    """Everything the toolkit must know of one kind of material. What has a default may be left out by a new domain.

    ``controls`` is a frozen dataclass of knobs (`toolkit.core.knob`) for generation; ``constraint`` lowers its
    values, for what goes on from the given item (None: from nothing), to an automaton that includes the codec's
    grammar. It sees the given item's ids first where ``constrains_given``: a melody is constrained as a whole, a
    text from where it goes on. ``read`` opens a file, folder or glob.

    ``read_prompt`` turns what a user gives to continue into an item: a text, or the path of a file whose suffix
    is one of ``prompt_files``; ``used`` is as much of that as the controls ask for. ``heading`` is what of it stands
    above the content (a melody's meter and key), or None. ``opening`` gives the ids such an item opens a sequence with
    (a melody's header and notes, without its end). ``blank`` is what a model that never saw a sequence begin goes on
    from.

    ``finish`` makes the whole item of (codec, item given, its ids, ids generated, controls); ``cut_parts`` ends a
    stream of parts where the controls say so. ``exports`` maps a file suffix to a function of (item, details) that
    returns the file's bytes; ``details`` are the result's settings. ``unit`` is what losses are reported in.

    ``wishes`` is a frozen dataclass of knobs that particles steer towards; ``wished`` makes potentials of its values,
    for a codec, the controls, the engine and the ids that open the sequence. ``gap_asked`` is the gap in the given item
    that the controls ask to fill, and ``filled`` the whole item with a middle in it.

    ``suits`` gives the name and the size of a codec that suits training items, where a domain looks at them for that.

    ``features`` gives what can be named of the place after each of the given ids, by name, each of shape (T,);
    ``values`` are the numbers that an item is made of, one an id, where it is made of numbers;
    ``labelled`` gives items with one label each, by the name of what is labelled, made of a corpus's items so that the
    label does not stand in them.

    ``data`` is an item as what JSON holds, and ``of_data`` the item again.

    ``view`` is how items are compared with a training corpus; ``copy_limit`` makes the constraint that what comes
    after the given item shares no run of more units with it, and sees what ``constraint`` sees.
    """

    name: str
    codecs: Mapping[str, type[Codec[Item, Part]]]
    default_codec: str
    suits: Callable[[Iterable[Item]], tuple[str, int | None]] | None = None
    built_in: Mapping[str, BuiltIn[Item]] = field(default_factory=dict)
    suffixes: frozenset[str]
    read: Callable[..., Corpus[Item]]
    controls: type
    constraint: Callable[[Codec[Item, Part], Any, Item | None], Constraint[Any]]
    constrains_given: bool = True
    read_prompt: Callable[[str], Item]
    used: Callable[[Item, Any], Item] = _whole
    opening: Callable[[Codec[Item, Part], Item], list[int]]
    blank: Item | None = None
    finish: Callable[[Codec[Item, Part], Item | None, Sequence[int], Sequence[int], Any], Item] = _decoded
    cut_parts: Callable[[Iterable[Part], Any], Iterator[Part]] = _uncut
    exports: Mapping[str, Callable[[Item, Mapping[str, Any]], bytes]]
    show: Callable[[Item], str]
    unit: str
    wishes: type = NoWishes
    wished: Callable[[Codec[Item, Part], Any, Any, Engine, Sequence[int]], tuple[Potential[Any], ...]] = _nothing_wished
    gap_asked: Callable[[Codec[Item, Part], Any, Sequence[int], Item | None], Gap | None] = _no_gap
    filled: Callable[[Codec[Item, Part], Gap, Item | None, Sequence[int], Any], Item] = _unfilled
    view: View[Item]
    copy_limit: Callable[[Codec[Item, Part], NgramIndex, int, Item | None], Constraint[Any]] = _unlimited
    features: Callable[[Codec[Item, Part], Sequence[int]], Mapping[str, FloatArray]] = _no_features
    values: Callable[[Item], Sequence[float]] | None = None
    labelled: Mapping[str, Callable[[Iterable[Item]], Iterator[tuple[Item, str]]]] = field(default_factory=dict)
    sampling: Mapping[str, Any]
    length: int
    prompt_files: frozenset[str] = frozenset()
    heading: Callable[[Item], Item | None] = _no_heading
    data: Callable[[Item], Any] = _as_it_is
    of_data: Callable[[Any], Item] = _as_it_is


def names() -> tuple[str, ...]:
    """The domains there are, by listing this folder."""
    return tuple(sorted(each.name for each in pkgutil.iter_modules(__path__)))


def find(name: str) -> Domain[Any, Any]:
    """The domain called ``name``; UsageError when there is none."""
    if name not in names():
        raise unknown("domain", name, names())
    domain: Domain[Any, Any] = importlib.import_module(f"toolkit.domains.{name}").DOMAIN
    return domain
