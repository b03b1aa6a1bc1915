"""The tab that looks inside a model: what `toolkit inspect` measures, as a paragraph, a picture and a table.

What is measured is `toolkit.api.inspecting`; here it is asked for, with files that a stranger may have given.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from toolkit import domains
from toolkit.api import Run, built_in
from toolkit.api.apart import counted_apart
from toolkit.api.inspecting import Insight, inspect
from toolkit.core import InputError, UsageError, unknown

from . import insight_shown
from .backstage import Backstage
from .events import AT_ONCE
from .guard import checked_prompt
from .inside_parts import (
    ODD,
    PROBE,
    TITLES,
    InsideParts,
    about,
    corpora_offered,
    domain_and_name,
    runs_offered,
)
from .pacing import Paced
from .training import Trainings
from .workbench import checked_seed, connect_stop, explained, unplaced, who_asks, with_parameters

_MOST_FILES, _MOST_BYTES = 200, 20 << 20
_DOMAIN = "inside"
_LIMIT = 180.0
"""Seconds that one look may take; a probe of all folk tunes takes forty."""


def inside_tab(page: gr.Blocks, behind: Backstage, trainings: Trainings | None) -> None:
    """Draws the tab into the page that is being built, and connects it."""
    runs, corpora = runs_offered(behind.library), _Corpora(trainings)
    offered = corpora.offered()
    _Looking(InsideParts.drawn(runs, offered), behind, corpora, runs, offered).connect(page)


@dataclasses.dataclass(frozen=True)
class _Corpora:
    """What a model may read: corpora that are installed and, where trainings are, what lies in their folder."""

    trainings: Trainings | None

    def offered(self) -> list[str]:
        if self.trainings is not None:
            return self.trainings.offered()
        return [name for name, each in built_in().items() if each.available()]

    def place(self, corpus: str) -> str:
        """Where the corpus is, as the library takes it; UsageError for one that is not offered."""
        if self.trainings is not None:
            return self.trainings.placed(corpus)
        if corpus not in self.offered():
            raise unknown("corpus", corpus, self.offered())
        return corpus


@dataclasses.dataclass(frozen=True)
class _Looking:
    """What happens in the tab; ``runs`` and the corpora ``offered`` are those of when it was drawn."""

    parts: InsideParts
    behind: Backstage
    corpora: _Corpora
    runs: list[str]
    offered: list[str]

    def connect(self, page: gr.Blocks) -> None:
        parts = self.parts
        switched = {"fn": None, "inputs": None, "outputs": [parts.look, parts.stop], **AT_ONCE}
        ready, busy = (_SWITCH % each for each in (("true", "false"), ("false", "true")))
        parts.look.click(**switched, js=busy)
        looking = parts.look.click(
            with_parameters(self.look_inside, *parts.asked),
            list(parts.asked.values()),
            list(parts.shown),
            concurrency_id="inside",  # it takes seconds, in which others go on writing
            concurrency_limit=1,
            show_progress="minimal",
            api_name="look_inside",
        )
        looking.success(**switched, js=ready)
        looking.failure(**switched, js=ready)
        connect_stop(parts.stop, self.behind.stops, _DOMAIN)
        asked = parts.asked
        needed = [asked[each] for each in ("topic", "text", "files", "planted", "labels", "table")]
        asked["topic"].select(self.needed, asked["topic"], needed, **AT_ONCE)
        page.load(self.arrived, None, [parts.nothing, parts.room, asked["run"], asked["corpus"]], **AT_ONCE)

    def needed(self, topic: str) -> list[Any]:
        """What a topic is, and which of what one may give is for it: a text to read, files to judge, or labels."""
        shown = (topic not in (ODD, PROBE), topic == ODD, topic == ODD, topic == PROBE, topic == PROBE)
        return [gr.update(info=about(topic)), *(gr.update(visible=each) for each in shown)]

    def arrived(self) -> list[Any]:
        """The runs and the corpora, where others have come since the studio began."""
        runs, corpora = runs_offered(self.behind.library), self.corpora.offered()
        come = gr.skip() if corpora == self.offered else gr.update(choices=corpora_offered(corpora))
        if runs == self.runs:
            return [gr.skip()] * 3 + [come]
        chosen = gr.update(choices=runs, value=runs[0] if runs else None)
        return [gr.update(visible=not runs), gr.update(visible=bool(runs)), chosen, come]

    def look_inside(
        self,
        request: gr.Request,
        run: str,
        topic: str,
        text: str | None,
        files: Any,
        layer: Any,
        unit: Any,
        seed: Any,
        corpus: str | None,
        split: str | None,
        planted: Any,
        labels: str | None,
        table: Any,
    ) -> list[Any]:
        """Measures one topic in a run ("text: poem"): what `toolkit inspect` has, by the names it has there.

        The model reads ``text``, or else the ``split`` of a ``corpus``, or what it writes itself. For odd it judges
        ``files``, against one another or the corpus, and tells how well those ``planted`` are found; for probe it is
        asked for ``labels`` of the corpus's items, or those in a ``table``, a .csv of text and label. Returns a
        paragraph, a picture and a table, all as HTML, and the numbers.
        """
        paced = Paced[Any](self.behind.stops, who_asks(request, _DOMAIN), _LIMIT)
        places: dict[str, str] = {}
        try:
            with explained(places), contextlib.ExitStack() as stack:
                opened = self._opened(run)
                if topic not in TITLES:
                    raise unknown("topic", topic, TITLES)
                asked = {"prompt": _typed(text), "seed": checked_seed(seed) or 0, "watch": paced.watch}
                asked |= {"layer": _count(layer), "unit": _count(unit), "split": split or "validation"}
                if corpus:
                    asked["corpus"] = self.corpora.place(corpus)
                    places[asked["corpus"]] = corpus
                if topic == ODD:
                    if not files:
                        raise UsageError("upload the files that are to be judged.")
                    for name, given in (("folder", files), ("planted", planted)):
                        if given:
                            asked[name] = str(stack.enter_context(_gathered(given, opened, places)))
                if topic == PROBE:
                    asked["labels"] = _table(table, opened) if table else labels or None
                found = _without(places, inspect(opened, topic, **asked))
                return [*insight_shown.html_of(found), dict(found.data)]
        finally:
            self.behind.stops.over(who_asks(request, _DOMAIN))

    def _opened(self, called: str | None) -> Run:
        kind, name = domain_and_name(called)
        if kind not in domains.names():
            raise UsageError("choose a model.")
        return self.behind.library.open(kind, name)


_SWITCH = "() => [{__type__: 'update', interactive: %s}, {__type__: 'update', interactive: %s}]"


def _typed(text: str | None) -> str | None:
    """What was typed, ending in a new line, so that notes are never taken for the name of a file on this machine."""
    given = checked_prompt(text or "")
    return f"{given}\n" if given.strip() else None


@contextlib.contextmanager
def _gathered(files: Sequence[str], run: Run, places: dict[str, str]) -> Iterator[Path]:
    """The uploaded files in a folder of their own, for as long as they are looked at, once they were read apart.

    ``places`` is told where that is.
    """
    if len(files) > _MOST_FILES or sum(Path(each).stat().st_size for each in files) > _MOST_BYTES:
        raise UsageError(f"at most {_MOST_FILES} files of {_MOST_BYTES >> 20} MB together are judged here.")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "your files"
        folder.mkdir()
        for number, each in enumerate(files):
            called = Path(each).name
            shutil.copyfile(each, folder / (called if not (folder / called).exists() else f"{number} {called}"))
        places[f"{place}/"] = ""
        counted_apart(folder, run.domain.name, seconds=60)
        yield folder


def _table(path: Any, run: Run) -> str:
    """An uploaded table of labelled texts. One that names files is not followed to them."""
    if run.domain.name != "text":
        raise UsageError("a table has labelled texts; for music choose a label and a corpus.")
    if Path(path).suffix.lower() != ".csv":
        raise InputError("a table of labels is a .csv file.")
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            columns = set(next(csv.reader(file), []))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(f"{Path(path).name} cannot be read as a table.") from None
    if not {"text", "label"} <= columns:
        raise InputError(f"{Path(path).name} needs a column called text, and one called label.")
    return str(path)


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
        raise UsageError("layers and units are counted from 0.")
    return int(value)


def _without(places: Mapping[str, str], found: Insight) -> Insight:
    """The insight, in which what lies on this machine is called as the page calls it."""

    def called(what: Any) -> Any:
        if isinstance(what, str):
            return unplaced(what, places)
        if isinstance(what, Mapping):
            return {key: called(each) for key, each in what.items()}
        return [called(each) for each in what] if isinstance(what, list | tuple) else what

    told = ("title", "said", "rows", "data", "notes")
    return dataclasses.replace(found, **{each: called(getattr(found, each)) for each in told})
