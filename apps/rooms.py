"""The tabs in which a model plays: one for each domain of music, and what is particular to it. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """A tab: the ``domain`` it plays, what it ``makes``, and the ``title`` it goes by.

    ``plain`` names the knobs that are always in view; ``typed`` is what stands where notes to go on from may be typed,
    None where they may not; ``train`` makes a first run. Where the second knob of ``changed`` is set, an upload is no
    beginning but what the first one names. In a room that is ``reworked`` one goes on with what is there.
    """

    domain: str
    title: str
    makes: str
    plain: tuple[str, ...]
    typed: str | None
    train: str
    changed: tuple[str, str] | None = None
    reworked: bool = False


MELODY = Room(
    "music",
    "Melody",
    "melody",
    ("tune_type", "meter", "key", "mode", "bars", "form", "temperature", "tempo", "instrument"),
    "Notes in ABC to go on from, such as\nM:6/8 K:D | d2e fga",
    "toolkit train tunes.abc --out runs/tunes --minutes 5",
    reworked=True,
)
CHORALE = Room(
    "chorales",
    "Harmony",
    "chorale",
    ("soprano", "key", "mode", "bars", "temperature", "tempo", "instrument"),
    None,
    "toolkit train bach --out runs/chorales --minutes 10",
    ("rewrite", "anew"),
)
POLYPHONY = Room(
    "polyphony",
    "Many voices",
    "piece",
    ("low", "high", "temperature", "tempo", "instrument"),
    None,
    "toolkit train folder-of-midi-files --codec steps --out runs/pieces --minutes 10",
)
ROOMS = (MELODY, CHORALE, POLYPHONY)
