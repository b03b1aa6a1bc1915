"""A result put back into the tab it came from: by its recipe, by a link, or by its file dropped anywhere on the page.

Knows the tabs' controls and what a recipe says; no model.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from toolkit import domains
from toolkit.api import Recipe
from toolkit.api.apart import recipe_apart
from toolkit.core import UsageError

from .choice import Choice
from .events import ANSWERED, AT_ONCE
from .library import Library
from .links import linked
from .settings import Settings
from .workbench import explained

_ABC = ".abc"
_LONGEST = 2_000
"""Quarter notes of a melody that are written where one types."""


@dataclass(frozen=True)
class Place:
    """Where a result of a domain came from and can be put back: the tab and its controls."""

    tab: str
    choice: Choice
    prompt: Any
    seed: Any
    settings: Settings
    upload: Any = None
    """Where a file to go on from is uploaded, which would go before what is typed."""
    last: Any = None
    """The state that holds the item that is there, where another tab may take it by pressing ``harmonise``."""
    harmonise: Any = None

    @property
    def controls(self) -> list[Any]:
        upload = [] if self.upload is None else [self.upload]
        return [*self.choice.parts, self.prompt, *upload, self.seed, *self.settings.following]


@dataclass(frozen=True)
class _Wanted:
    """What is to be put back: ``seed`` as its control holds it, at a ``moment`` that tells it from the last time."""

    recipe: Recipe = field(hash=False)
    seed: str
    moment: int


@dataclass(frozen=True)
class Restoring:
    """For each domain a state outside the tabs that, once it holds what is wanted, has the tab and its controls filled.

    So only the controls of that domain are written to: what the page has once written to, it goes through again at
    every step of every generation.
    """

    library: Library
    places: Mapping[str, Place]
    wanted: tuple[Any, ...]

    def connect(self, tabs: Any) -> None:
        """Lets each state have its place filled, and turn to its tab."""
        for domain, state in zip(self.places, self.wanted, strict=True):
            filled = functools.partial(self._filled, domain)
            state.change(filled, state, [tabs, *self.places[domain].controls], **ANSWERED)

    def of(self, domain: str, recipe: Recipe, seed: str | None = None) -> list[Any]:
        """What the states hold so that the recipe's result is made again."""
        if domain not in self.places:
            raise UsageError(f"there is no tab for results of {domain} here.")
        self.library.open(domain, recipe.run)
        wanted = _Wanted(recipe, str(recipe.seed) if seed is None else seed, time.monotonic_ns())
        return [wanted if each == domain else gr.skip() for each in self.places]

    def of_upload(self, path: str | None) -> list[Any]:
        """`of` for the result in an uploaded file; nothing changes without one. Told where its model is not offered."""
        if not path:
            return [gr.skip() for _ in self.wanted]
        with explained({path: "the file"}):
            recipe = recipe_apart(path)
            domain = next((each for each in self.places if recipe.run in self.library.names(each)), None)
            if domain is None:
                raise UsageError(f"it was made with a model called {recipe.run}, which is not offered here.")
            return self.of(domain, recipe)

    def _filled(self, domain: str, wanted: _Wanted) -> list[Any]:
        with explained():
            recipe, place = wanted.recipe, self.places[domain]
            fellows = self.library.fellows(domain, recipe.run)
            held = place.settings.held(self.library.open(domain, recipe.run), fellows, recipe.settings)
            beginning = _beginning(domain, recipe)
            chosen = place.choice.turned_to(recipe.run)
        upload = [] if place.upload is None else [None]
        return [gr.update(selected=place.tab), *chosen, beginning, *upload, wanted.seed, *held]


def _beginning(domain: str, recipe: Recipe) -> str:
    """What is put where one types what to go on from: where that was a file, its notes, if notes can be typed."""
    if recipe.given is None:
        return recipe.prompt or ""
    found = domains.find(domain)
    if _ABC in found.exports:
        score = found.of_data(recipe.given)
        if score.end <= _LONGEST * score.resolution:  # every bar is written, be it empty
            abc: bytes = found.exports[_ABC](score, {})
            return abc.decode()
    gr.Info("It went on from a file: upload that again.")
    return ""


def open_dropped(restoring: Restoring) -> None:
    """A place out of sight that takes the file of a result dropped anywhere on the page, and puts it back."""
    file = gr.File(
        label="A result dropped on the page",
        file_types=[".json", ".mid"],
        type="filepath",
        elem_id="dropped",
        elem_classes="unseen",
    )

    put_back = file.upload(restoring.of_upload, file, list(restoring.wanted), **ANSWERED)
    for ended in (put_back.success, put_back.failure):
        ended(lambda: None, None, file, **AT_ONCE)  # so that it takes the next


def open_links(page: gr.Blocks, restoring: Restoring) -> None:
    """Lets a page that is opened by a link hold what the link says."""
    places, library = restoring.places, restoring.library

    def arrived(request: gr.Request) -> list[Any]:
        parameters = {str(name): str(value) for name, value in request.query_params.items()}
        domain = next((each for each, place in places.items() if place.tab == parameters.get("tab")), None)
        if domain is None or parameters.get("run") not in library.names(domain):
            return [gr.skip() for _ in places]
        found = linked(parameters, library.open(domain, parameters["run"]).knobs)
        if found.refused:
            gr.Warning(f"The link asks for what cannot be: {', '.join(found.refused)}.")
        return restoring.of(domain, Recipe(found.run, "", 0, found.prompt, settings=found.settings), found.seed)

    arrived.__annotations__["request"] = gr.Request
    page.load(arrived, None, list(restoring.wanted), **ANSWERED)
