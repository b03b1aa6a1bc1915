"""A small piano on the page: two octaves to play a phrase on, by mouse, computer keyboard or a MIDI keyboard.

Knows its markup; what a key does is `piano.js`, which writes what was played as notation into the text box beside it.
"""

from __future__ import annotations

LOWEST, HIGHEST = 60, 84
_KEYS = "awsedftgyhujkolp"
"""Letters of a computer keyboard from C on, where a white key's letter lies below a black one's."""
_BLACK = frozenset({1, 3, 6, 8, 10})
_NAMES = ("C", "C sharp", "D", "D sharp", "E", "F", "F sharp", "G", "G sharp", "A", "A sharp", "B")


def piano(box: str) -> str:
    """The piano as HTML; ``box`` is the id of the text box that it writes into."""
    keys = []
    white = 0
    for pitch in range(LOWEST, HIGHEST + 1):
        place = pitch - LOWEST
        letter = _KEYS[place] if place < len(_KEYS) else ""
        name = f"{_NAMES[pitch % 12]} {pitch // 12 - 1}"
        black = pitch % 12 in _BLACK
        kind = "black" if black else "white"
        told = f'data-pitch="{pitch}" data-letter="{letter}" tabindex="-1" aria-label="{name}"'
        face = f'class="key {kind}" style="--at:{white}"'
        keys.append(f'<button type="button" {face} {told}><span aria-hidden="true">{letter}</span></button>')
        white += not black
    return (
        f'<div class="piano" data-box="{box}" data-whites="{white}" tabindex="0" role="group" '
        f'aria-label="Piano. Focused, it is played with the letters A to P.">{"".join(keys)}</div>'
        '<p class="piano-tools"><label>Quarter notes a minute '
        '<input type="number" class="piano-tempo" min="30" max="240" value="120"></label>'
        '<button type="button" class="piano-undo">Undo</button>'
        '<button type="button" class="piano-clear">Clear</button>'
        '<button type="button" class="piano-midi">Use a MIDI keyboard</button>'
        '<span class="piano-said" role="status"></span></p>'
    )
