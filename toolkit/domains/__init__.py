"""A domain gives token ids a meaning: its codecs, corpora, controls, constraints and export formats.

A domain is one module or package in this folder that exports ``DOMAIN``; its name is the module's. Nothing
is imported until a domain is asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from toolkit.core import BuiltIn, Codec, Constraint, Corpus, Engine, unknown
from toolkit.infill import Gap
from toolkit.originality import NgramIndex, View
from toolkit.steer import Potential

Item = TypeVar("Item")
Part = TypeVar("Part")


def _as_it_is(item: Any) -> Any:
    return item


def _no_heading(item: object) -> None:
    return None


@dataclass(frozen=True)
class Domain(Generic[Item, Part]):
    """Everything the toolkit must know of one kind of material.

    ``controls`` is a frozen dataclass of knobs (`toolkit.core.knob`) for generation; ``constraint`` lowers its
    values, for what goes on from the given item (None: from nothing), to an automaton that includes the codec's
    grammar. It sees the given item's ids first where ``constrains_given``: a melody is constrained as a whole, a
    text from where it goes on. ``read`` opens a file, folder or glob.

    ``read_prompt`` turns what a user gives to continue into an item: a text, or the path of a file whose suffix
    is one of ``prompt_files``. ``heading`` is what of it stands above the content (a melody's meter and key), or None.
    ``opening`` gives the ids such an item opens a sequence with (a melody's header and
    notes, without its end). ``blank`` is what a model that never saw a sequence begin goes on from.

    ``finish`` makes the whole item of (codec, item given, its ids, ids generated, controls); ``cut_parts`` ends a
    stream of parts where the controls say so. ``exports`` maps a file suffix to a function of (item, details) that
    returns the file's bytes; ``details`` are the result's settings. ``unit`` is what losses are reported in.

    ``wishes`` is a frozen dataclass of knobs that particles steer towards; ``wished`` makes potentials of its values,
    for a codec, the controls, the engine and the ids that open the sequence. ``gap_asked`` is the gap in the given item
    that the controls ask to fill, and ``filled`` the whole item with a middle in it.

    ``data`` is an item as what JSON holds, and ``of_data`` the item again.

    ``view`` is how items are compared with a training corpus; ``copy_limit`` makes the constraint that what comes
    after the given item shares no run of more units with it, and sees what ``constraint`` sees.
    """

    name: str
    codecs: Mapping[str, type[Codec[Item, Part]]]
    default_codec: str
    built_in: Mapping[str, BuiltIn[Item]]
    suffixes: frozenset[str]
    read: Callable[..., Corpus[Item]]
    controls: type
    constraint: Callable[[Codec[Item, Part], Any, Item | None], Constraint[Any]]
    constrains_given: bool
    read_prompt: Callable[[str], Item]
    opening: Callable[[Codec[Item, Part], Item], list[int]]
    blank: Item | None
    finish: Callable[[Codec[Item, Part], Item | None, Sequence[int], Sequence[int], Any], Item]
    cut_parts: Callable[[Iterable[Part], Any], Iterator[Part]]
    exports: Mapping[str, Callable[[Item, Mapping[str, Any]], bytes]]
    show: Callable[[Item], str]
    unit: str
    wishes: type
    wished: Callable[[Codec[Item, Part], Any, Any, Engine, Sequence[int]], tuple[Potential[Any], ...]]
    gap_asked: Callable[[Codec[Item, Part], Any, Sequence[int], Item | None], Gap | None]
    filled: Callable[[Codec[Item, Part], Gap, Item | None, Sequence[int], Any], Item]
    view: View[Item]
    copy_limit: Callable[[Codec[Item, Part], NgramIndex, int, Item | None], Constraint[Any]]
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
