"""The tab that trains: a corpus chosen or uploaded and looked at, minutes, a run's name; then its curve as it learns.

Only on a studio that nobody but this machine can reach. What trains is `training`; here it is asked for and watched.
"""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from toolkit.models import CELLS

from .chart import curve
from .events import ANSWERED, AT_ONCE
from .training import SUFFIXES, Standing, Trainings
from .workbench import explained

_EVERY = 1.0
"""Seconds between two looks at a training."""
_NOTHING = '<div class="silence"><span>The curve of a training appears here.</span></div>'
_STATES = {
    "training": "Learning",
    "stopped": "Stopped; it can go on",
    "finished": "Finished",
    "failed": "It did not begin",
}


def train_tab(page: gr.Blocks, trainings: Trainings) -> None:
    """Draws the tab into the page that is being built, and connects it."""
    with gr.Row(elem_classes="room"):
        with gr.Column(elem_classes="asking"):
            corpus = gr.Dropdown(
                trainings.offered(),
                value=None,
                label="Corpus",
                info=f"Installed ones, and what lies in the folder {trainings.corpora.name}.",
                interactive=True,
                filterable=False,
                elem_id="train-corpus",
            )
            files = gr.File(
                label="Or your own: texts, MIDI, MusicXML, ABC",
                file_types=list(SUFFIXES),
                file_count="multiple",
                type="filepath",
                height=120,
                elem_id="train-upload",
            )
            name = gr.Textbox(label="Name of the run", placeholder="poems", max_lines=1, elem_id="train-name")
            minutes = gr.Slider(0.5, 60, value=5, step=0.5, label="Minutes", elem_id="train-minutes")
            with gr.Accordion("Cell", open=False):
                cell = gr.Dropdown(list(CELLS), value="lstm", label="Cell", filterable=False, elem_id="train-cell")
            with gr.Row(elem_classes="buttons"):
                start = gr.Button("Train", variant="primary", size="md", min_width=90, elem_id="train-start")
                look = gr.Button("Look at it", size="md", min_width=90, elem_id="train-look")
        with gr.Column(elem_classes="result"):
            with gr.Row(elem_classes="watched"):
                chosen = gr.Dropdown(
                    trainings.names(), value=None, label="Watch", filterable=False, scale=3, elem_id="train-watched"
                )
                go_on = gr.Button("Go on", size="md", min_width=80, scale=1, elem_id="train-resume")
                stop = gr.Button("Stop", variant="stop", size="md", min_width=80, scale=1, elem_id="train-stop")
            stands = gr.HTML(_NOTHING, label="Training", elem_id="train-curve")
            corpus_told = gr.HTML(label="Corpus", elem_id="train-told")
    timer = gr.Timer(_EVERY, active=True)
    shown = gr.State("")

    def seen(name: str | None, before: str) -> list[Any]:
        if not name:
            return [gr.skip(), before]
        with explained():
            drawn = _drawn(trainings.standing(name))
        return [drawn if drawn != before else gr.skip(), drawn]

    def meant(corpus: str | None, files: Any, name: str) -> str:
        """The corpus asked for: uploaded files, kept under a name, before one that is there."""
        if not files and corpus:
            return corpus
        return trainings.kept(files or (), name)

    def begin(corpus: str | None, files: Any, name: str | None, minutes: Any, cell: str) -> Any:
        called = (name or "").strip()
        with explained():
            trainings.start(meant(corpus, files, called), called, float(minutes), cell)
        return gr.update(choices=[called, *(each for each in trainings.names() if each != called)], value=called)

    def looked(corpus: str | None, files: Any) -> str:
        with explained():
            return _told(trainings.look(meant(corpus, files, "looked-at")))

    def going_on(name: str | None) -> None:
        with explained():
            trainings.go_on(name or "")

    def stopping(name: str | None) -> None:
        with explained():
            trainings.stop(name or "")

    def arrived() -> list[Any]:
        names = trainings.names()
        busy = next((each for each in names if trainings.training(each)), None)
        return [gr.update(choices=trainings.offered()), gr.update(choices=names, value=busy)]

    start.click(begin, [corpus, files, name, minutes, cell], chosen, **ANSWERED)
    look.click(looked, [corpus, files], corpus_told, api_visibility="private", show_progress="minimal")
    go_on.click(going_on, chosen, None, **ANSWERED)
    stop.click(stopping, chosen, None, **ANSWERED)
    for happens in (timer.tick, chosen.change):
        happens(seen, [chosen, shown], [stands, shown], **AT_ONCE)
    page.load(arrived, None, [corpus, chosen], **AT_ONCE)


def _drawn(standing: Standing) -> str:
    facts = [_STATES[standing.state], f"{standing.fraction:.0%}", f"{standing.seconds:.0f} s"]
    if standing.looks:
        facts.append(f"validation {standing.looks[-1][1]:.3f} nats a token")
    if standing.counted is not None:
        facts.append(f"counting {standing.counted:.3f}")
    line = "".join(f"<span>{html.escape(each)}</span>" for each in facts)
    sample = f'<pre class="sample">{html.escape(standing.sample)}</pre>' if standing.sample else ""
    said = f'<pre class="said">{html.escape(standing.said)}</pre>' if standing.said else ""
    bar = f'<progress max="1" value="{standing.fraction:.3f}" aria-label="How much is over"></progress>'
    drawn = curve(standing.steps, standing.looks, standing.counted, standing.seconds)
    return f'<div class="paper training"><p class="line">{line}</p>{bar}{drawn}{sample}{said}</div>'


def _told(facts: dict[str, Any]) -> str:
    """What `toolkit prepare` says, as HTML."""
    rows = [
        ("Kind", facts["domain"]),
        ("Codec", f"{facts['codec']}, {facts['vocabulary']:,} ids"),
        ("Licence", facts["licence"]),
    ]
    for split, amounts in facts["splits"].items():
        measured = ", ".join(f"{count:,.0f} {unit}s" for unit, count in amounts["measure"].items())
        rows.append((split.capitalize(), f"{amounts['documents']:,} documents, {measured or 'nothing'}"))
    rows += [(outcome.capitalize(), f"{count:,}") for outcome, count in facts["outcomes"].items() if count]
    rows += [(f"{each['outcome']}, {each['count']:,}", each["reason"]) for each in facts["reasons"][:8]]
    told = "".join(f"<div><dt>{html.escape(str(a))}</dt><dd>{html.escape(str(b))}</dd></div>" for a, b in rows)
    samples = "".join(f'<pre class="sample">{html.escape(each)}</pre>' for each in facts["samples"])
    return f'<dl class="card">{told}</dl><div class="training">{samples}</div>'
