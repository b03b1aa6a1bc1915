"""The domain `series`: numbers in time, from a column of a table, quantised so that a model can go on with them.

The whole domain is this file: what a series is, its codec, where it comes from, what one may ask of it. Forecasts with
intervals and what is unexpected in a series are `toolkit inspect RUN forecast` and `surprise`, which know none of this.
"""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import (
    SPLITS,
    BoolArray,
    CheckpointError,
    Codec,
    Constraint,
    Corpus,
    Document,
    Finding,
    InputError,
    Measure,
    Split,
    UsageError,
)
from toolkit.domains import Domain
from toolkit.domains.music.families import placed
from toolkit.figures import figure, line, png
from toolkit.originality import Seen

if TYPE_CHECKING:
    from random import Random

__all__ = ["DOMAIN", "LevelCodec", "Series"]

# --- what a series is ---

LEVELS = 64
_FILE, _FORMAT = "levels.json", 1
_LARGEST = 256 << 20
_NUMERIC = 0.75  # share of a column's cells that must be numbers
_EDGES = (0.8, 0.9)  # of one series: what is learned from, validated on, tested on


@dataclass(frozen=True)
class Series:
    """Finite numbers at equal distances in time."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.values)):
            raise InputError("a series holds finite numbers.")


# --- its tokens ---


@dataclass(frozen=True)
class LevelCodec:
    """A `toolkit.core.Codec` of series: each number as one of ``levels``, which training values reach equally often.

    A level stands for the median of its training values; between two levels lies an edge, half-way. What is beyond the
    outermost is written as that one.
    """

    levels: tuple[float, ...]
    name: ClassVar[str] = "levels"

    def __post_init__(self) -> None:
        if not 1 <= len(self.levels) <= 4096 or any(a >= b for a, b in pairwise(self.levels)):
            raise ValueError("its levels do not rise")

    @property
    def size(self) -> int:
        return len(self.levels) + 1

    @property
    def stop(self) -> int:
        return len(self.levels)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps([self.name, _FORMAT, self.levels]).encode()).hexdigest()

    @classmethod
    def build(cls, items: Iterable[Series], *, size: int | None = None) -> Self:
        """``size`` counts the stop token too; fewer levels where fewer numbers differ. InputError without numbers."""
        values = np.array([value for item in items for value in item.values])
        if not len(values):
            raise InputError("a series without numbers has no levels.")
        count = LEVELS if size is None else max(1, size - 1)
        middles = (np.arange(count) + 0.5) / count
        return cls(tuple(sorted({float(each) for each in np.quantile(values, middles, method="closest_observation")})))

    def encode(self, item: Series) -> list[int]:
        edges = [(a + b) / 2 for a, b in pairwise(self.levels)]
        return [int(each) for each in np.searchsorted(edges, item.values, side="right")]

    def decode(self, tokens: Sequence[int]) -> Series:
        decoder = self.decoder()
        return Series(tuple(value for token in tokens for value in decoder.push(int(token))))

    def decoder(self) -> LevelDecoder:
        return LevelDecoder(self)

    def grammar(self) -> Numbers:
        return Numbers(self.stop)

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        return {"value": float(np.count_nonzero(np.asarray(tokens) != self.stop))}

    def variants(self, item: Series, rng: Random) -> Series:
        return item

    def label(self, token: int) -> str:
        return "stop" if token == self.stop else f"{self.levels[token]:.6g}"

    def save(self, folder: Path) -> None:
        saved = {"codec": self.name, "format": _FORMAT, "fingerprint": self.fingerprint, "levels": self.levels}
        (folder / _FILE).write_text(json.dumps(saved) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            saved = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            codec = cls(tuple(map(float, saved["levels"])))
            if (saved["codec"], saved["format"], saved["fingerprint"]) != (cls.name, _FORMAT, codec.fingerprint):
                raise ValueError("it was written by another version")
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise CheckpointError(f"the codec in {folder / _FILE} cannot be used: {error!r}.") from None
        return codec


class LevelDecoder:
    """Ids to numbers as they come."""

    def __init__(self, codec: LevelCodec) -> None:
        self._codec, self._over = codec, False

    def push(self, token: int) -> tuple[float, ...]:
        self._over = self._over or token == self._codec.stop
        return () if self._over else (self._codec.levels[token],)

    def close(self) -> tuple[float, ...]:
        return ()


@dataclass(frozen=True)
class Numbers:
    """A `toolkit.core.Constraint[bool]`: any numbers, then the stop. The state says whether it has come."""

    stop: int

    def begin(self) -> bool:
        return False

    def allowed(self, state: bool) -> BoolArray | None:
        return np.zeros(self.stop + 1, np.bool_) if state else None

    def step(self, state: bool, token: int) -> bool:
        return state or token == self.stop

    def distance(self, state: bool) -> int:
        return 0


# --- what one may ask, and where it comes from ---


@dataclass(frozen=True)
class SeriesControls:
    """Nothing yet: a series goes on as the model has it."""


def constraint(codec: Codec[Series, float], controls: Any, given: Series | None = None) -> Constraint[Any]:
    return codec.grammar()


def read(source: str, *, text_column: str | None = None) -> Corpus[Series]:
    """The numbers of one column of a .csv file, or of every such file in a folder or that a glob matches.

    ``text_column`` names the column; without it, it is the first of numbers that does not merely count the rows. One
    file is cut into the first eight tenths, one and one; several are split by name. InputError when nothing is left.
    """
    path = Path(source)
    files = sorted(path.rglob("*.csv")) if path.is_dir() else sorted(map(Path, glob.glob(source))) or [path]  # noqa: PTH207 (Path.glob refuses an absolute pattern)
    findings: list[Finding] = []
    documents = []
    for each in files:
        try:
            documents.append(Document(each.name, _series_in(each, text_column, findings)))
        except InputError as error:
            findings.append(Finding(each.name, "dropped", str(error)))
            if len(files) == 1:
                raise
    if not documents:
        raise InputError(f"{source} holds no series.")
    content = json.dumps([[each.name, each.item.values] for each in documents]).encode()
    whole = len(documents) == 1
    parts = _cut(documents[0]) if whole else _dealt(documents)
    count = sum(len(each.item.values) for each in documents)
    return Corpus(
        path.resolve().stem,
        "series",
        path.name,
        "not stated",
        hashlib.sha256(content).hexdigest(),
        lambda split: parts[split],
        whole,
        tuple(findings),
        {"series": f"{len(documents):,}", "values": f"{count:,}"},
    )


def _cut(document: Document[Series]) -> dict[Split, list[Document[Series]]]:
    values = document.item.values
    first, second = (int(edge * len(values)) for edge in _EDGES)
    pieces = (values[:first], values[first:second], values[second:])
    return {split: [Document(document.name, Series(piece))] for split, piece in zip(SPLITS, pieces, strict=True)}


def _dealt(documents: list[Document[Series]]) -> dict[Split, list[Document[Series]]]:
    place = placed([each.name for each in documents])
    return {split: [each for each in documents if place[each.name] == split] for split in SPLITS}


def _series_in(path: Path, column: str | None, findings: list[Finding]) -> Series:
    """A column of a table. A gap in it is filled with the number before it, and said."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        raise InputError(f"{path.name} is no .csv file.")
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{path.name} is too large a table.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} cannot be read as a table: {error}.") from None
    if not rows:
        raise InputError(f"{path.name} is empty.")
    headed = any(_number(cell) is None for cell in rows[0])
    names = rows[0] if headed else [f"column {number}" for number in range(1, len(rows[0]) + 1)]
    columns = {
        name: [_number(row[place]) if place < len(row) else None for row in rows[headed:]]
        for place, name in enumerate(names)
    }
    name = column or next((each for each, cells in columns.items() if _measures(cells)), None)
    if name is None or name not in columns:
        raise InputError(f"{path.name} has no column of numbers{f' called {column}' if column else ''}.")
    known = [cell for cell in columns[name] if cell is not None]
    if len(known) < 2:
        raise InputError(f"the column {name} of {path.name} has too few numbers.")
    gaps = len(columns[name]) - len(known)
    said = f"{gaps:,} gaps filled with the number before" if gaps else ""
    findings.append(Finding(f"{path.name}: {name}", "changed" if gaps else "kept", said))
    return Series(tuple(_filled(columns[name], known[0])))


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _measures(cells: Sequence[float | None]) -> bool:
    """Whether these are numbers, and not merely the rows counted."""
    known = [cell for cell in cells if cell is not None]
    steps = {round(b - a, 9) for a, b in pairwise(known)}
    return len(known) >= _NUMERIC * max(1, len(cells)) and not (len(steps) == 1 and steps != {0.0})


def _filled(cells: Iterable[float | None], first: float) -> Iterator[float]:
    last = first
    for cell in cells:
        last = last if cell is None else cell
        yield last


def read_prompt(given: str) -> Series:
    """Numbers parted by blanks or commas, or the path of a .csv file; InputError for anything else."""
    if given.strip().lower().endswith(".csv"):
        return _series_in(Path(given.strip()), None, [])
    numbers = [_number(word) for word in given.replace(",", " ").split()]
    if not numbers or None in numbers:
        raise InputError("a series to go on from is numbers parted by blanks, or a .csv file.")
    return Series(tuple(number for number in numbers if number is not None))


class SeriesView:
    """A `toolkit.originality.View` of series: numbers are compared as they are, to six digits."""

    unit = "value"
    overlap = 0
    rates: Mapping[int, float] = MappingProxyType({12: 0.005, 24: 0.01})
    lengths: tuple[int, ...] = (64, 256, 1024)

    def look(self, item: Series, given: Series | None = None) -> Seen:
        skipped = 0 if given is None else len(given.values)
        digits = [f"{value:.6g}".encode() for value in item.values[skipped:]]
        symbols = [int.from_bytes(hashlib.blake2b(each, digest_size=7).digest(), "little") + 1 for each in digits]
        places = np.arange(len(symbols), dtype=np.int64) + skipped
        return Seen(np.array(symbols, np.uint64), places, places + 1)

    def excerpt(self, item: Series, start: int, end: int) -> str:
        return show(Series(item.values[start:end]))

    def label(self, document: Document[Series]) -> str:
        return document.name


def show(series: Series) -> str:
    return " ".join(f"{value:.6g}" for value in series.values)


def _table(series: Series, details: Mapping[str, Any]) -> bytes:
    lines = ("value", *(f"{value!r}" for value in series.values))
    return ("\n".join(lines) + "\n").encode()


def _json(series: Series, details: Mapping[str, Any]) -> bytes:
    return (json.dumps({"values": series.values, **details}, indent=1) + "\n").encode()


def _picture(series: Series, details: Mapping[str, Any]) -> bytes:
    drawn, axes = figure(9, 3)
    line(axes[0, 0], 0, range(len(series.values)), series.values)
    made = int(details.get("tokens", 0))
    if 0 < made < len(series.values):
        axes[0, 0].axvline(len(series.values) - made - 0.5, color="#9a9a9a", linestyle="--")
    axes[0, 0].set(xlabel="step", ylabel="value")
    return png(drawn)


def _opening(codec: Codec[Series, float], item: Series) -> list[int]:
    return codec.encode(item)


def _of_data(data: Any) -> Series:
    if not isinstance(data, list):
        raise UsageError("a series is a list of numbers.")
    return Series(tuple(map(float, data)))


DOMAIN: Domain[Series, float] = Domain(
    name="series",
    codecs={LevelCodec.name: LevelCodec},
    default_codec=LevelCodec.name,
    suffixes=frozenset(),  # tables are texts unless --codec levels says otherwise
    read=read,
    controls=SeriesControls,
    constraint=constraint,
    constrains_given=False,
    read_prompt=read_prompt,
    opening=_opening,
    blank=Series((0.0,)),
    exports={".csv": _table, ".json": _json, ".png": _picture},
    show=show,
    unit="value",
    view=SeriesView(),
    values=lambda series: series.values,
    sampling={"temperature": 1.0},
    length=64,
    prompt_files=frozenset({".csv"}),
    data=lambda series: list(series.values),
    of_data=_of_data,
)
