"""The sub-accounts: interest in, recoveries in, claims out, the queue, the county's backstop."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim import clock
from sim.fund import account
from sim.fund.account import Flows, deposit_interest, fund_accounts, rate_on
from sim.fund.claims import NEVER, Claims
from sim.law.pack import load_calendar
from sim.ledger import Ledger
from tests.accounts import fund_ledger


def day(text: str) -> int:
    return clock.day_of(dt.date.fromisoformat(text))


FIRST = day("2018-01-01")


def run(
    rules: Any, claims: Claims, fund_fen: list[int], days: list[str], *, backstop: tuple[str, ...] = (),
    credits: tuple[tuple[int, int, int], ...] = (), pooled: bool = False, bearers: tuple[str, ...] = (),
) -> tuple[Ledger, Flows]:  # fmt: skip
    ledger, flows = fund_ledger(FIRST, fund_fen), Flows()
    for bearer in bearers:
        ledger.open(f"bearer:{bearer}")
    env = clock.start(FIRST)
    account_of = np.array([0, 0]) if pooled else np.array([0, 1])
    all_days = sorted({day(d) for d in (*days, *backstop)} | {d for d, *_ in credits})
    env.process(
        fund_accounts(
            env,
            ledger,
            rules,
            load_calendar(),
            claims,
            account_of,
            list(credits),
            all_days,
            {day(d) for d in backstop},
            flows,
        )
    )
    env.run()
    ledger.check()
    return ledger, flows


def test_a_short_account_pays_in_order_of_approval_then_claim(rules: Any, make_claims: Any) -> None:
    claims = make_claims(
        4, fund_part=[40, 40, 40, 40], decided=[FIRST + 2, FIRST + 1, FIRST + 1, FIRST + 3], due=FIRST + 9
    )
    ledger, flows = run(rules, claims, [100, 0], ["2018-01-10"])
    assert claims.paid.tolist() == [20, 40, 40, 0]
    assert claims.first_wait.tolist() == [FIRST + 9, NEVER, NEVER, FIRST + 9]
    assert flows.payments == [(1, FIRST + 9, 40), (2, FIRST + 9, 40), (0, FIRST + 9, 20)]
    assert (ledger.balances["fund:0"], ledger.balances["cash:0"]) == (0, 100)


def test_the_queue_is_paid_when_money_comes(rules: Any, make_claims: Any) -> None:
    claims = make_claims(2, fund_part=[40, 40], decided=FIRST, due=FIRST + 9)
    _, flows = run(rules, claims, [50, 0], ["2018-01-10"], credits=((day("2018-03-20"), 0, 25),))
    assert claims.paid.tolist() == [40, 35]
    assert claims.paid_on.tolist() == [FIRST + 9, day("2018-03-20")]
    assert claims.first_wait.tolist() == [NEVER, FIRST + 9]
    assert flows.payments[-1] == (1, day("2018-03-20"), 25)


def test_nothing_is_paid_before_it_falls_due(rules: Any, make_claims: Any) -> None:
    claims = make_claims(2, fund_part=10, decided=FIRST, due=[FIRST + 9, NEVER])
    run(rules, claims, [100, 0], ["2018-01-09"])
    assert claims.paid.tolist() == [0, 0]
    run(rules, claims, [100, 0], ["2018-01-10"])
    assert claims.paid.tolist() == [10, 0]


def test_lenders_have_their_own_money_unless_it_is_pooled(rules: Any, make_claims: Any) -> None:
    for pooled, paid in ((False, [0, 40]), (True, [40, 40])):
        claims = make_claims(2, lender=[0, 1], fund_part=40, decided=FIRST, due=FIRST + 9)
        ledger, _ = run(rules, claims, [100] if pooled else [0, 100], ["2018-01-10"], pooled=pooled)
        assert claims.paid.tolist() == paid
        assert [ledger.balances["cash:0"], ledger.balances["cash:1"]] == paid


def test_the_county_pays_last_years_excess_on_the_backstop_day(rules: Any, make_claims: Any) -> None:
    claims = make_claims(
        3, fund_part=40, decided=[FIRST, FIRST + 1, FIRST + 2], due=[FIRST + 9, FIRST + 10, day("2019-01-22")]
    )
    ledger, flows = run(
        rules, claims, [50, 0], ["2018-01-10", "2018-01-11", "2019-01-22"], backstop=("2018-03-01", "2019-03-01")
    )
    assert claims.paid.tolist() == [40, 40, 0]
    assert flows.backstop == [(1, day("2019-03-01"), 30)]  # none within the year; this year's claim goes on waiting
    assert ledger.balances["county"] == -30
    assert claims.paid_on[1] == day("2019-03-01")


def test_a_loan_collected_before_payment_is_not_paid(rules: Any, make_claims: Any) -> None:
    """All of it goes to the bank, and the book is cleared."""
    claims = make_claims(
        1, fund_part=70, amount=100, principal=95, decided=FIRST, due=FIRST + 9, recovered_on=FIRST + 5
    )
    ledger, flows = run(rules, claims, [100, 0], ["2018-01-10", "2018-01-31"])
    assert claims.paid.tolist() == [0]
    assert flows.returns == []
    assert (ledger.balances["cash:0"], ledger.balances["fund:0"], ledger.balances["book:0"]) == (100, 100, -95)


def test_money_collected_after_payment_returns_by_share_at_the_months_end(rules: Any, make_claims: Any) -> None:
    claims = make_claims(
        1, fund_part=70, amount=100, principal=95, decided=FIRST, due=FIRST + 9, recovered_on=FIRST + 20
    )
    ledger, flows = run(rules, claims, [100, 0], ["2018-01-10", "2018-01-30", "2018-01-31", "2018-02-28"])
    assert flows.returns == [(0, day("2018-01-31"), 70, 30)]
    assert (ledger.balances["fund:0"], ledger.balances["cash:0"]) == (100, 100)


def test_a_recovery_of_the_month_helps_the_queue_on_the_same_day(rules: Any, make_claims: Any) -> None:
    claims = make_claims(
        2,
        fund_part=70,
        amount=100,
        principal=95,
        decided=FIRST,
        due=[FIRST + 9, FIRST + 10],
        recovered_on=[FIRST + 20, 10**7],
    )
    run(rules, claims, [70, 0], ["2018-01-10", "2018-01-11", "2018-01-31"])
    assert claims.paid.tolist() == [70, 70]
    assert claims.paid_on[1] == day("2018-01-31")


def test_money_is_not_lost_even_if_a_return_is_wrong(
    rules: Any, make_claims: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one fen too much returned the ledger stops the history."""
    monkeypatch.setattr(account, "return_of", lambda *args: (71, 30))
    claims = make_claims(
        1, fund_part=70, amount=100, principal=95, decided=FIRST, due=FIRST + 9, recovered_on=FIRST + 20
    )
    with pytest.raises(Exception, match="legs do not add up to zero"):
        run(rules, claims, [100, 0], ["2018-01-10", "2018-01-31"])


# --- deposit interest --------------------------------------------------------------------------------

RATES = {"deposit_demand": (np.array([0]), np.array([3_500])), "deposit_one_year": (np.array([0]), np.array([15_000]))}


def test_interest_of_a_year(rules: Any) -> None:
    """80 per cent at the one-year rate on 31 December, the rest each quarter on the settlement day."""
    entries = deposit_interest(rules, RATES, [100_000_000], FIRST, day("2018-12-31"))
    assert [str(clock.date_of(d)) for d, *_ in entries] == [
        "2018-03-20",
        "2018-06-20",
        "2018-09-20",
        "2018-12-20",
        "2018-12-31",
    ]
    assert entries[-1] == (day("2018-12-31"), 0, 1_200_000)
    assert entries[1][2] == round(20_000_000 * 0.0035 * 92 / 360)


def test_interest_only_within_the_span_and_only_if_it_joins_the_fund(small: Any, rules: Any) -> None:
    entries = deposit_interest(rules, RATES, [100_000_000, 50_000_000], day("2018-04-01"), day("2018-09-19"))
    assert [(str(clock.date_of(d)), i) for d, i, _ in entries] == [("2018-06-20", 0), ("2018-06-20", 1)]
    none = small.with_changes({"rules.fund.interest_joins": ["subsidy"]}).law()
    assert deposit_interest(none, RATES, [100_000_000], FIRST, day("2018-12-31")) == []


def test_rate_of_the_day() -> None:
    table = (np.array([10, 20]), np.array([5, 7]))
    assert [rate_on(table, d) for d in (0, 10, 19, 20, 99)] == [5, 5, 5, 7, 7]


def test_no_day_is_without_interest(rules: Any) -> None:
    entries = deposit_interest(rules, RATES, [100_000_000], FIRST, day("2022-01-01"), FIRST)
    demand = sum(fen for d, _, fen in entries if clock.date_of(d).day == 20)
    earned = 20_000_000 * 0.0035 * (day("2021-12-20") - FIRST) / 360
    assert demand == pytest.approx(earned, abs=10)


def test_another_bearer_pays_its_part_on_the_day_however_short_the_fund_is(rules: Any, make_claims: Any) -> None:
    shared = replace(rules, loss=replace(rules.loss, shares={"fund": 0.5, "insurer": 0.3, "bank": 0.2}))
    more = {"amount": 100, "fund_part": 50, "bank_part": 20, "principal": 90, "decided": FIRST, "due": FIRST + 9}
    claims = make_claims(3, recovered_on=[FIRST + 400, FIRST + 9, FIRST + 20], **more)
    ledger, flows = run(shared, claims, [0, 0], ["2018-01-10", "2018-01-31"], bearers=("insurer",))
    assert ledger.balances["bearer:insurer"] == -30 - 30 + 30  # one collected on the day, one after it
    assert flows.returns == [(2, day("2018-01-31"), 0, 70)]
    assert ledger.balances["cash:0"] == 30 + 30 + 100 + 70
