"""The melody inside an ordinary score: one line of notes on the grid of 24 ticks per quarter note.

The policy, in order: drums are left out; one track is chosen; its notes move to the grid; the top line of what sounds
together is kept; silent bars before it are cut; a missing key is detected. Every step that changed something says so in
a sentence. Knows scores, not files, and no token.

The top line is the skyline of Uitdenbogerd and Zobel, "Melodic matching techniques for large music databases" (1999),
except that a lower note which sounds mostly under a higher one is accompaniment and does not cut it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from toolkit.core import InputError, UsageError
from toolkit.score.keys import detect_key
from toolkit.score.notes import TICKS, Note, Score, Track, in_order

STRAIGHT, TRIPLET = 3, 4
"""The two grids of a beat, in ticks: 32nd notes and triplet 16ths."""

TOLERANCE = 0.5
"""The mean distance from the grid, in ticks, beyond which notes do not belong to it: random ones give about 0.65."""

_GRIDS = ((1, "32nd notes or triplet 16ths"), (2, "16th notes or triplet eighths"))
"""How much coarser a grid is than the finest, and its name: the second is for what was played, not written."""

_NAMED = re.compile(r"melod|lead|vocal|vox|voice|sing|tune|solo|theme|air\b", re.IGNORECASE)
_FLOOR = 36
_ENOUGH = 12


@dataclass(frozen=True)
class Extraction:
    """A melody and how it was found.

    ``score`` has one track whose notes never overlap, at 24 ticks per quarter note; ``track_index`` is the track of the
    given score it came from; ``notes`` says in sentences what was done. ``error`` is the mean distance of the notes'
    beginnings from the grid in ticks, ``dropped`` the number of notes of the track that were left out.
    """

    score: Score
    track_index: int
    notes: tuple[str, ...]
    error: float
    dropped: int


def extract_melody(score: Score, *, track: int | None = None, tolerance: float = TOLERANCE) -> Extraction:
    """The melody of ``score``, taken from track number ``track`` (from 0) or from the likeliest one.

    Raises InputError when there are no pitched notes, or when they lie further (mean) than ``tolerance`` ticks from
    32nd notes and twice that from 16th notes, as in a performance recorded without a metronome; UsageError when there
    is no such track.
    """
    index = likeliest_track(score) if track is None else track
    if not 0 <= index < len(score.tracks):
        raise UsageError(f"the score has {len(score.tracks)} tracks, numbered from 0, and none is number {index}.")
    chosen = score.tracks[index]
    if not chosen.notes:
        raise InputError("the track chosen as the melody has no notes.")
    said = []
    if len(score.tracks) > 1:
        name = f", “{chosen.name}”," if chosen.name else ""
        said.append(f"Track {index + 1} of {len(score.tracks)}{name} was taken as the melody.")
    for coarser, lengths in _GRIDS:
        placed, error = quantised(chosen.notes, score.resolution, coarser)
        if error <= tolerance * coarser or len(chosen.notes) < _ENOUGH:
            if error:
                said.append(f"Notes moved by {error:.2f} ticks (24 to a quarter note) on average to lie on {lengths}.")
            break
    else:
        raise InputError(
            f"its notes lie {error:.2f} ticks (24 to a quarter note) from any grid on average, as if played without a "
            "metronome; quantise it first."
        )
    line = skyline(placed)
    dropped = len(chosen.notes) - len(line)
    if dropped:
        said.append(f"{dropped} of {len(chosen.notes)} notes were left out, as they sounded under a higher one.")
    melody = replace(score.rescaled(TICKS), tracks=(Track(line, chosen.program, False, chosen.name),))
    melody, bars = _without_silence(melody)
    if bars:
        said.append(f"{bars} silent {'bar' if bars == 1 else 'bars'} before the first note {_were(bars)} cut.")
    if not melody.keys:
        key = detect_key(melody.notes)
        melody = replace(melody, keys=(key,))
        said.append(f"No key was given; the notes suggest {key}.")
    return Extraction(melody, index, tuple(said), error, dropped)


def likeliest_track(score: Score) -> int:
    """The number of the track that is most likely the melody; InputError when only drums play.

    Tracks named as melodies go first. Among equals it is the one with the greatest product of height (mean pitch
    above C2), activity (how much of the music it sounds in) and monophony (how little it sounds with itself).
    """
    candidates = [number for number, track in enumerate(score.tracks) if track.notes and not track.drums]
    if not candidates:
        raise InputError("there is no melody in it: it has no notes except drums.")
    named = [number for number in candidates if _NAMED.search(score.tracks[number].name)]
    return max(named or candidates, key=lambda number: (_promise(score.tracks[number].notes), -number))


def quantised(notes: Sequence[Note], resolution: int, coarser: int = 1) -> tuple[tuple[Note, ...], float]:
    """(The notes on the 24-tick grid, the mean distance in ticks that their beginnings moved).

    Each quarter note has straight or triplet positions, whichever the notes that begin in it lie nearer to;
    ``coarser`` is how many steps of the finest grid make one.
    """
    if not notes:
        return (), 0.0
    scale = TICKS / resolution
    beats: dict[int, list[float]] = defaultdict(list)
    for note in notes:
        beats[int(note.start * scale // TICKS)].append(note.start * scale)
    grids = {
        beat: min(
            (STRAIGHT * coarser, TRIPLET * coarser), key=lambda grid: sum(abs(at - _on(at, grid)) for at in starts)
        )
        for beat, starts in beats.items()
    }
    placed, moved = [], 0.0
    for note in notes:
        at, until = note.start * scale, note.end * scale
        grid = grids[int(at // TICKS)]
        start = _on(at, grid)
        end_grid = grids.get(int(until // TICKS), grid)
        end = max(_on(until, end_grid), start + grid)
        placed.append(Note(start, note.pitch, end - start, note.velocity))
        moved += abs(at - start)
    return tuple(sorted(placed)), moved / len(notes)


def skyline(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The top line: of notes that begin together the highest, each ending when the next begins.

    A lower note that sounds for more than half its length under a higher one which began before it is left out.
    """
    highest = {note.start: note for note in sorted(notes)}  # sorted by pitch within a start: the last one wins
    line: list[Note] = []
    for note in highest.values():
        before = line[-1] if line else None
        if before is not None and before.end > note.start:
            covered = min(before.end, note.end) - note.start
            if before.pitch > note.pitch and 2 * covered > note.duration:
                continue
            line[-1] = replace(before, duration=note.start - before.start)
        line.append(note)
    return tuple(line)


def _promise(notes: Sequence[Note]) -> float:
    total = sum(note.duration for note in notes)
    height = max(1.0, sum(note.pitch * note.duration for note in notes) / total - _FLOOR)
    sounding, until = 0, 0
    for note in notes:
        sounding += max(0, note.end - max(until, note.start))
        until = max(until, note.end)
    return height * sounding * (sounding / total)


def _on(position: float, grid: int) -> int:
    return grid * int(position / grid + 0.5)


def _without_silence(score: Score) -> tuple[Score, int]:
    """The score from the bar of its first note on, and how many whole bars were cut before it."""
    first = score.notes[0].start
    lines = [line for line in score.bar_lines() if line <= first]
    cut = lines[-1]
    if not cut:
        return score, 0
    (track,) = score.tracks
    return replace(
        score,
        tracks=(replace(track, notes=tuple(replace(note, start=note.start - cut) for note in track.notes)),),
        meters=in_order(replace(each, start=max(0, each.start - cut)) for each in score.meters),
        keys=in_order(replace(each, start=max(0, each.start - cut)) for each in score.keys),
        tempos=in_order(replace(each, start=max(0, each.start - cut)) for each in score.tempos),
    ), len(lines) - 1


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
