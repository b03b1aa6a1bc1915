"""The tab in which a model writes. Everything it knows of models comes from `toolkit.api`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from toolkit.api.request import Way
from toolkit.api.tokens import alternatives
from toolkit.api.tokens import told as by_token
from toolkit.core import UsageError

from .copies import COPIED, marked, report, sentence
from .examples import examples
from .fellows import placed
from .guard import checked_prompt
from .kept_tab import Place
from .library import Library
from .links import address, anchor
from .pacing import Paced, Stops, at_work, progress, summary
from .past import Past
from .settings import Settings
from .shelf import Shelf
from .token_view import COLOURS, Made, band, table_of, visible
from .variations import COUNT, Variations
from .workbench import (
    Buttons,
    Choice,
    Downloads,
    Outputs,
    Seed,
    checked_seed,
    explained,
    kept,
    nothing_yet,
    renamed,
    seed_of,
    told,
    with_parameters,
)

_PLAIN = ("temperature", "length", "top_p")
_FORMATS = {".txt": "Text", ".json": "JSON"}
_TRAIN = "toolkit train poems.txt --out runs/poems --minutes 5"


def text_tab(page: gr.Blocks, library: Library, stops: Stops, shelf: Shelf | None) -> Place:
    """Draws the tab into the page that is being built, and connects it; results are kept where there is a shelf."""
    nothing = gr.HTML(nothing_yet("text", _TRAIN), visible=not library.names("text"))
    with gr.Row(elem_classes="room", visible=bool(library.names("text"))) as room:
        with gr.Column(elem_classes="asking"):
            choice = Choice.drawn(library, "text", room, nothing)
            prompt = gr.Textbox(
                label="Prompt",
                placeholder="How the text begins. Leave it empty to see what comes.",
                lines=3,
                max_lines=8,
                elem_id="text-prompt",
            )
            buttons = Buttons.drawn(stops, "text", continuing=True)
            gr.HTML(examples("text", "text", library), label="Examples", elem_id="text-examples")
        with gr.Column(elem_classes="result"):
            output = gr.Textbox(
                label="Text",
                placeholder="The text appears here.",
                lines=22,
                max_lines=22,
                interactive=False,
                buttons=["copy"],
                elem_id="text-output",
            )
            with gr.Row(elem_classes="past"):
                undo = gr.Button("↶ Undo", size="sm", min_width=80, scale=0, elem_id="text-undo")
                redo = gr.Button("↷ Redo", size="sm", min_width=80, scale=0, elem_id="text-redo")
                line = gr.HTML(label="Summary", elem_id="text-line")
            copies = gr.HTML(label="Copies", elem_id="text-copies")
            downloads = Downloads.drawn("text", _FORMATS)
            variations = Variations.drawn("text")
            with gr.Accordion("Token by token", open=False):
                tokens = gr.HighlightedText(
                    label="The darker, the less the model expected it; click one for what else could stand there",
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
                    branch = gr.Button("Go on from there", size="md", min_width=110, scale=1, elem_id="text-branch")
                made = gr.State(None)
                past = gr.State(Past())
                where = gr.State(None)
            with gr.Accordion("Copied passages", open=False):
                passages = gr.HighlightedText(
                    label="The longest copy, and every other long one",
                    color_map={COPIED: "#45a896"},
                    show_inline_category=False,
                    elem_id="text-passages",
                )
            with gr.Accordion("How it was made", open=False):
                details = gr.JSON(label="Details", show_label=False, elem_id="text-details")
        with gr.Column(elem_classes="turning"):
            seed = Seed.drawn("text")
            settings = Settings.drawn("text", choice.knobs, _PLAIN, {})

    def written(
        session: str, run: str | None, prompt: str, seed: int | None, chosen: Mapping[str, Any], past: Past
    ) -> Iterator[list[Any]]:
        def growing(text: Any, line: str) -> list[Any]:
            return [text, line, gr.skip(), *downloads.of({}), "", [], [], None, past]

        places: dict[str, str] = {}
        with explained(places):
            given = checked_prompt(prompt)
            asked = placed(library, "text", chosen)
            places.update(asked.places)
            opened = choice.opened(run)
            yield growing(gr.skip(), at_work())
            stream = opened.stream(given or None, seed=seed, **asked.settings)
            paced = Paced(stream, stops, session)
            for parts in paced:
                drawn_one_by_one = stream.request.way is Way.DRAWN
                text = given + "".join(parts) if drawn_one_by_one else stream.result().text
                yield growing(text, progress(stream, paced))
            result = renamed(stream.result(), given or None, asked.asked)
            files = {suffix: kept(result, suffix) for suffix in downloads.suffixes}
            if shelf is not None:
                shelf.keep(result)
            found = report(opened, result)
            line = summary(result.details, paced, anchor(address("text", result.details, opened.knobs)))
            shown = [result.text, line, told(result), *downloads.of(files)]
            coloured = [(each.text, band(each.nats)) for each in by_token(opened, result)]
            kept_tokens = Made(run or "", given or None, result.seed, asked.settings, result.tokens)
            shown += [sentence(found), marked(result.text, found), coloured, kept_tokens]
            yield [*shown, past.with_new(shown)]

    def generate_text(request: gr.Request, run: str, prompt: str | None, seed: Any, *values: Any) -> Iterator[Any]:
        """Writes on from a prompt with the run of that name, streaming.

        Returns the whole text, a line about it, its details (the same seed and settings give the same text again),
        its files, a line on what of it is copied, and the text in pieces, copied or not. A setting has the meaning and
        the bounds of the flag of that name; a run that one names is one that the studio offers.
        """
        *turned, past = values
        with explained():
            number, chosen = checked_seed(seed), settings.meant(turned)
        yield from written(str(request.session_hash), run, prompt or "", number, chosen, past or Past())

    def continue_text(request: gr.Request, run: str, text: str | None, details: Any, *values: Any) -> Iterator[Any]:
        """Writes on from the text that is there; its seed follows the last one, so it can be made again.

        A gap is not filled again.
        """
        *turned, past = values
        with explained():
            last, chosen = seed_of(details), {**settings.meant(turned), "after": None}
        following = None if last is None else last + 1
        yield from written(str(request.session_hash), run, text or "", following, chosen, past or Past())

    names = [each.name for each in settings.knobs]
    outputs = Outputs((output,), line, details, downloads, (copies, passages, tokens, made, past))
    buttons.connect(
        buttons.generate,
        with_parameters(generate_text, "run", "prompt", "seed", *names, "past"),
        [choice.run, prompt, seed.number, *settings.controls, past],
        outputs,
        api_name="generate_text",
    )
    buttons.connect(
        buttons.more,
        with_parameters(continue_text, "run", "text", "details", *names, "past"),
        [choice.run, output, details, *settings.controls, past],
        outputs,
        api_visibility="private",
    )

    def moved(past: Past | None, by: int) -> list[Any]:
        then = (past or Past()).moved(by)
        return [gr.skip() for _ in outputs.all] if then.now is None else [*then.now, then]

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    undo.click(lambda past: moved(past, -1), past, outputs.all, **quiet)
    redo.click(lambda past: moved(past, 1), past, outputs.all, **quiet)

    def chosen_token(made: Made | None, event: gr.SelectData) -> list[Any]:
        place = int(event.index if isinstance(event.index, int) else event.index[0])
        with explained():
            if made is None:
                return [gr.skip()] * 3
            found = alternatives(
                choice.opened(made.run), made.tokens, place, prompt=made.prompt, seed=made.seed, settings=made.settings
            )
        choices = [(f"{visible(each.text)}   {each.probability:.1%}", each.text) for each in found]
        return [table_of(found, made.tokens[place]), gr.update(choices=choices, value=choices[0][1]), place]

    def branched(
        request: gr.Request, made: Made | None, place: int | None, instead: str | None, *values: Any
    ) -> Iterator[Any]:
        """Writes on from the text up to the token that was clicked, with another one in its place."""
        *turned, past = values
        with explained():
            if made is None or place is None or instead is None:
                raise UsageError("click a token first, and choose what is to stand there instead.")
            opened, chosen = choice.opened(made.run), {**settings.meant(turned), "after": None}
            before = (made.prompt or "") + opened.codec.decode(list(made.tokens[:place]))
        yield from written(str(request.session_hash), made.run, before + instead, made.seed + 1, chosen, past or Past())

    chosen_token.__annotations__["event"] = gr.SelectData
    tokens.select(chosen_token, made, [others, other, where], api_visibility="private", show_progress="hidden")
    buttons.connect(
        branch,
        with_parameters(branched, "made", "place", "instead", *names, "past"),
        [made, where, other, *settings.controls, past],
        outputs,
        api_visibility="private",
    )

    def varied(run: str, prompt: str | None, seed: Any, *values: Any) -> Iterator[list[Any]]:
        with explained():
            given = checked_prompt(prompt or "")
            asked = placed(library, "text", settings.meant(values))
            number = checked_seed(seed)
            opened = choice.opened(run)
            yield from variations.coming(opened.streams(given or None, count=COUNT, seed=number, **asked.settings))

    variations.connect(varied, [choice.run, prompt, seed.number, *settings.controls], seed.number, "text-generate")
    buttons.connect_stop()
    seed.connect(details)
    choice.connect(page, settings)
    return Place("text", choice.run, prompt, seed.number, settings)
