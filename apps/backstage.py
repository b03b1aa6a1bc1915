"""What the tabs have in common behind the page: the runs, who asked to stop, and what is kept on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.api.own_presets import OwnPresets

from .library import Library
from .pacing import Stops
from .shelf import Shelf


@dataclass(frozen=True)
class Backstage:
    """Without a ``shelf`` no result is kept, and without ``presets`` no settings: others could fill the disk."""

    library: Library
    stops: Stops
    shelf: Shelf | None = None
    presets: OwnPresets | None = None
