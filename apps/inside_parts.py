"""The parts of the tab that looks inside, drawn: what one may ask, and where what is seen stands. Nothing happens here.

Knows which topics there are, and which part is for which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit import domains
from toolkit.api import built_in
from toolkit.api.inspecting import TOPICS
from toolkit.core import SPLITS

from .library import Library
from .training import SUFFIXES
from .workbench import nothing_yet

TITLES: Mapping[str, str] = {
    "units": "Units that track something",
    "unrolled": "The state through time",
    "clamp": "Hold a unit and write",
    "gates": "What the gates do",
    "gradient": "Gradients through time",
    "context": "How far back it looks",
    "surprise": "What surprises it",
    "odd": "Which of these does not belong",
    "forecast": "What comes next, of numbers",
    "probe": "What its state knows",
}
"""Every topic there is, in the order of the page."""
ODD, PROBE = "odd", "probe"
OF_ITSELF = ""
"""The corpus of who names none: the model reads what it writes."""
_FIRST = next(iter(TITLES))
_PARTED = ": "
_NOTHING = '<div class="silence"><span>What there is to see appears here.</span></div>'
_TRAIN = "toolkit train poems.txt --out runs/poems --minutes 5"


@dataclass(frozen=True)
class InsideParts:
    """``asked`` are the controls by the names of `look_inside`'s parameters, and ``shown`` what it fills."""

    room: Any
    nothing: Any
    asked: Mapping[str, Any]
    look: Any
    stop: Any
    shown: tuple[Any, ...]

    @classmethod
    def drawn(cls, names: Sequence[str], corpora: Sequence[str]) -> InsideParts:
        def chosen(choices: Any, label: str, name: str, value: Any, **more: Any) -> Any:
            how = {"interactive": True, "filterable": False, "elem_id": f"inside-{name}"}
            return gr.Dropdown(choices, value=value, label=label, **how, **more)

        def given(label: str, name: str, *suffixes: str, **more: Any) -> Any:
            how = {"type": "filepath", "visible": False, "height": 120, "elem_id": f"inside-{name}"}
            return gr.File(label=label, file_types=list(suffixes), **how, **more)

        nothing = gr.HTML(nothing_yet("trained", _TRAIN), visible=not names)
        with gr.Row(elem_classes="room", visible=bool(names)) as room:
            with gr.Column(elem_classes="asking"):
                run = chosen(names, "Model", "run", names[0] if names else None)
                topics = [(title, each) for each, title in TITLES.items()]
                topic = chosen(topics, "Look at", "topic", _FIRST, info=about(_FIRST))
                text = gr.Textbox(
                    label="Read this",
                    placeholder="A text, or notes in ABC. Without any, the model reads what it writes itself.",
                    lines=3,
                    max_lines=8,
                    elem_id="inside-prompt",
                )
                with gr.Row(elem_classes="read"):
                    corpus = chosen(corpora_offered(corpora), "Or this corpus", "corpus", OF_ITSELF, min_width=140)
                    split = chosen(list(SPLITS), "Part of it", "split", "validation", min_width=110)
                files = given("Files to judge", "upload", *SUFFIXES, file_count="multiple")
                planted = given("Files known not to belong", "planted", *SUFFIXES, file_count="multiple")
                labels = chosen(_labels(), "Labels", "labels", None, visible=False)
                table = given("Or a table with the columns text and label", "labelled", ".csv")
                with gr.Row(elem_classes="buttons"):
                    look = gr.Button("Look", variant="primary", min_width=110, elem_id="inside-look")
                    stop = gr.Button("Stop", variant="stop", interactive=False, min_width=80, elem_id="inside-stop")
            with gr.Column(elem_classes="result"):
                said = gr.HTML(_NOTHING, label="In words", elem_id="inside-said")
                picture = gr.HTML(label="Picture", elem_id="inside-picture")
                with gr.Accordion("The numbers", open=True):
                    numbers = gr.HTML(label="Table", elem_id="inside-table")
                data = gr.JSON(label="Numbers", visible=False)
            with gr.Column(elem_classes="turning"), gr.Accordion("Which unit, which seed", open=False):
                layer = gr.Number(0, label="Layer", precision=0, minimum=0, elem_id="inside-layer")
                unit = gr.Number(0, label="Unit to hold", precision=0, minimum=0, elem_id="inside-unit")
                seed = gr.Textbox(label="Seed", placeholder="0", max_lines=1, elem_id="inside-seed")
        asked = {"run": run, "topic": topic, "text": text, "files": files, "layer": layer, "unit": unit, "seed": seed}
        asked |= {"corpus": corpus, "split": split, "planted": planted, "labels": labels, "table": table}
        return cls(room, nothing, asked, look, stop, (said, picture, numbers, data))


def runs_offered(library: Library) -> list[str]:
    """Every run, its domain before it, texts and melodies first."""
    kinds = sorted(domains.names(), key=lambda each: (each != "text", each != "music", each))
    return [f"{kind}{_PARTED}{name}" for kind in kinds for name in library.names(kind)]


def domain_and_name(called: str | None) -> tuple[str, str]:
    """The two parts of what a run is called on the page."""
    kind, _, name = (called or "").partition(_PARTED)
    return kind, name


def corpora_offered(names: Sequence[str]) -> list[tuple[str, str]]:
    """What a corpus may be, as choices: its name, and of those that come with the toolkit the domain."""
    known = built_in()
    told = [(f"{each} ({known[each].domain})" if each in known else each, each) for each in names]
    return [("its own writing", OF_ITSELF), *told]


def _labels() -> list[tuple[str, str]]:
    """What is known to be labelled of the items of a domain."""
    return [(f"{label} ({kind})", label) for kind in domains.names() for label in domains.find(kind).labelled]


def about(topic: str) -> str:
    """What a topic is, in a sentence."""
    return (TOPICS[topic].__doc__ or "").partition("\n")[0]
