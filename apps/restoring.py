"""A result put back into the tab it came from: by its recipe, by a link, or by its file dropped anywhere on the page.

Knows the tabs' controls and what a recipe says; no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit import domains
from toolkit.api import Recipe
from toolkit.api.apart import recipe_apart
from toolkit.core import UsageError

from .events import ANSWERED, AT_ONCE
from .library import Library
from .links import linked
from .settings import Settings
from .workbench import explained

_ABC = ".abc"


@dataclass(frozen=True)
class Place:
    """Where a result of a domain came from and can be put back: the tab and its controls."""

    tab: str
    run: Any
    prompt: Any
    seed: Any
    settings: Settings
    last: Any = None
    """The state that holds the item that is there, where another tab may take it by pressing ``harmonise``."""
    harmonise: Any = None

    @property
    def controls(self) -> list[Any]:
        return [self.run, self.prompt, self.seed, *self.settings.controls]


def restored(library: Library, places: Mapping[str, Place], domain: str, recipe: Recipe) -> list[Any]:
    """What the tabs, and the controls of all places in their order, hold so that the recipe's result is made again."""
    if domain not in places:
        raise UsageError(f"there is no tab for results of {domain} here.")
    values: list[Any] = [gr.update(selected=places[domain].tab)]
    for each, place in places.items():
        if each != domain:
            values += [gr.skip() for _ in place.controls]
            continue
        values += [recipe.run, _beginning(domain, recipe), str(recipe.seed)]
        values += place.settings.held(library.open(domain, recipe.run), recipe.settings)
    return values


def _beginning(domain: str, recipe: Recipe) -> str:
    """What is put where one types what to go on from: where that was a file, its notes, if notes can be typed."""
    if recipe.given is None:
        return recipe.prompt or ""
    found = domains.find(domain)
    if _ABC in found.exports:
        abc: bytes = found.exports[_ABC](found.of_data(recipe.given), {})
        return abc.decode()
    gr.Info("It went on from a file: upload that again.")
    return ""


def put_back_file(library: Library, places: Mapping[str, Place], path: str) -> list[Any]:
    """What `restored` gives for the result in a file; UsageError where its model is not offered here."""
    with explained({path: "the file"}):
        recipe = recipe_apart(path)
        domain = next((each for each in places if recipe.run in library.names(each)), None)
        if domain is None:
            raise UsageError(f"it was made with a model called {recipe.run}, which is not offered here.")
        return restored(library, places, domain, recipe)


def open_dropped(tabs: Any, places: Mapping[str, Place], library: Library) -> None:
    """A place out of sight that takes the file of a result dropped anywhere on the page, and puts it back."""
    controls = [control for place in places.values() for control in place.controls]
    file = gr.File(
        label="A result dropped on the page",
        file_types=[".json", ".mid"],
        type="filepath",
        elem_id="dropped",
        elem_classes="unseen",
    )

    def taken(path: str | None) -> list[Any]:
        return put_back_file(library, places, path or "")

    put_back = file.upload(taken, file, [tabs, *controls], **ANSWERED)
    for ended in (put_back.success, put_back.failure):
        ended(lambda: None, None, file, **AT_ONCE)  # so that it takes the next


def open_links(page: gr.Blocks, tabs: Any, places: Mapping[str, Place], library: Library) -> None:
    """Lets a page that is opened by a link hold what the link says."""
    controls = [control for place in places.values() for control in place.controls]

    def arrived(request: gr.Request) -> list[Any]:
        parameters = {str(name): str(value) for name, value in request.query_params.items()}
        domain = next((each for each, place in places.items() if place.tab == parameters.get("tab")), None)
        nothing = [gr.skip() for _ in range(1 + len(controls))]
        if domain is None or parameters.get("run") not in library.names(domain):
            return nothing
        found = linked(parameters, library.open(domain, parameters["run"]).knobs)
        if found.refused:
            gr.Warning(f"The link asks for what cannot be: {', '.join(found.refused)}.")
        values = restored(library, places, domain, Recipe(found.run, "", 0, found.prompt, settings=found.settings))
        place = 1 + next(at for at, control in enumerate(controls) if control is places[domain].seed)
        values[place] = found.seed
        return values

    arrived.__annotations__["request"] = gr.Request
    page.load(arrived, None, [tabs, *controls], **ANSWERED)
