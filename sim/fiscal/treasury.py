"""The county finance bureau: cash for the subsidy comes on dates, and lists are paid while it lasts."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from sim.clock import Slot, until
from sim.county import CountyCash
from sim.fiscal.office import Lists
from sim.ledger import Ledger
from sim.units import PPM


@dataclass
class CashInterest:
    """Deposit interest on the subsidy account, which joins the fund.

    Attributes
    ----------
    rates : dict of day -> rate [1e-6 per year]
        Days of credit, with the rate that held.
    parts : list of int [fen]
        Set sizes of the fund's accounts: the interest is shared in their proportion.
    since : int [day]
    day_count : int
    credited : list of (day, account, fen)
        Filled in.
    """

    rates: dict[int, int]
    parts: list[int]
    since: int
    day_count: int
    credited: list[tuple[int, int, int]] = field(default_factory=list)
    fen_days: int = 0

    def run_to(self, day: int, balance_fen: int) -> None:
        """Count the balance that stood until ``day``."""
        self.fen_days += balance_fen * (day - self.since)
        self.since = day

    def credit(self, ledger: Ledger, day: int) -> None:
        """Pay the interest of the period into the fund's accounts, to the fen."""
        year = self.day_count * PPM
        fen = (self.fen_days * self.rates[day] + year // 2) // year
        self.fen_days = 0
        done = 0
        for account in range(len(self.parts)):
            upto = fen * sum(self.parts[: account + 1]) // sum(self.parts)
            ledger.post(day, "interest on subsidy cash", ("banks", done - upto), (f"fund:{account}", upto - done))
            self.credited.append((day, account, upto - done))
            done = upto


def finance_bureau(
    env: simpy.Environment, ledger: Ledger, lists: Lists, releases: dict[int, int], payment_days: list[int],
    interest: CashInterest | None = None, on_time_days: frozenset[int] = frozenset(), county: CountyCash | None = None,
) -> Generator[Any, Any, None]:  # fmt: skip
    """Release the budget by quarter and pay confirmed lists in order, in part when cash runs out.

    Parameters
    ----------
    releases : dict of day -> fen
        Cash limits of the year's appropriation; what is not spent is carried over. Amounts are read on the day.
    payment_days : list of int
    on_time_days : set of int
        Settlement days on which the county pays all that is owed, office and cash limits aside: what
        lateness is measured against. Empty otherwise.
    interest : CashInterest, optional
        Where the rules let the interest on the subsidy account join the fund.
    county : CountyCash, optional
        Where the fund takes from the same pot.

    Source: X county regulation, art. 5, 6 and 27; the split by quarter is an assumption.
    """
    credit_days, pay_days = interest.rates if interest is not None else {}, frozenset(payment_days)
    unpaid: list[int] = []
    n_seen = 0
    for day in sorted({*releases, *payment_days, *credit_days, *on_time_days}):
        if day in releases:
            yield from until(env, day, Slot.BUDGET_RELEASE)
            _count(interest, ledger, day)
            fen = releases[day] if county is None else county.released(day, releases[day])
            ledger.post(day, "budget release", ("county", -fen), ("subsidy_cash", fen))
        if day in pay_days or day in credit_days or day in on_time_days:
            yield from until(env, day, Slot.PAYMENT)
            _count(interest, ledger, day)
        if interest is not None and day in credit_days:
            interest.credit(ledger, day)
        unpaid = [i for i in (*unpaid, *range(n_seen, len(lists))) if lists.paid[i] < lists.amount[i]]
        n_seen = len(lists)
        if day in on_time_days:
            for i in unpaid:
                if lists.period_end[i] <= day:
                    _pay(ledger, lists, i, day, lists.amount[i] - lists.paid[i], "county")
        elif day in pay_days:
            _pay_lists(ledger, lists, unpaid, day)


def _count(interest: CashInterest | None, ledger: Ledger, day: int) -> None:
    if interest is not None:
        interest.run_to(day, ledger.balances["subsidy_cash"])


def _pay_lists(ledger: Ledger, lists: Lists, unpaid: list[int], day: int) -> None:
    confirmed = lists.confirmed
    ready = [i for i in unpaid if 0 <= confirmed[i] <= day]
    for i in sorted(ready, key=lambda i: (lists.confirmed[i], i)):
        fen = min(lists.amount[i] - lists.paid[i], ledger.balances["subsidy_cash"])
        if fen <= 0:
            break
        _pay(ledger, lists, i, day, fen, "subsidy_cash")


def _pay(ledger: Ledger, lists: Lists, i: int, day: int, fen: int, payer: str) -> None:
    lender = lists.lender[i]
    payee = "households" if lists.to_household[i] else f"cash:{lender}"
    ledger.post(day, "subsidy paid", (payer, -fen), (payee, fen), (f"subsidy_due:{lender}", -fen), ("county_owes", fen))
    lists.paid[i] += fen
    lists.payments.append((i, day, fen))
    if day <= lists.period_end[i] + 90:
        lists.paid_in_90[i] += fen
