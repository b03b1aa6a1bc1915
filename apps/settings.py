"""What one may turn, on the page: every knob of a domain as a control, under headings, and ways to set many at once.

What the values mean is the library's business. Runs that a setting names are looked up by name; a text that could name
a file never does. Knows neither text nor music.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit.api import Run
from toolkit.core import Knob, ToolkitError
from toolkit.sampling import presets, sampling_knobs

from .controls import RUNS, component, fellows_offered, meant, narrowed, shown
from .events import AT_ONCE
from .guard import checked_text

HEADINGS = (
    "Sampling",
    "Repetition",
    "Wording",
    "Form",
    "Verse",
    "What is given",
    "Scale and range",
    "Given voices",
    "Harmony and close",
    "Rhythm and motif",
    "Varying",
    "Playing",
    "Filling a gap",
    "Originality",
    "Steering",
    "Adapting",
    "Blending",
    "JSON and grammars",
    "Search",
    "Truncation",
    "Surprise",
)
"""Folds from most to least used; headings that are not named here come last, and knobs without one in the first."""

_OWN = "own"
_PRESETS = {"hf": "Hugging Face", "llama.cpp": "llama.cpp", "no-noise": "No noise"}


@dataclass(frozen=True)
class Settings:
    """The controls of a domain, made of its knobs; ``plain`` ones are always in view, the others fold by group."""

    knobs: tuple[Knob, ...]
    controls: tuple[Any, ...]
    preset: Any
    forget: Any
    reset: Any

    @classmethod
    def drawn(
        cls, domain: str, knobs: tuple[Knob, ...], plain: Sequence[str], words: Mapping[str, Sequence[str]]
    ) -> Settings:
        at_hand = [each for name in plain for each in knobs if each.name == name]
        drawn: dict[str, Any] = {}
        forget = None
        with gr.Group(elem_classes="settings"):
            preset = gr.Dropdown(
                _presets_of(None),
                value=_OWN,
                label="Preset",
                info="Fills the sampling settings; turn them further as you like.",
                interactive=True,
                filterable=False,
                elem_id=f"{domain}-preset",
            )
            for knob in at_hand:
                drawn[knob.name] = component(knob, words.get(knob.name, ()), f"{domain}-{knob.name}")
        with gr.Column(elem_classes="folds"):
            for heading, folded in _folds(each for each in knobs if each.name not in drawn):
                with gr.Accordion(heading, open=False):
                    for knob in folded:
                        drawn[knob.name] = component(knob, words.get(knob.name, ()), f"{domain}-{knob.name}")
                    if "adapt_to" in {each.name for each in folded}:
                        forget = gr.Button("Forget the page", size="sm", elem_id=f"{domain}-forget")
        reset = gr.Button("Reset all settings", size="sm", elem_id=f"{domain}-reset")
        return cls(knobs, tuple(drawn[each.name] for each in knobs), preset, forget, reset)

    @property
    def following(self) -> list[Any]:
        """What changes with the run: the presets, and every control."""
        return [self.preset, *self.controls]

    def control(self, name: str) -> Any:
        return next(control for knob, control in zip(self.knobs, self.controls, strict=True) if knob.name == name)

    def meant(self, values: Sequence[Any]) -> dict[str, Any]:
        """The settings that the controls' values stand for, none beyond what the studio offers."""
        settings = meant(self.knobs, values)
        for knob in self.knobs:
            text = settings[knob.name]
            if isinstance(text, str):
                checked_text(knob.name, text)
                if knob.file:  # what is typed here never names a file of this machine
                    settings[knob.name] = text.rstrip() + "\n" if text.strip() else None
        for knob in self.knobs:
            narrowed(knob).check(settings[knob.name])
        return settings

    def of(self, run: Run, fellows: Sequence[str], *, everything: bool = False) -> list[Any]:
        """What `following` holds for a run, which may be mixed with ``fellows``.

        What is asked of a result is asked of another run's too, so only what is a run's own changes, or ``everything``.
        """
        own = {each.name for each in sampling_knobs()} | set(run.config.sampling)
        known = {each.name: each for each in run.knobs}

        def held(name: str) -> Any:
            if name in RUNS:
                return gr.update(value="", choices=fellows_offered(fellows))
            return shown(known[name]) if everything or name in own else gr.skip()

        return [gr.update(value=_OWN, choices=_presets_of(run)), *(held(each.name) for each in self.knobs)]

    def held(self, run: Run, fellows: Sequence[str], asked: Mapping[str, Any]) -> list[Any]:
        """What `following` holds so that those settings are asked for, of a run that may be mixed with ``fellows``.

        Where they do not say, it is the run's own; and where they cannot be, which is told.
        """
        known = {each.name: each for each in run.knobs}
        held, refused = [], []
        for name in (each.name for each in self.knobs):
            value = known[name].default
            try:
                value = narrowed(known[name]).check(asked.get(name, value))
            except ToolkitError:
                refused.append(name)
            turned = shown(dataclasses.replace(known[name], default=value))
            held.append(gr.update(value=turned, choices=fellows_offered(fellows)) if name in RUNS else turned)
        if refused:
            gr.Warning(f"It asks for what cannot be here: {', '.join(refused)}.")
        return [gr.update(value=_OWN, choices=_presets_of(run)), *held]

    def filled(self, run: Run, preset: str) -> list[Any]:
        """What the controls of the sampling settings hold by that preset, on the run's scale, or by the run's own."""
        own = {each.name: each for each in run.knobs}
        values = {} if preset == _OWN else presets(run.calibration)[preset]
        names = [each.name for each in sampling_knobs()]
        turned = (dataclasses.replace(own[each], default=values.get(each, own[each].default)) for each in names)
        return [shown(each) for each in turned]

    def connect(
        self, chosen: Any, opened: Callable[[str | None], Run], fellows: Callable[[str, str], list[str]]
    ) -> None:
        """Lets presets, reset and the page to take after do what they say; ``chosen`` is the control of the run."""

        def filled(run: str | None, preset: str) -> list[Any]:
            return self.filled(opened(run), preset)

        def untouched(run: str | None) -> list[Any]:
            found = opened(run)
            return self.of(found, fellows(found.domain.name, run or ""), everything=True)

        self.preset.input(
            filled, [chosen, self.preset], [self.control(each.name) for each in sampling_knobs()], **AT_ONCE
        )
        self.reset.click(untouched, chosen, self.following, **AT_ONCE)
        page, strength = self.control("adapt_to"), self.control("adapt_strength")
        strongly = "(page, strength) => page.trim() ? strength || 1 : 0"
        page.input(None, [page, strength], strength, js=strongly, **AT_ONCE)
        self.forget.click(None, None, [page, strength], js="() => ['', 0]", **AT_ONCE)


def _folds(knobs: Iterator[Knob]) -> list[tuple[str, list[Knob]]]:
    """The knobs by heading, those for experts last under each."""
    gathered: dict[str, list[Knob]] = {}
    for knob in knobs:
        gathered.setdefault(knob.group or HEADINGS[0], []).append(knob)
    ranks = {heading: rank for rank, heading in enumerate(HEADINGS)}
    ordered = sorted(gathered, key=lambda heading: ranks.get(heading, len(ranks)))
    return [(heading, sorted(gathered[heading], key=lambda each: each.advanced)) for heading in ordered]


def _presets_of(run: Run | None) -> list[tuple[str, str]]:
    known = presets(None if run is None else run.calibration)
    return [("The model's own", _OWN), *((_PRESETS.get(each, each.capitalize()), each) for each in known)]
