"""The tab in which a model writes. Everything it knows of models comes from `toolkit.api`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit.api import Result, Run
from toolkit.api.request import Way

from .backstage import Backstage
from .copies import marked, report, sentence
from .events import AT_ONCE
from .fellows import placed
from .guard import checked_prompt
from .links import address, anchor
from .pacing import progress, stopped, summary
from .past import Past
from .restoring import Place
from .text_parts import TextParts
from .token_view import Made
from .variations import checked_count, coming
from .workbench import checked_seed, explained, kept, renamed, seed_of, told, with_parameters


def text_tab(page: gr.Blocks, behind: Backstage) -> Place:
    """Draws the tab into the page that is being built, and connects it."""
    parts = TextParts.drawn(page, behind)
    _Writing(parts, behind).connect()
    return Place("text", parts.choice, parts.prompt, parts.seed.number, parts.settings)


@dataclass(frozen=True)
class _Writing:
    """What happens in the tab when a button is pressed."""

    parts: TextParts
    behind: Backstage

    def connect(self) -> None:
        parts = self.parts
        choice, buttons, outputs, settings = parts.choice, parts.buttons, parts.outputs, parts.settings
        names = [*(each.name for each in settings.knobs), "past"]
        turned = [*settings.controls, parts.past]
        hidden: dict[str, Any] = {"api_visibility": "private"}
        buttons.connect(
            buttons.generate,
            with_parameters(self.generate_text, "run", "prompt", "seed", *names),
            [choice.run, parts.prompt, parts.seed.number, *turned],
            outputs,
            api_name="generate_text",
        )
        going_on = with_parameters(self.continue_text, "run", "text", "details", *names)
        buttons.connect(buttons.more, going_on, [choice.run, parts.output, outputs.details, *turned], outputs, **hidden)
        branching = parts.branching
        branched = with_parameters(self.branched, "made", "place", "instead", *names)
        there = [branching.made, branching.where, branching.other, *turned]
        buttons.connect(branching.go, branched, there, outputs, **hidden)
        branching.connect(choice)
        asking = [choice.run, parts.prompt, parts.seed.number, *settings.controls]
        parts.variations.connect(self.varied, asking, buttons, outputs)
        parts.undo.click(lambda past: self.moved(past, -1), parts.past, outputs.all, **AT_ONCE)
        parts.redo.click(lambda past: self.moved(past, 1), parts.past, outputs.all, **AT_ONCE)
        buttons.connect_stop()
        parts.seed.connect(outputs.details)
        choice.connect(settings)

    def generate_text(
        self, request: gr.Request, run: str, prompt: str | None, seed: Any, *values: Any
    ) -> Iterator[Any]:
        """Writes on from a prompt with the run of that name, streaming.

        Returns the whole text, a line about it, its details (the same seed and settings give the same text again),
        its files, a line on what of it is copied, and the text in pieces, copied or not. A setting has the meaning and
        the bounds of the flag of that name; a run that one names is one that the studio offers.
        """
        *turned, past = values
        with explained():
            number, chosen = checked_seed(seed), self.parts.settings.meant(turned)
        yield from self.written(request, run, prompt or "", number, chosen, past)

    def continue_text(
        self, request: gr.Request, run: str, text: str | None, details: Any, *values: Any
    ) -> Iterator[Any]:
        """Writes on from the text that is there; its seed follows the last one, so it can be made again.

        A gap is not filled again.
        """
        *turned, past = values
        with explained():
            last, chosen = seed_of(details), {**self.parts.settings.meant(turned), "after": None}
        yield from self.written(request, run, text or "", None if last is None else last + 1, chosen, past)

    def branched(
        self, request: gr.Request, made: Made | None, place: int | None, instead: str | None, *values: Any
    ) -> Iterator[Any]:
        """Writes on from the text up to the token that was clicked, with another one in its place."""
        *turned, past = values
        with explained():
            beginning = self.parts.branching.beginning(self.parts.choice, made, place, instead)
            assert made is not None
            chosen = {**self.parts.settings.meant(turned), "after": None}
        yield from self.written(request, made.run, beginning, made.seed + 1, chosen, past)

    def varied(
        self, request: gr.Request, count: Any, run: str, prompt: str | None, seed: Any, *values: Any
    ) -> Iterator[str]:
        paced, places = self.parts.buttons.paced(request), dict[str, str]()
        with explained(places):
            given = checked_prompt(prompt or "") or None
            asked = placed(self.behind.library, "text", self.parts.settings.meant(values))
            places.update(asked.places)
            number, opened = checked_seed(seed), self.parts.choice.opened(run)
            how = {"count": checked_count(count), "seed": number, "watch": paced.watch, "together": True}
            yield from coming(list(opened.streams(given, **how, **asked.settings)), paced)

    def moved(self, past: Past | None, by: int) -> list[Any]:
        """What was shown so many results before or after."""
        then = (past or Past()).moved(by)
        return [gr.skip() for _ in self.parts.outputs.all] if then.now is None else [*then.now, then]

    def written(
        self,
        request: gr.Request,
        run: str | None,
        prompt: str,
        seed: int | None,
        chosen: Mapping[str, Any],
        past: Past | None,
    ) -> Iterator[list[Any]]:
        """What the outputs hold as the text grows, and last the whole with all that is told of it."""
        before = past or Past()
        downloads = self.parts.outputs.downloads
        paced = self.parts.buttons.paced(request)

        def growing(text: Any, line: str) -> list[Any]:
            # An empty value is all but free, skipping is not; but the details may be asked for the last seed meanwhile.
            return [text, line, gr.skip(), *downloads.of({}), "", [], [], None, before]

        places: dict[str, str] = {}
        with explained(places):
            given = checked_prompt(prompt)
            asked = placed(self.behind.library, "text", chosen)
            places.update(asked.places)
            opened = self.parts.choice.opened(run)
            stream = opened.stream(given or None, seed=seed, watch=paced.watch, **asked.settings)
            for parts in paced.looks(stream):
                if stream.request.way is Way.DRAWN:
                    text: Any = given + "".join(parts)
                elif paced.progress is None or paced.progress.best:
                    text = paced.seldom(lambda: stream.result().text)
                else:
                    text = gr.skip()
                yield growing(text, progress(stream, paced))
            if paced.ended():
                yield growing(gr.skip(), stopped(stream, paced))
            result = renamed(stream.result(), given or None, asked.asked)
            if self.behind.shelf is not None:
                self.behind.shelf.keep(result)
            link = anchor(address("text", result.details, opened.knobs))
            made = Made(run or "", given or None, result.seed, asked.settings, result.tokens, asked.places)
            shown = self._whole(opened, result, summary(result.details, paced, link), made)
            yield [*shown, before.with_new(shown)]

    def _whole(self, run: Run, result: Result, line: str, made: Made) -> list[Any]:
        """What the outputs hold of a text that is done, but for what was before."""
        downloads, found = self.parts.outputs.downloads, report(run, result)
        files = {suffix: kept(result, suffix) for suffix in downloads.suffixes}
        pieces = marked(result.text, found), self.parts.branching.coloured(run, result)
        return [result.text, line, told(result), *downloads.of(files), sentence(found), *pieces, made]
