"""The tab that looks inside a model: what `toolkit inspect` measures, as a paragraph, a picture and a table.

Knows which topics need nothing but a run and a text; what they measure is `toolkit.api.inspecting`.
"""

from __future__ import annotations

import base64
import contextlib
import html
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from toolkit import domains
from toolkit.api import Run
from toolkit.api.apart import counted_apart
from toolkit.api.inspecting import TOPICS, Insight, inspect
from toolkit.core import UsageError

from .events import AT_ONCE
from .guard import checked_prompt
from .library import Library
from .training import SUFFIXES
from .workbench import checked_seed, explained, nothing_yet, with_parameters

SHOWN = ("units", "unrolled", "clamp", "gates", "gradient", "context", "surprise", "odd", "forecast")
"""All topics but those that need labels."""
_OF_FILES = "odd"
_MOST_FILES, _MOST_BYTES = 200, 20 << 20
_TITLES = {
    "units": "Units that track something",
    "unrolled": "The state through time",
    "clamp": "Hold a unit and write",
    "gates": "What the gates do",
    "gradient": "Gradients through time",
    "context": "How far back it looks",
    "surprise": "What surprises it",
    "odd": "Which of these does not belong",
    "forecast": "What comes next, of numbers",
}
_OTHERWISE = {"odd": "How much each of your files surprises the model, beside the others."}
"""What is said of a topic of which the page offers less than the command."""
_PARTED = ": "
_NOTHING = '<div class="silence"><span>What there is to see appears here.</span></div>'
_TRAIN = "toolkit train poems.txt --out runs/poems --minutes 5"


def inside_tab(page: gr.Blocks, library: Library) -> None:
    """Draws the tab into the page that is being built, and connects it."""
    names = _names(library)
    nothing = gr.HTML(nothing_yet("trained", _TRAIN), visible=not names)
    with gr.Row(elem_classes="room", visible=bool(names)) as room:
        with gr.Column(elem_classes="asking"):
            run = gr.Dropdown(
                names,
                value=names[0] if names else None,
                label="Model",
                interactive=True,
                filterable=False,
                elem_id="inside-run",
            )
            topic = gr.Dropdown(
                [(_TITLES[each], each) for each in SHOWN],
                value=SHOWN[0],
                label="Look at",
                info=_about(SHOWN[0]),
                interactive=True,
                filterable=False,
                elem_id="inside-topic",
            )
            text = gr.Textbox(
                label="Read this",
                placeholder="A text, or notes in ABC. Without any, the model reads what it writes itself.",
                lines=3,
                max_lines=8,
                elem_id="inside-prompt",
            )
            files = gr.File(
                label="Files to judge",
                file_types=list(SUFFIXES),
                file_count="multiple",
                type="filepath",
                visible=False,
                height=120,
                elem_id="inside-upload",
            )
            look = gr.Button("Look", variant="primary", elem_id="inside-look")
        with gr.Column(elem_classes="result"):
            said = gr.HTML(_NOTHING, label="In words", elem_id="inside-said")
            picture = gr.HTML(label="Picture", elem_id="inside-picture")
            with gr.Accordion("The numbers", open=True):
                table = gr.HTML(label="Table", elem_id="inside-table")
            data = gr.JSON(label="Numbers", visible=False)
        with gr.Column(elem_classes="turning"), gr.Accordion("Which unit, which seed", open=False):
            layer = gr.Number(0, label="Layer", precision=0, minimum=0, elem_id="inside-layer")
            unit = gr.Number(0, label="Unit to hold", precision=0, minimum=0, elem_id="inside-unit")
            seed = gr.Textbox(label="Seed", placeholder="0", max_lines=1, elem_id="inside-seed")

    def look_inside(
        request: gr.Request, run: str, topic: str, text: str | None, files: Any, layer: Any, unit: Any, seed: Any
    ) -> list[Any]:
        """Measures one topic in a run ("text: poem"): units, unrolled, clamp, gates, gradient, context, surprise, odd.

        The model reads ``text``, or what it writes itself; for odd it judges ``files``, and a run of numbers has a
        forecast as well. Returns a paragraph, a picture and a table, all as HTML, and
        the numbers.
        """
        with explained():
            opened = _opened(library, run)
            if topic not in SHOWN:
                raise UsageError(f"one can look at {', '.join(SHOWN)} here.")
            given = checked_prompt(text or "")
            # Typed notes end in a new line, so that they are never taken for the name of a file on this machine.
            prompt = f"{given}\n" if given.strip() else None
            number = checked_seed(seed) or 0
            asked = {"prompt": prompt, "seed": number, "layer": _count(layer), "unit": _count(unit)}
            with contextlib.ExitStack() as stack:
                if topic == _OF_FILES:
                    asked["folder"] = str(stack.enter_context(_gathered(files or (), opened)))
                found = inspect(opened, topic, **asked)
                return [_said(found), _picture(found), _table(found), dict(found.data)]

    look.click(
        with_parameters(look_inside, "run", "topic", "text", "files", "layer", "unit", "seed"),
        [run, topic, text, files, layer, unit, seed],
        [said, picture, table, data],
        concurrency_id="inside",  # it takes seconds, in which others go on writing
        concurrency_limit=1,
        show_progress="minimal",
        api_name="look_inside",
    )
    chosen = topic.select(lambda each: gr.update(info=_about(each)), topic, topic, **AT_ONCE)
    chosen.then(lambda each: gr.update(visible=each == _OF_FILES), topic, files, **AT_ONCE)

    def arrived() -> list[Any]:
        found = _names(library)
        if found == names:
            return [gr.skip()] * 3
        chosen = gr.update(choices=found, value=found[0] if found else None)
        return [gr.update(visible=not found), gr.update(visible=bool(found)), chosen]

    page.load(arrived, None, [nothing, room, run], **AT_ONCE)


@contextlib.contextmanager
def _gathered(files: Sequence[str], run: Run) -> Iterator[Path]:
    """The uploaded files in a folder of their own, for as long as they are looked at, once they were read apart."""
    if not files:
        raise UsageError("upload the files that are to be judged.")
    if len(files) > _MOST_FILES or sum(Path(each).stat().st_size for each in files) > _MOST_BYTES:
        raise UsageError(f"at most {_MOST_FILES} files of {_MOST_BYTES >> 20} MB together are judged here.")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "your files"
        folder.mkdir()
        for number, each in enumerate(files):
            called = Path(each).name
            shutil.copyfile(each, folder / (called if not (folder / called).exists() else f"{number} {called}"))
        with explained({f"{place}/": ""}):
            counted_apart(folder, run.domain.name, seconds=60)
            yield folder


def _names(library: Library) -> list[str]:
    kinds = sorted(domains.names(), key=lambda each: (each != "text", each != "music", each))
    return [f"{kind}{_PARTED}{name}" for kind in kinds for name in library.names(kind)]


def _opened(library: Library, called: str | None) -> Run:
    kind, _, name = (called or "").partition(_PARTED)
    if kind not in domains.names():
        raise UsageError("choose a model.")
    return library.open(kind, name)


def _about(topic: str) -> str:
    return _OTHERWISE.get(topic) or (TOPICS[topic].__doc__ or "").partition("\n")[0]


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
        raise UsageError("layers and units are counted from 0.")
    return int(value)


def _said(found: Insight) -> str:
    notes = "".join(f"<pre>{html.escape(each)}</pre>" for each in found.notes)
    return f'<div class="insight"><h2>{html.escape(found.title)}</h2><p>{html.escape(found.said)}</p>{notes}</div>'


def _picture(found: Insight) -> str:
    if found.draw is None:
        return ""
    drawn = base64.b64encode(found.draw()).decode()
    return f'<div class="paper figure"><img alt="{html.escape(found.title)}" src="data:image/png;base64,{drawn}"></div>'


def _table(found: Insight) -> str:
    heads = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in found.heads)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in found.rows)
    # A table that is wider than a telephone scrolls, and what scrolls can be reached by the keyboard.
    return (
        '<div class="numbers" tabindex="0" role="region" aria-label="The numbers">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
