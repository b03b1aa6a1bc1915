"""A text token by token: coloured by surprise, what else could stand in a place, and writing on with that instead.

Knows the controls; what is asked of the model is `toolkit.api.tokens`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit.api import Result, Run
from toolkit.api.tokens import alternatives
from toolkit.api.tokens import told as by_token
from toolkit.core import UsageError

from .choice import Choice
from .token_view import COLOURS, Made, band, table_of, visible
from .workbench import explained


@dataclass(frozen=True)
class Branching:
    """The tokens; below, a table for the one clicked, a choice of what stands there instead, and a button."""

    tokens: Any
    others: Any
    other: Any
    go: Any
    made: Any
    where: Any

    @classmethod
    def drawn(cls) -> Branching:
        with gr.Accordion("Token by token", open=False):
            tokens = gr.HighlightedText(
                label="The stronger its colour, the less expected it was; click one to see what else could stand there",
                color_map=COLOURS,
                show_inline_category=False,
                show_legend=True,
                elem_id="text-tokens",
            )
            others = gr.HTML(label="Alternatives", elem_id="text-others")
            with gr.Row(elem_classes="branching"):
                other = gr.Dropdown(
                    [], label="Instead", interactive=True, filterable=False, scale=3, elem_id="text-instead"
                )
                go = gr.Button("Go on from there", size="md", min_width=110, scale=1, elem_id="text-branch")
            return cls(tokens, others, other, go, gr.State(None), gr.State(None))

    @staticmethod
    def coloured(run: Run, result: Result) -> list[tuple[str, str]]:
        """What the tokens hold of a result."""
        return [(each.text, band(each.nats)) for each in by_token(run, result)]

    def connect(self, choice: Choice) -> None:
        """Lets a click on a token show what else could stand there."""

        def chosen(made: Made | None, event: gr.SelectData) -> list[Any]:
            place = int(event.index if isinstance(event.index, int) else event.index[0])
            if made is None:
                return [gr.skip()] * 3
            with explained(made.places):
                run, asked = choice.opened(made.run), {"prompt": made.prompt, "settings": made.settings}
                found = alternatives(run, made.tokens, place, seed=made.seed, **asked)
            choices = [(f"{visible(each.text)}   {each.probability:.1%}", each.text) for each in found]
            return [table_of(found, made.tokens[place]), gr.update(choices=choices, value=choices[0][1]), place]

        chosen.__annotations__["event"] = gr.SelectData
        shown = [self.others, self.other, self.where]
        self.tokens.select(chosen, self.made, shown, api_visibility="private", show_progress="hidden")

    @staticmethod
    def beginning(choice: Choice, made: Made | None, place: int | None, instead: str | None) -> str:
        """The text up to the token that was clicked, with another one in its place."""
        if made is None or place is None or instead is None:
            raise UsageError("click a token first, and choose what is to stand there instead.")
        return (made.prompt or "") + choice.opened(made.run).codec.decode(list(made.tokens[:place])) + instead
