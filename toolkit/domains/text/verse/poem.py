"""A poem in a form as an automaton over bytes that always knows a way to its end.

A line is words of the lexicon, in lower case or with a capital, parted by a space and at most one of the marks
``, ; : . ! ?``, up to a new line. A word is counted by its syllables, and the last of a line may have to rhyme. Nothing
but the lexicon's words can stand, since nobody knows how another one sounds.

``distance`` is the length in bytes of an ending that certainly exists, as short as a greedy choice of rhyme words makes
it, and one of the bytes that may follow always leads one byte nearer: so a poem that has room for that ending never
gets stuck. It is at times a few bytes longer than the shortest ending, and then some words are not offered close to the
length limit that could just have been said.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from toolkit.core import NEVER
from toolkit.domains.text.verse.dictionary import Word
from toolkit.domains.text.verse.form import Form, Line
from toolkit.domains.text.verse.lexicon import Choice, Lexicon

MARKS = frozenset(",;:.!?")
_WITHIN = frozenset("abcdefghijklmnopqrstuvwxyz'")
_REMEMBERED = 1 << 15

Given = tuple[str, tuple[str, ...]]
"""The rhyme that a letter stands for, and the sounds that have been used for it, in order."""


class Place(NamedTuple):
    """Where in a poem a text stands.

    ``line`` is the number of the line, one past the last when all is said; ``syllables`` those of its finished words;
    ``word`` the letters of the one under way. ``marked`` says that the word has its mark, so that only a blank may
    follow, and ``opening`` that the empty line before the next stanza is still missing. ``rhymes`` holds what each
    letter that is still needed stands for.
    """

    line: int = 0
    syllables: int = 0
    word: str = ""
    marked: bool = False
    opening: bool = False
    rhymes: tuple[tuple[str, Given], ...] = ()


class Poem:
    """A `ByteAutomaton[Place]`: the poems of a form in the words of a lexicon.

    ``rhymes`` fixes letters of the form beforehand, by a word that they rhyme with and that is not said again.
    """

    def __init__(self, form: Form, lexicon: Lexicon, rhymes: dict[str, Word] | None = None) -> None:
        self._lines, self._endless = form.lines, form.endless
        self._lexicon = lexicon
        self._fixed = {letter: (word.rhyme, (word.sound,)) for letter, word in (rhymes or {}).items()}
        self._fill = _fill(lexicon, max(line.high for line in form.lines))
        self.distance = lru_cache(_REMEMBERED)(self._distance)
        self._last_words = lru_cache(1024)(self._last_words_of)
        self._tail = lru_cache(4096)(self._tail_of)
        self._rest = lru_cache(_REMEMBERED)(self._rest_of)
        self._cheapest = lru_cache(_REMEMBERED)(self._cheapest_for)
        self._first_words = lru_cache(64)(self._first_words_for)
        self._first = lru_cache(1024)(self._first_of)

    def begin(self) -> Place:
        return Place(rhymes=tuple(sorted(self._fixed.items())))

    def after(self, given: str) -> Place:
        """The place after a prompt: its last line begins the poem's first, or else ends before the poem begins."""
        place: Place | None = self.begin()
        for byte in given.rpartition("\n")[2].encode():
            place = None if place is None else self.step(place, byte)
        return self.begin()._replace(opening=True) if place is None else place

    def step(self, place: Place, byte: int) -> Place | None:
        """The place after ``byte``; None where it may not follow."""
        character = chr(byte)
        if place.line == len(self._lines):
            return self.step(self.begin(), byte) if self._endless else None
        if place.opening:
            return place._replace(opening=False) if character == "\n" else None
        if not place.marked and (letter := character.lower()) in _WITHIN:
            return self._spelled(place, letter, character != letter)
        number = self._lexicon.number(place.word) if place.word else None
        if number is None:
            return None
        if character == " ":
            spoken = place.syllables + self._lexicon.words[number].syllables
            return self._unless_lost(place._replace(syllables=spoken, word="", marked=False))
        if character == "\n":
            return self._next_line(place, number)
        if character in MARKS and not place.marked:
            return self._unless_lost(place._replace(marked=True))
        return None

    def _spelled(self, place: Place, letter: str, capital: bool) -> Place | None:
        if capital and place.word not in ("", "'"):
            return None
        word = place.word + letter
        start, end = self._lexicon.span(word)
        return self._unless_lost(place._replace(word=word)) if start < end else None

    def _unless_lost(self, place: Place) -> Place | None:
        return place if self.distance(place) < NEVER else None

    def _next_line(self, place: Place, number: int) -> Place | None:
        """The place after the line that the word of this ``number`` ends."""
        if self._ending(place, number) >= NEVER:
            return None
        line, following = self._lines[place.line], place.line + 1
        known = dict(place.rhymes)
        if line.letter:
            word = self._lexicon.words[number]
            rhyme, used = known.get(line.letter, (word.rhyme, ()))
            known[line.letter] = rhyme, (*used, word.sound)
        needed = {each.letter for each in self._lines[following:]}
        kept = tuple(sorted(each for each in known.items() if each[0] in needed))
        return Place(line=following, opening=line.closes, rhymes=kept)

    def _distance(self, place: Place) -> int:
        if place.line == len(self._lines):
            return 0
        after = self._after(place)
        if after >= NEVER:
            return NEVER
        if place.opening:
            return min(NEVER, 1 + after + self._best(place, ""))
        number = self._lexicon.number(place.word) if place.marked else None
        if number is None:
            return min(NEVER, after + self._best(place, place.word))
        spoken = place.syllables + self._lexicon.words[number].syllables
        onward = 1 + self._tail(place.line, place.rhymes)[spoken] if spoken < self._lines[place.line].high else NEVER
        return min(NEVER, after + min(self._ending(place, number), onward))

    def _best(self, place: Place, beginning: str) -> int:
        """The fewest bytes to the end of the line, and to its rhymes, completing a word that begins so."""
        line, spoken = self._lines[place.line], place.syllables
        tail = self._tail(place.line, place.rhymes)
        ends = [
            cost
            for syllables, cost in enumerate(self._last_words(place.line, place.rhymes).completing(beginning))
            if line.low <= spoken + syllables <= line.high
        ]
        goes_on = [
            cost + 1 + tail[spoken + syllables]
            for syllables, cost in enumerate(self._lexicon.all.completing(beginning))
            if spoken + syllables < line.high
        ]
        return min([NEVER, *ends, *goes_on])

    def _tail_of(self, line: int, rhymes: tuple[tuple[str, Given], ...]) -> list[int]:
        """The fewest bytes from the beginning of a word to the end of the line, by the syllables before it."""
        low, high = self._lines[line].low, self._lines[line].high
        lasts, words = self._last_words(line, rhymes).completing(""), self._lexicon.all.completing("")
        tail = [NEVER] * (high + 1)
        for spoken in reversed(range(high)):
            ends = [cost for each, cost in enumerate(lasts) if low <= spoken + each <= high]
            on = [cost + 1 + tail[spoken + each] for each, cost in enumerate(words) if 0 < each < high - spoken]
            tail[spoken] = min([NEVER, *ends, *on])
        return tail

    def _ending(self, place: Place, number: int) -> int:
        """What ending the line with this word, already spelled, costs in rhymes to come; `NEVER` where it may not."""
        line = self._lines[place.line]
        spoken = place.syllables + self._lexicon.words[number].syllables
        if not line.low <= spoken <= line.high:
            return NEVER
        return self._last_words(place.line, place.rhymes).later(number)

    def _last_words_of(self, line: int, rhymes: tuple[tuple[str, Given], ...]) -> Choice:
        """The words that may end a line, each at the cost of its letters and of the rhymes it leaves to be found."""
        letter = self._lines[line].letter
        coming = self._coming(letter, line + 1)
        given = dict(rhymes).get(letter)
        if given is None:
            return self._lexicon.all if not coming else self._first_words(coming)
        rhyme, used = given
        numbers, costs = [], []
        for number in self._lexicon.rhymes.get(rhyme, ()):
            word = self._lexicon.words[number]
            later = NEVER if word.sound in used else self._rest(rhyme, (*used, word.sound), coming)
            if later < NEVER:
                numbers.append(number)
                costs.append(len(word.spelling) + later)
        return Choice(self._lexicon, numbers, costs)

    def _coming(self, letter: str, start: int) -> tuple[Line, ...]:
        """The lines of ``letter`` from line ``start`` on, the shortest first: they find rhymes the hardest."""
        found = [Line(each.low, each.high) for each in self._lines[start:] if letter and each.letter == letter]
        return tuple(sorted(found, key=lambda line: (line.high, line.low)))

    def _rest_of(self, rhyme: str, used: tuple[str, ...], coming: tuple[Line, ...]) -> int:
        """What the lines that are still to rhyme cost when each takes the cheapest word that is left."""
        return self._greedy(rhyme, used, coming)[0]

    def _greedy(self, rhyme: str, used: tuple[str, ...], coming: tuple[Line, ...]) -> tuple[int, set[str]]:
        """(bytes, sounds chosen); (`NEVER`, …) when a line finds none."""
        total, taken = 0, set(used)
        for line in coming:
            found = next((each for each in self._cheapest(rhyme, line) if each[1] not in taken), None)
            if found is None:
                return NEVER, taken
            total += found[0]
            taken.add(found[1])
        return total, taken

    def _cheapest_for(self, rhyme: str, line: Line) -> list[tuple[int, str]]:
        """(bytes, sound) of the line for each word of a rhyme that can end it, the cheapest first."""
        words = (self._lexicon.words[number] for number in self._lexicon.rhymes.get(rhyme, ()))
        costs = ((len(word.spelling) + self._before(line, word.syllables), word.sound) for word in words)
        return sorted(each for each in costs if each[0] < NEVER)

    def _first_words_for(self, coming: tuple[Line, ...]) -> Choice:
        """The words that enough others rhyme with for ``coming``."""
        numbers, costs = [], []
        for rhyme, members in self._lexicon.rhymes.items():
            usual, chosen = self._greedy(rhyme, (), coming)
            for number in members if usual < NEVER else ():
                word = self._lexicon.words[number]
                later = self._rest(rhyme, (word.sound,), coming) if word.sound in chosen else usual
                if later < NEVER:
                    numbers.append(number)
                    costs.append(len(word.spelling) + later)
        order = np.argsort(np.array(numbers, np.int64))
        return Choice(self._lexicon, np.array(numbers, np.int64)[order], np.array(costs, np.int64)[order])

    def _first_of(self, line: Line, coming: tuple[Line, ...]) -> int:
        """The fewest bytes of a line with a rhyme of its own choice and of those that must then rhyme with it."""
        words = self._first_words(coming) if coming else self._lexicon.all
        costs = words.completing("")
        return min([NEVER, *(cost + self._before(line, each) for each, cost in enumerate(costs))])

    def _before(self, line: Line, syllables: int) -> int:
        """The fewest bytes of words, each with its space, before a last word of so many syllables."""
        return min(self._fill[max(0, line.low - syllables) : max(0, line.high - syllables + 1)], default=NEVER)

    def _after(self, place: Place) -> int:
        """What comes after the line under way, whatever it is: new lines, lines without rhyme, other letters."""
        later = self._lines[place.line + 1 :]
        total = sum(1 + each.closes for each in self._lines[place.line : -1])
        own, known = self._lines[place.line].letter, dict(place.rhymes)
        total += sum(self._first(Line(each.low, each.high), ()) for each in later if not each.letter)
        for letter in {each.letter for each in later} - {own, ""}:
            if letter in known:
                total += self._rest(*known[letter], self._coming(letter, place.line + 1))
            else:
                first = next(number for number, each in enumerate(later) if each.letter == letter) + place.line + 1
                total += self._first(
                    Line(self._lines[first].low, self._lines[first].high), self._coming(letter, first + 1)
                )
        return min(NEVER, total)


def _fill(lexicon: Lexicon, most: int) -> list[int]:
    """The fewest bytes of words with exactly n syllables together, each followed by a space, for n up to ``most``."""
    fill = [0] + [NEVER] * most
    shortest = lexicon.all.completing("")
    for total in range(1, most + 1):
        ways = (cost + 1 + fill[total - each] for each, cost in enumerate(shortest) if 0 < each <= total)
        fill[total] = min([NEVER, *ways])
    return fill
