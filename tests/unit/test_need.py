"""Fund need of a year on the account that never queues."""

from __future__ import annotations

import numpy as np

from sim.fund.need import by_day, first_short_day, need, need_path
from sim.outcomes import required_total


def col(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)[:, None]


def test_need_is_the_deepest_point_not_the_total() -> None:
    payments, receipts = col(50, 0, 70, 0), col(0, 40, 0, 100)
    assert need_path(payments, receipts)[:, 0].tolist() == [50, 10, 80, -20]
    assert need(payments, receipts).tolist() == [80]


def test_need_is_never_negative() -> None:
    assert need(col(0, 10), col(30, 0)).tolist() == [0]
    assert need(np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)).tolist() == [0, 0]


def test_money_credited_on_the_day_counts_by_the_end_of_that_day() -> None:
    assert need(col(50), col(30)).tolist() == [20]


def test_accounts_are_kept_apart() -> None:
    payments = np.array([[10, 0], [0, 30]], dtype=np.int64)
    assert need(payments, np.zeros_like(payments)).tolist() == [10, 30]
    assert need(payments.sum(axis=1), np.zeros(2, np.int64)) == 40


def test_short_means_below_zero_strictly() -> None:
    payments, none = np.array([0, 60, 40, 1]), np.zeros(4, np.int64)
    assert first_short_day(100, none, payments) == 3
    assert first_short_day(101, none, payments) == -1
    assert first_short_day(100, np.array([0, 0, 0, 1]), payments) == -1  # a top-up of the day comes first


def test_amounts_by_day_and_account() -> None:
    days, accounts, fen = (
        np.array([3, 10, 11, 12, 12, 15]),
        np.array([0, 1, 0, 1, 1, 0]),
        np.array([1, 2, 4, 8, 16, 32]),
    )
    got = by_day(days, accounts, fen, 10, 4, 2)
    assert got.tolist() == [[1, 2], [4, 0], [0, 24], [0, 0]]  # day 3 is still to be paid, day 15 is outside
    assert got.dtype == np.int64


def test_large_amounts_are_exact() -> None:
    fen = np.array([2**52 + 1, 2**51 + 1])
    assert by_day(np.array([0, 0]), np.array([0, 0]), fen, 0, 1, 1)[0, 0] == int(fen.sum())


def test_the_total_that_leaves_no_account_short() -> None:
    """15:5 of 20: an account that needs 6 where it gets a quarter asks for 24 in all."""
    assert required_total(np.array([10, 6]), np.array([15, 5])) == 24
    assert required_total(np.array([15, 0]), np.array([15, 5])) == 20
    assert required_total(np.array([1, 0]), np.array([3, 4])) == 3  # rounded up to the fen
    assert required_total(np.array([0, 0]), np.array([3, 4])) == 0
