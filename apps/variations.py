"""Several at once to choose from: results with the seeds that follow, side by side, the likeliest first.

Each is what its seed gives alone, so taking one is asking for its seed. Knows results; neither text nor music.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit.api import Result, Stream
from toolkit.api.request import Way
from toolkit.core import UsageError

from .events import ANSWERED, AT_ONCE
from .pacing import Paced
from .workbench import Buttons, Outputs, explained

COUNT = 4
_EXCERPT = 320


@dataclass(frozen=True)
class Variations:
    """A button that asks for them, and a card and a button for each."""

    ask: Any
    cards: tuple[Any, ...]
    takes: tuple[Any, ...]
    seeds: Any

    @classmethod
    def drawn(cls, domain: str) -> Variations:
        with gr.Accordion("Variations", open=False):
            ask = gr.Button(f"{COUNT} to choose from", size="md", elem_id=f"{domain}-vary")
            with gr.Row(elem_classes="variations"):
                pairs = []
                for number in range(COUNT):
                    with gr.Column(min_width=220):
                        card = gr.HTML(label=f"Variation {number + 1}", elem_id=f"{domain}-card-{number}")
                        take = gr.Button("Take it", size="sm", interactive=False, elem_id=f"{domain}-take-{number}")
                        pairs.append((card, take))
            seeds = gr.State([])
        return cls(ask, tuple(card for card, _ in pairs), tuple(take for _, take in pairs), seeds)

    def connect(
        self, make: Callable[..., Iterator[Any]], inputs: list[Any], seed: Any, buttons: Buttons, outputs: Outputs
    ) -> None:
        """Lets the button run ``make``, a generator of lists of results, and a card's button take its seed.

        ``seed`` is the control of the seed; ``buttons`` stop it, and make the whole result, which fills ``outputs``.
        """
        make.__annotations__["request"] = gr.Request
        filled = [*self.cards, *self.takes, self.seeds]
        buttons.connect(self.ask, make, inputs, outputs, filled=filled, api_visibility="private")
        for number, take in enumerate(self.takes):

            def taken(seeds: Sequence[int], number: int = number) -> str:
                with explained():
                    if number >= len(seeds):
                        raise UsageError("that variation is not there any more.")
                    return str(seeds[number])

            taking = take.click(taken, self.seeds, seed, **ANSWERED)
            press = f"() => document.getElementById('{buttons.generate.elem_id}').click()"
            taking.success(None, None, None, js=press, **AT_ONCE)

    def coming(self, streams: Iterable[Stream], paced: Paced[Any]) -> Iterator[list[Any]]:
        """What the cards hold as one stream after another is played to its end; stopped, those that came to it."""
        made: list[Result] = []
        for stream in streams:
            if stream.request.way not in (Way.DRAWN, Way.STEERED):  # then four seeds do not make four results
                raise UsageError("variations are drawn, each from a seed of its own: turn off the search, or the gap.")
            for _ in stream:
                if paced.ended():
                    break
            if paced.ended():
                break
            made.append(stream.result())
            yield self.of(made, over=False)
        yield self.of(made, over=True)

    def of(self, results: Sequence[Result], *, over: bool) -> list[Any]:
        """What the cards hold: as they come, and once all have come, the likeliest first."""
        ordered = sorted(results, key=_nats) if over else list(results)
        cards = [card(each) for each in ordered] + [""] * (COUNT - len(ordered))
        takes = [gr.update(interactive=over and place < len(ordered)) for place in range(COUNT)]
        return [*cards, *takes, [each.seed for each in ordered]]


def card(result: Result) -> str:
    """A result in short, as HTML: a picture of music, the beginning of a text; nothing in it is taken for markup."""
    facts = f"seed {result.seed}, {_nats(result):.2f} nats a token"
    if ".svg" in result.domain.exports:
        shown = result.export(".svg").decode()
    else:
        excerpt = result.text if len(result.text) <= _EXCERPT else result.text[:_EXCERPT] + " …"
        shown = f'<div class="excerpt">{html.escape(excerpt)}</div>'
    return f'<div class="paper card-of">{shown}<p class="line"><span>{facts}</span></p></div>'


def _nats(result: Result) -> float:
    """How unlikely the model finds it, in nats a token."""
    return -sum(result.log_probabilities) / max(1, len(result.log_probabilities))
