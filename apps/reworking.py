"""What one does with a melody that is there: some of its bars made anew, or on from its last note.

Knows the controls and the stream that is played; what a gap is, is the library's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit.api import Stream
from toolkit.core import UsageError
from toolkit.sampling import sampling_knobs

from .settings import Settings
from .workbench import Buttons, Choice, Outputs, Seed, checked_seed, explained, with_parameters

Played = Callable[[str, Stream, str | None, Mapping[str, Any]], Iterator[list[Any]]]
_PLAYING = "Playing"
_IT = "the melody that is there"


@dataclass(frozen=True)
class Reworking:
    """A box for bars, which a click on the roll fills, and two buttons."""

    bars: Any
    anew: Any
    on: Any

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
            anew = gr.Button("Make them anew", size="md", min_width=130, scale=1, elem_id=f"{domain}-anew")
            on = gr.Button("Go on from it", size="md", min_width=120, scale=1, elem_id=f"{domain}-on")
        return cls(bars, anew, on)

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
        """Lets both buttons make a stream of the ``last`` melody that ``played`` plays."""
        kept = {each.name for each in sampling_knobs()} | {
            each.name for each in settings.knobs if each.group == _PLAYING or each.name in ("tempo", "instrument")
        }

        def reworked(
            request: gr.Request, run: str, last: Any, number: Any, values: tuple[Any, ...], more: Mapping[str, Any]
        ) -> Iterator[list[Any]]:
            with explained():
                if last is None:
                    raise UsageError("there is no melody yet: generate one first.")
                opened = choice.opened(run)
                # What was asked of the whole melody was asked of that one; how it is drawn, and played, stays.
                chosen = {name: value for name, value in settings.meant(values).items() if name in kept}
                given = opened.domain.of_data(last)
                stream = next(opened.streams(_IT, given=given, seed=checked_seed(number), **{**chosen, **more}))
                yield from played(str(request.session_hash), stream, _IT, {})

        def anew(request: gr.Request, run: str, last: Any, bars: str | None, seed: Any, *values: Any) -> Iterator[Any]:
            with explained():
                if not (bars or "").strip():
                    raise UsageError("say which bars: click one on the roll, or type 5 or 5-6.")
            yield from reworked(request, run, last, seed, values, {"refill": bars})

        def on(request: gr.Request, run: str, last: Any, seed: Any, *values: Any) -> Iterator[Any]:
            yield from reworked(request, run, last, seed, values, {})

        names = [each.name for each in settings.knobs]
        quiet: dict[str, Any] = {"api_visibility": "private"}
        buttons.connect(
            self.anew,
            with_parameters(anew, "run", "given", "which", "seed", *names),
            [choice.run, last, self.bars, seed.number, *settings.controls],
            outputs,
            **quiet,
        )
        buttons.connect(
            self.on,
            with_parameters(on, "run", "given", "seed", *names),
            [choice.run, last, seed.number, *settings.controls],
            outputs,
            **quiet,
        )
