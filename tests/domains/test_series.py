"""A series comes back as levels, streams, is split in time, and a table that holds none is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core import CheckpointError, InputError
from toolkit.domains.series import DOMAIN, LevelCodec, Series, read, read_prompt

NUMBERS = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=60)


@given(values=NUMBERS, others=NUMBERS, size=st.integers(2, 40))
def test_a_series_comes_back_as_levels_and_streams(values: list[float], others: list[float], size: int) -> None:
    codec = LevelCodec.build([Series(tuple(values))], size=size)
    ids = codec.encode(Series(tuple(others)))
    decoded = codec.decode([*ids, codec.stop, 0])
    assert codec.size <= size
    assert codec.encode(decoded) == ids
    decoder = codec.decoder()
    assert [part for token in ids for part in decoder.push(token)] == list(decoded.values)
    assert codec.measure([*ids, codec.stop]) == {"value": len(others)}
    for value, level in zip(others, decoded.values, strict=True):
        assert abs(value - level) <= min(abs(value - each) for each in codec.levels) * (1 + 1e-9) + 1e-9


def test_levels_are_reached_equally_often() -> None:
    codec = LevelCodec.build([Series(tuple(x**3 for x in range(1000)))], size=11)
    counts = [codec.encode(Series(tuple(x**3 for x in range(1000)))).count(level) for level in range(10)]
    assert max(counts) < 1.4 * min(counts)


def test_it_is_saved_and_damage_refused(tmp_path: Path) -> None:
    codec = LevelCodec.build([Series((1.0, 2.5, 9.0))])
    codec.save(tmp_path)
    assert LevelCodec.load(tmp_path).fingerprint == codec.fingerprint
    path = tmp_path / "levels.json"
    path.write_text(path.read_text().replace("2.5", "2.6"))
    with pytest.raises(CheckpointError):
        LevelCodec.load(tmp_path)


def written(folder: Path, text: str, name: str = "a.csv") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_one_series_is_cut_in_time(tmp_path: Path) -> None:
    corpus = read(written(tmp_path, "day,level\n" + "".join(f"{day},{day**2}\n" for day in range(20))))
    parts = [next(iter(corpus.read(split))).item.values for split in ("train", "validation", "test")]
    assert [value for part in parts for value in part] == [float(day**2) for day in range(20)]
    assert [len(part) for part in parts] == [16, 2, 2]
    assert corpus.whole


def test_gaps_are_filled_and_said_and_a_column_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,x\n4,2\n,3\n9,7\n")
    corpus = read(path)
    assert "1 gaps" in corpus.findings[0].reason
    assert next(iter(corpus.read("train"))).item.values == (1.0, 4.0, 4.0)
    assert next(iter(read(path, text_column="b").read("train"))).item.values == (2.0, 2.0, 3.0)


def test_several_series_are_documents(tmp_path: Path) -> None:
    for number in range(8):
        written(tmp_path, "".join(f"{number + step % 3}\n" for step in range(9)), f"{number}.csv")
    corpus = read(str(tmp_path))
    assert not corpus.whole
    assert sum(len(list(corpus.read(split))) for split in ("train", "validation", "test")) == 8


@pytest.mark.parametrize("text", ["", "words\nonly\nhere\n", "n\n1\n", "\0\xff", "1\n2\n3\n4\n"])
def test_a_table_without_a_series_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"a\.csv"):
        read(written(tmp_path, text))


def test_numbers_to_go_on_from_are_typed_or_in_a_file(tmp_path: Path) -> None:
    assert read_prompt("1 2.5, -3") == Series((1.0, 2.5, -3.0))
    assert read_prompt(written(tmp_path, "x\n1\n5\n2\n")) == Series((1.0, 5.0, 2.0))
    for given_ in ("", "one two", "1 nan"):
        with pytest.raises(InputError, match="numbers"):
            read_prompt(given_)


def test_it_is_exported_as_a_table_and_a_picture() -> None:
    series = Series((1.0, 2.0))
    assert DOMAIN.exports[".csv"](series, {}) == b"value\n1.0\n2.0\n"
    assert DOMAIN.exports[".png"](series, {"tokens": 1}).startswith(b"\x89PNG")
    assert DOMAIN.of_data(DOMAIN.data(series)) == series
