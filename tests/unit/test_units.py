"""Fen, yuan and rates: rounded half up to the fen, whole numbers only."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from sim.units import interest, percent_to_ppm, share_of


def half_up(x: Fraction) -> int:
    return int((x + Fraction(1, 2)).__floor__())


@pytest.mark.parametrize(("days", "fen"), [(90, 89_063), (110, 108_854)])
def test_worked_examples_of_the_model(days: int, fen: int) -> None:
    """50,000 yuan at 4.75 per cent times 1.5: 890.63 yuan in 90 days, 1,088.54 in 110 (model, section 9)."""
    assert interest(5_000_000, percent_to_ppm(4.75 * 1.5), days, 360) == fen


def test_fund_and_bank_of_the_worked_examples() -> None:
    assert share_of(5_089_063, 700_000) == 3_562_344
    assert share_of(5_108_854, 700_000) == 3_576_198


def test_day_count_is_a_choice() -> None:
    assert interest(5_000_000, 47_500, 365, 365) == 237_500
    assert interest(5_000_000, 47_500, 360, 360) == 237_500
    assert interest(5_000_000, 47_500, 365, 360) == 240_799


def test_rounding_is_half_up_not_half_even() -> None:
    assert [share_of(fen, 500_000) for fen in (1, 3, 5, 7)] == [1, 2, 3, 4]
    assert share_of(0, 700_000) == 0
    assert share_of(100, 1_000_000) == 100


def test_interest_and_share_against_exact_fractions() -> None:
    draw = random.Random(5)
    for _ in range(2000):
        fen, rate, days = draw.randrange(20_000_000), draw.randrange(150_000), draw.randrange(1200)
        base, ppm = draw.choice((360, 365)), draw.randrange(1_000_001)
        assert interest(fen, rate, days, base) == half_up(Fraction(fen * rate * days, base * 1_000_000))
        assert share_of(fen, ppm) == half_up(Fraction(fen * ppm, 1_000_000))


def test_arrays_and_single_numbers_agree() -> None:
    fen = np.array([1, 123_456, 5_000_000], dtype=np.int64)
    days = np.array([1, 45, 110], dtype=np.int64)
    assert interest(fen, 71_250, days, 360).tolist() == [
        interest(int(f), 71_250, int(d), 360) for f, d in zip(fen, days, strict=True)
    ]
    assert share_of(fen, 700_000).dtype == np.int64


def test_per_cent_to_parts_per_million() -> None:
    assert percent_to_ppm(4.75) == 47_500
    assert percent_to_ppm(0.35) == 3_500
