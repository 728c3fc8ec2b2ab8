"""The ledger refuses to lose, make or overdraw money, and then posts nothing."""

from __future__ import annotations

import pytest

from sim.errors import ConservationError
from sim.ledger import Ledger, Posting


@pytest.fixture
def ledger() -> Ledger:
    out = Ledger(journal=[])
    out.open("fund", guarded=True)
    out.open("county")
    out.post(1, "set up", ("fund", 100), ("county", -100))
    return out


@pytest.mark.parametrize(
    ("legs", "text"),
    [
        ([("fund", 10), ("county", -9)], "legs do not add up to zero"),
        ([("fund", -10), ("bank", 10)], "no account bank"),
        ([("fund", -101), ("county", 101)], "fund would be overdrawn by 1 fen"),
    ],
)
def test_refuses_and_posts_nothing(ledger: Ledger, legs: list[tuple[str, int]], text: str) -> None:
    before = dict(ledger.balances)
    with pytest.raises(ConservationError, match=text):
        ledger.post(2, "wrong", *legs)
    assert ledger.balances == before
    assert ledger.n_postings == 1
    assert len(ledger.journal or []) == 1


def test_posts_and_keeps_a_journal(ledger: Ledger) -> None:
    ledger.post(2, "pay", ("fund", -100), ("county", 60), ("county", 40))
    assert ledger.balances == {"fund": 0, "county": 0}
    assert ledger.journal == [
        Posting(1, "set up", (("fund", 100), ("county", -100))),
        Posting(2, "pay", (("fund", -100), ("county", 60), ("county", 40))),
    ]
    ledger.check()


def test_an_account_that_is_not_guarded_may_owe(ledger: Ledger) -> None:
    ledger.post(2, "borrow", ("county", -1_000), ("fund", 1_000))
    assert ledger.balances["county"] == -1_100


def test_an_account_is_opened_once(ledger: Ledger) -> None:
    with pytest.raises(ConservationError, match="fund opened twice"):
        ledger.open("fund")


def test_check_finds_money_that_came_from_nowhere(ledger: Ledger) -> None:
    ledger.balances["county"] += 1
    with pytest.raises(ConservationError, match="out by 1 fen"):
        ledger.check()


def test_check_finds_an_overdrawn_account(ledger: Ledger) -> None:
    ledger.balances.update(fund=-5, county=5)
    with pytest.raises(ConservationError, match="fund is overdrawn"):
        ledger.check()


def test_two_legs_on_one_account_cannot_overdraw_it(ledger: Ledger) -> None:
    with pytest.raises(ConservationError):
        ledger.post(2, "twice", ("fund", -60), ("fund", -60), ("county", 120))


def test_only_whole_fen_are_posted(ledger: Ledger) -> None:
    try:
        ledger.post(2, "halves", ("fund", 0.6), ("fund", 0.6), ("county", -1.2))  # type: ignore[arg-type]
    except (ConservationError, TypeError):
        return
    ledger.check()
