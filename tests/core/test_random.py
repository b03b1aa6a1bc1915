"""The random numbers: published vectors of the generator, uniformity, and independence of the streams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from toolkit.core.random import DRAW, branch, philox, uniform, uniforms

FULL = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((FULL,) * 4, (FULL,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_agrees_with_the_known_answers_of_random123(counter, key, words):
    assert philox(counter, key) == words


def test_uniform_is_made_of_the_first_53_bits():
    first, second, *_ = philox((7, 0, DRAW, 0), (11, 0))
    assert uniform(11, 7) == ((first << 32 | second) >> 11) / 2**53


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**70), st.integers(0, 2**32 - 1))
def test_uniform_lies_in_the_half_open_unit_interval(seed, position, lane):
    u = uniform(seed, position, lane)
    assert 0 <= u < 1
    assert u == uniform(seed % 2**64, position % 2**64, lane)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 40), st.integers(0, 2**32 - 1))
def test_many_at_once_are_the_same_numbers(seed, first, lane):
    positions = [first + i for i in range(30)]
    drawn = uniforms(seed, np.array(positions, np.uint64), lane)
    assert drawn.tolist() == [uniform(seed, position, lane) for position in positions]


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(lambda i: uniform(1, i), id="positions of one seed"),
        pytest.param(lambda i: uniform(i, 0), id="first number of successive seeds"),
        pytest.param(lambda i: uniform(3, 5, i), id="lanes of one position"),
        pytest.param(lambda i: uniform(1, i << 32), id="positions beyond 32 bits"),
        pytest.param(lambda i: uniform(i << 32, 1), id="seeds beyond 32 bits"),
        pytest.param(lambda i: branch(7, i) / 2**64, id="seeds of branches"),
        pytest.param(lambda i: uniform(branch(7, i), 1), id="one number of successive branches"),
    ],
)
def test_every_stream_is_uniform(stream):
    drawn = np.array([stream(i) for i in range(20_000)])
    counts, _ = np.histogram(drawn, bins=100, range=(0, 1))
    assert stats.chisquare(counts).pvalue > 1e-4
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 4 / np.sqrt(len(drawn))


def test_neighbouring_seeds_and_lanes_are_uncorrelated():
    table = np.array([[uniform(seed, i, lane) for seed in (0, 1) for lane in (0, 1)] for i in range(5_000)])
    off_diagonal = np.corrcoef(table.T)[~np.eye(4, dtype=bool)]
    assert np.abs(off_diagonal).max() < 4.5 / np.sqrt(len(table))
