"""How fast music is read: MIDI files beside other readers, and ABC tunes to tokens.

    python -m benchmarks.reading [--files 1000]

The files are made of folk tunes by the toolkit itself: a melody, the same a fifth lower on another instrument, drums.
Every reader sees all of them from memory, best of three, one thread. pretty_midi's notes are compared with ours.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.melody_codecs import RESULTS
from toolkit.api import open_corpus
from toolkit.domains.music import folk
from toolkit.domains.music.melody import MelodyCodec
from toolkit.score import Score, Track, read_midi, write_midi

ROUNDS = 3


def files(count: int) -> list[bytes]:
    """That many MIDI files, tunes again and again where there are not enough."""
    tunes = [document.item for document in open_corpus("folk").read("train")][:count]
    made = [write_midi(_arranged(tune)) for tune in tunes]
    return [made[place % len(made)] for place in range(count)]


def _arranged(tune: Score) -> Score:
    (track,) = tune.tracks
    low = tuple(replace(note, pitch=note.pitch - 7) for note in track.notes)
    beat = tune.meters[0].beat(tune.resolution)
    strokes = tuple(replace(note, pitch=36, duration=6) for note in track.notes if note.start % beat == 0)
    return replace(tune, tracks=(track, Track(low, 32), Track(strokes, drums=True)))


def _pretty_midi(file: bytes) -> Any:
    import pretty_midi

    return pretty_midi.PrettyMIDI(io.BytesIO(file))


def _mido(file: bytes) -> Any:
    import mido

    return mido.MidiFile(file=io.BytesIO(file))


def _symusic(file: bytes) -> Any:
    import symusic

    return symusic.Score.from_midi(file)


READERS: dict[str, Callable[[bytes], Any]] = {
    "pretty_midi": _pretty_midi,
    "mido, events alone": _mido,
    "symusic, unchecked": _symusic,
    "toolkit": read_midi,
}


def seconds(read: Callable[[bytes], Any], data: Sequence[bytes]) -> float:
    """Processor seconds for all files, the best of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        for file in data:
            read(file)
        best = min(best, time.process_time() - begin)
    return best


def alike(data: Sequence[bytes]) -> int:
    """In how many files pretty_midi finds the notes that we find."""
    same = 0
    for file in data:
        music, score = _pretty_midi(file), read_midi(file)
        theirs = sorted(
            (music.time_to_tick(note.start), note.pitch, music.time_to_tick(note.end), instrument.is_drum)
            for instrument in music.instruments
            for note in instrument.notes
        )
        ours = sorted((n.start, n.pitch, n.end, track.drums) for track in score.tracks for n in track.notes)
        same += theirs == ours
    return same


def tunes_to_tokens() -> tuple[int, int, float]:
    """(Tunes read, tokens, processor seconds) for the three pooled collections, parsed anew."""
    folk._gathered.cache_clear()
    codec = MelodyCodec()
    begin = time.process_time()
    gathered = [folk._gathered(name) for name in folk.POOLED]
    tokens = sum(len(codec.encode(document.item)) for each in gathered for document in each.documents)
    return sum(len(each.findings) for each in gathered), tokens, time.process_time() - begin


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="how many MIDI files")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder to write into")
    asked = parser.parse_args(arguments)
    data = files(asked.files)
    taken = {name: seconds(read, data) for name, read in READERS.items()}
    same = alike(data)
    tunes, tokens, parsed = tunes_to_tokens()
    lines = [
        "# Reading music",
        "",
        f"{len(data):,} MIDI files of {sum(map(len, data)) / len(data):,.0f} bytes on average, from memory, one "
        f"thread, processor time, the best of {ROUNDS} rounds. In {same:,} of them pretty_midi finds the notes that "
        "the toolkit finds. The toolkit checks every byte before a library sees the file; symusic by itself does not.",
        "",
        "| reader | files a second | times pretty_midi |",
        "|---|---|---|",
        *(f"| {name} | {len(data) / each:,.0f} | {taken['pretty_midi'] / each:.1f} |" for name, each in taken.items()),
        "",
        f"The {tunes:,} built-in ABC tunes, read, arranged and encoded: {tokens:,} tokens in {parsed:.1f} s.",
        "",
        f"`python -m benchmarks.reading --files {asked.files}`",
    ]
    (asked.out / "reading.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
