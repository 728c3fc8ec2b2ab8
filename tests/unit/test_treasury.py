"""The finance bureau: cash on dates, lists in order, part payment, what is left is carried over."""

from __future__ import annotations

from sim import clock
from sim.fiscal.office import Lists
from sim.fiscal.treasury import finance_bureau
from sim.ledger import Ledger

START = 17_500


def run(
    files: list[tuple[int, int, int, int]],
    releases: dict[int, int],
    pay_on: list[int],
    to_bank: bool = True,
    cash: int = 0,
    on_time: frozenset[int] = frozenset(),
) -> tuple[Ledger, Lists]:
    """Files are (period end, lender, amount, confirmed), days counted from START (-1: never confirmed)."""
    ledger, lists = Ledger(), Lists.empty()
    for account in ("county", "county_owes", "households", "cash:0", "cash:1", "subsidy_due:0", "subsidy_due:1"):
        ledger.open(account)
    ledger.open("subsidy_cash", guarded=True)
    ledger.post(START, "carried over", ("subsidy_cash", cash), ("county", -cash))
    for end, lender, fen, confirmed in files:
        known = confirmed if confirmed < 0 else START + confirmed
        lists.add(START + end, lender, fen, 1, 0, known, to_household=not to_bank)
        ledger.post(START, "due", (f"subsidy_due:{lender}", fen), ("county_owes", -fen))
    env = clock.start(START)
    at = {START + d: f for d, f in releases.items()}
    on_time_days = frozenset(START + d for d in on_time)
    env.process(finance_bureau(env, ledger, lists, at, [START + d for d in pay_on], None, on_time_days))
    env.run()
    ledger.check()
    return ledger, lists


def test_lists_are_paid_in_order_of_confirmation_and_in_part() -> None:
    ledger, lists = run([(0, 0, 60, 5), (0, 1, 60, 3), (0, 0, 10, 3)], {1: 100}, [10])
    assert lists.paid == [30, 60, 10]  # by day confirmed, then in order of filing
    assert (ledger.balances["cash:0"], ledger.balances["cash:1"], ledger.balances["subsidy_cash"]) == (40, 60, 0)
    assert ledger.balances["county_owes"] == -30


def test_the_rest_is_paid_first_when_cash_comes_again() -> None:
    _, lists = run([(0, 0, 60, 3), (0, 1, 60, 4)], {1: 50, 20: 30}, [10, 25])
    assert lists.paid == [60, 20]


def test_cash_that_is_not_spent_is_carried_over() -> None:
    ledger, lists = run([(0, 0, 60, 15)], {1: 50}, [10, 25], cash=20)
    assert lists.paid == [60]
    assert ledger.balances["subsidy_cash"] == 10


def test_a_release_comes_before_the_payments_of_its_day() -> None:
    assert run([(0, 0, 60, 3)], {10: 60}, [10])[1].paid == [60]


def test_what_is_not_confirmed_is_not_paid() -> None:
    assert run([(0, 0, 60, -1), (0, 0, 60, 11)], {1: 500}, [10])[1].paid == [0, 0]
    assert run([(0, 0, 60, 10)], {1: 500}, [10])[1].paid == [60]  # confirmed on the day is in time


def test_payment_within_90_days_of_the_period_is_counted_apart() -> None:
    _, lists = run([(0, 0, 60, 3)], {1: 40, 91: 20}, [90, 91])
    assert lists.paid == [60]
    assert lists.paid_in_90 == [40]


def test_the_household_is_paid_where_the_pack_says_so() -> None:
    ledger, _ = run([(0, 0, 60, 3)], {1: 100}, [10], to_bank=False)
    assert ledger.balances["households"] == 60
    assert ledger.balances["cash:0"] == 0


def test_on_time_all_that_has_fallen_due_is_paid_without_office_and_cash() -> None:
    ledger, lists = run([(3, 0, 60, -1), (9, 1, 40, -1)], {}, [10], on_time=frozenset({5}))
    assert lists.paid == [60, 0]  # what falls due after the day waits for the next
    assert ledger.balances["cash:0"] == 60
