"""The county finance bureau: cash for the subsidy comes on dates, and lists are paid while it lasts."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from sim.clock import Slot, until
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
    paid_to_bank: bool, interest: CashInterest | None = None,
) -> Generator[Any, Any, None]:  # fmt: skip
    """Release the budget by quarter and pay confirmed lists in order, in part when cash runs out.

    Parameters
    ----------
    releases : dict of day -> fen
        Cash limits of the year's appropriation; what is not spent is carried over.
    payment_days : list of int
    paid_to_bank : bool
        Direct to the bank, or refunded to the household that has paid first.
    interest : CashInterest, optional
        Where the rules let the interest on the subsidy account join the fund.

    Source: X county regulation, art. 5, 6 and 27; the split by quarter is an assumption.
    """
    credit_days = interest.rates if interest is not None else {}
    unpaid = list(range(len(lists)))
    for day in sorted({*releases, *payment_days, *credit_days}):
        if day in releases:
            yield from until(env, day, Slot.BUDGET_RELEASE)
            _count(interest, ledger, day)
            ledger.post(day, "budget release", ("county", -releases[day]), ("subsidy_cash", releases[day]))
        if day in payment_days or day in credit_days:
            yield from until(env, day, Slot.PAYMENT)
            _count(interest, ledger, day)
        if interest is not None and day in credit_days:
            interest.credit(ledger, day)
        if day in payment_days:
            unpaid = [i for i in unpaid if lists.paid[i] < lists.amount[i]]
            _pay_lists(ledger, lists, unpaid, day, paid_to_bank)


def _count(interest: CashInterest | None, ledger: Ledger, day: int) -> None:
    if interest is not None:
        interest.run_to(day, ledger.balances["subsidy_cash"])


def _pay_lists(ledger: Ledger, lists: Lists, unpaid: list[int], day: int, paid_to_bank: bool) -> None:
    confirmed = lists.confirmed
    ready = [i for i in unpaid if 0 <= confirmed[i] <= day]
    for i in sorted(ready, key=lambda i: (lists.confirmed[i], i)):
        fen = min(lists.amount[i] - lists.paid[i], ledger.balances["subsidy_cash"])
        if fen <= 0:
            break
        lender = lists.lender[i]
        payee = f"cash:{lender}" if paid_to_bank else "households"
        ledger.post(day, "subsidy paid", ("subsidy_cash", -fen), (payee, fen),
                    (f"subsidy_due:{lender}", -fen), ("county_owes", fen))  # fmt: skip
        lists.paid[i] += fen
        lists.payments.append((i, day, fen))
        if day <= lists.period_end[i] + 90:
            lists.paid_in_90[i] += fen
