"""Several at once to choose from: results with the seeds that follow, side by side, the likeliest first.

Each is what its seed gives alone, so taking one is asking for its seed. Knows results; neither text nor music.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit.api import Result, Stream, in_turn
from toolkit.api.request import Way
from toolkit.core import UsageError

from .pacing import Paced
from .score_shown import distinct
from .workbench import HIGHEST_SEED, Buttons, Outputs

COUNTS = (2, 4, 8)
_FIRST_COUNT = 4
_EXCERPT = 320


@dataclass(frozen=True)
class Variations:
    """How many, a button that asks for them, and their cards."""

    count: Any
    ask: Any
    cards: Any

    @classmethod
    def drawn(cls, domain: str) -> Variations:
        with gr.Accordion("Variations", open=False):
            with gr.Row(elem_classes="varying"):
                count = gr.Radio(COUNTS, value=_FIRST_COUNT, label="How many", min_width=160, elem_id=f"{domain}-count")
                ask = gr.Button("Show them side by side", size="md", min_width=180, elem_id=f"{domain}-vary")
            cards = gr.HTML(label="Variations", elem_id=f"{domain}-cards")
        return cls(count, ask, cards)

    def connect(
        self, make: Callable[..., Iterator[str]], inputs: list[Any], buttons: Buttons, outputs: Outputs
    ) -> None:
        """Lets the button run ``make``, a generator of what the cards show, given how many and then ``inputs``.

        ``buttons`` stop it. A card's own button takes its seed and presses Generate, in the page's script.
        """
        make.__annotations__["request"] = gr.Request
        asked = [self.count, *inputs]
        buttons.connect(self.ask, make, asked, outputs, filled=[self.cards], api_visibility="private")


def checked_count(count: Any) -> int:
    """How many there are to be; UsageError for a number that is not offered."""
    if count not in COUNTS:
        raise UsageError(f"there are {', '.join(map(str, COUNTS))} variations to choose from, not {count}.")
    return int(count)


def coming(streams: Sequence[Stream], paced: Paced[Any]) -> Iterator[str]:
    """The cards as all of the streams advance, and last the likeliest first; stopped, as far as each had come."""
    if any(stream.request.way not in (Way.DRAWN, Way.STEERED) for stream in streams):  # seeds do not make them differ
        raise UsageError("variations are drawn, each from a seed of its own: turn off the search, or the gap.")
    if streams[-1].seed > HIGHEST_SEED:
        raise UsageError(f"the last of them would have a seed beyond {HIGHEST_SEED:,}: choose a lower one.")
    for _ in paced.looks(in_turn(streams)):
        yield paced.seldom(lambda: _cards(streams, over=False))
    yield _cards(streams, over=True)


def _cards(streams: Sequence[Stream], *, over: bool) -> str:
    results = [each.result() for each in streams if each.tokens_made]
    if over:
        results.sort(key=_nats)
    cards = "".join(card(each, takeable=over) for each in results)
    return f'<div class="variations" data-tab="{streams[0].request.run.domain.name}">{cards}</div>'


def card(result: Result, *, takeable: bool) -> str:
    """A result in short, as HTML: a picture of music, the beginning of a text; nothing in it is taken for markup."""
    nats, place, hear = _nats(result), f"{result.domain.name}-card-{result.seed}", ""
    if ".svg" in result.domain.exports:
        shown = distinct(result.export(".svg").decode(), place)
        hear = f'<button type="button" class="hear" aria-describedby="{place}">▶ Hear it</button>'
    else:
        excerpt = result.text if len(result.text) <= _EXCERPT else result.text[:_EXCERPT] + " …"
        shown = f'<div class="excerpt" tabindex="0">{html.escape(excerpt)}</div>'
    facts = f"seed {result.seed}" + (f", {nats:.2f} nats a token" if nats < math.inf else "")
    told = f'<span id="{place}">{facts}</span>'
    asked = f'data-seed="{result.seed}" aria-label="Take it, seed {result.seed}"'
    buttons = f'{hear}<button type="button" class="take" {asked}>Take it</button>' if takeable else ""
    return f'<div class="paper card-of">{shown}<p class="line">{told}{buttons}</p></div>'


def _nats(result: Result) -> float:
    """How unlikely the model finds it, in nats a token; infinity for what a search has not come to the end of."""
    likely = result.log_probabilities
    return -sum(likely) / len(likely) if likely else math.inf
