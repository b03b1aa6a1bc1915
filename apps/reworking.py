"""What one does with a melody that is there: some of its bars made anew, on from its last note, a variation of it.

Knows the controls and the stream that is played; what a gap or a variation is, is the library's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit.api import Stream
from toolkit.core import UsageError
from toolkit.sampling import sampling_knobs

from .choice import Choice
from .pacing import Paced
from .settings import Settings
from .workbench import Buttons, Outputs, Seed, checked_seed, explained, with_parameters

Played = Callable[[Paced[Any], Stream, str | None, Mapping[str, Any]], Iterator[list[Any]]]
_PLAYING = "Playing"
_IT = "the melody that is there"
_WAYS = (
    ("keeps the rhythm", "rhythm"),
    ("keeps the contour", "contour"),
    ("changes 20% of the notes", "20%"),
    ("changes 50% of the notes", "50%"),
)


@dataclass(frozen=True)
class Reworking:
    """A box for bars, which a click on the roll fills, a choice of what varies, and a button for each thing to do."""

    bars: Any
    anew: Any
    on: Any
    way: Any
    vary: Any
    harmonise: Any

    @classmethod
    def drawn(cls, domain: str) -> Reworking:
        with gr.Row(elem_classes="reworking"):
            bars = gr.Textbox(
                label="Bars",
                placeholder="click a bar, shift-click another",
                max_lines=1,
                scale=2,
                min_width=160,
                elem_id=f"{domain}-anew-bars",
            )
            anew = gr.Button("Make them anew", size="md", min_width=170, scale=1, elem_id=f"{domain}-anew")
            on = gr.Button("Go on from it", size="md", min_width=120, scale=1, elem_id=f"{domain}-on")
        with gr.Row(elem_classes="reworking"):
            way = gr.Dropdown(
                list(_WAYS),
                value=_WAYS[0][1],
                label="A variation",
                interactive=True,
                filterable=False,
                scale=2,
                min_width=160,
                elem_id=f"{domain}-way",
            )
            vary = gr.Button("Vary it", size="md", min_width=170, scale=1, elem_id=f"{domain}-varied")
            harmonise = gr.Button("Harmonise it", size="md", min_width=120, scale=1, elem_id=f"{domain}-harmonise")
        return cls(bars, anew, on, way, vary, harmonise)

    def connect(
        self,
        buttons: Buttons,
        choice: Choice,
        settings: Settings,
        seed: Seed,
        last: Any,
        outputs: Outputs,
        played: Played,
    ) -> None:
        """Lets the buttons make a stream of the ``last`` melody that ``played`` plays; harmonising is another tab's."""
        kept = {each.name for each in sampling_knobs()} | {
            each.name for each in settings.knobs if each.group == _PLAYING or each.name in ("tempo", "instrument")
        }

        def reworked(
            request: gr.Request, run: str, last: Any, number: Any, values: tuple[Any, ...], more: Mapping[str, Any]
        ) -> Iterator[list[Any]]:
            paced = buttons.paced(request)
            with explained():
                if last is None:
                    raise UsageError("there is no melody yet: generate one first.")
                opened = choice.opened(run)
                # What was asked of the whole melody was asked of that one; how it is drawn, and played, stays.
                chosen = {name: value for name, value in settings.meant(values).items() if name in kept} | more
                melody = opened.domain.of_data(last)
                if "vary" in more:  # it begins anew, after a pattern
                    chosen["of"] = opened.domain.exports[".abc"](melody, {}).decode()
                    prompt, given = None, None
                else:
                    prompt, given = _IT, melody
                how = {"given": given, "seed": checked_seed(number), "watch": paced.watch}
                yield from played(paced, next(opened.streams(prompt, **how, **chosen)), prompt, {})

        def anew(request: gr.Request, run: str, last: Any, bars: str | None, seed: Any, *values: Any) -> Iterator[Any]:
            with explained():
                if not (bars or "").strip():
                    raise UsageError("say which bars: click one on the roll, or type 5 or 5-6.")
            yield from reworked(request, run, last, seed, values, {"refill": bars})

        def on(request: gr.Request, run: str, last: Any, seed: Any, *values: Any) -> Iterator[Any]:
            yield from reworked(request, run, last, seed, values, {})

        def varied(request: gr.Request, run: str, last: Any, way: str, seed: Any, *values: Any) -> Iterator[Any]:
            yield from reworked(request, run, last, seed, values, {"vary": way})

        names = [each.name for each in settings.knobs]
        made: tuple[tuple[Any, Any, dict[str, Any]], ...] = (
            (self.anew, anew, {"which": self.bars}),
            (self.on, on, {}),
            (self.vary, varied, {"way": self.way}),
        )
        for button, make, more in made:
            buttons.connect(
                button,
                with_parameters(make, "run", "given", *more, "seed", *names),
                [choice.run, last, *more.values(), seed.number, *settings.controls],
                outputs,
                api_visibility="private",
            )
