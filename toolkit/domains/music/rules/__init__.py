"""Rules about melodies, each written over notes, bars and places, and the grammar that keeps to all of them exactly."""

from __future__ import annotations

from toolkit.domains.music.rules.closes import CLOSES, Close
from toolkit.domains.music.rules.given import check_given
from toolkit.domains.music.rules.harmony import Chord, Harmony, Progression
from toolkit.domains.music.rules.last import LastNote
from toolkit.domains.music.rules.leap import Leap
from toolkit.domains.music.rules.lines import Contour, Line
from toolkit.domains.music.rules.motif import Motif
from toolkit.domains.music.rules.narrowing import melodies_within
from toolkit.domains.music.rules.repeats import Repeats, SparingGrammar
from toolkit.domains.music.rules.rhythm import Rhythm
from toolkit.domains.music.rules.rule import Header, Machine, Permits, Rule
from toolkit.domains.music.rules.ruled import RuledGrammar, RuledPlace

__all__ = [
    "CLOSES",
    "Chord",
    "Close",
    "Contour",
    "Harmony",
    "Header",
    "LastNote",
    "Leap",
    "Line",
    "Machine",
    "Motif",
    "Permits",
    "Progression",
    "Repeats",
    "Rhythm",
    "Rule",
    "RuledGrammar",
    "RuledPlace",
    "SparingGrammar",
    "check_given",
    "melodies_within",
]
