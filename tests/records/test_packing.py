"""Packed numbers come back to a thousandth of a power of ten."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.records import pack, unpack


@given(st.lists(st.floats(min_value=1e-19, max_value=1e44), max_size=8))
def test_numbers_come_back_to_a_part_in_eight_hundred(values):
    assert unpack(pack(values)) == pytest.approx(tuple(values), rel=1.2e-3)


def test_what_has_no_logarithm_is_missing():
    assert unpack(pack([None, math.nan, math.inf, 0.0, -1.0])) == (None,) * 5


def test_what_is_too_small_or_too_large_stays_at_the_ends():
    low, high = unpack(pack([1e-300, 1e300]))
    assert (low, high) == (1e-20, pytest.approx(10**45.534, rel=1e-9))


def test_two_bytes_a_number_low_one_first():
    assert pack([1.0]) == "IE4="  # 20 · 1000 = 0x4E20
