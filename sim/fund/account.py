"""The fund's sub-accounts: interest in, recoveries in, claims out, and the queue when money is short or capped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import simpy

from sim import clock
from sim.clock import Calendar, Slot, until
from sim.county import CountyCash
from sim.fund.claims import NEVER, Claims, apportion, return_of
from sim.fund.claims_kernel import unpaid
from sim.law import Rules
from sim.ledger import Ledger
from sim.units import I64, PPM, Array, interest, share_of


@dataclass
class Flows:
    """What moved, for the tables.

    (claim, day, fen) of payments; (claim, day, to fund, to bank) of returns, what is left of the claim's amount going
    back to those who paid their part themselves, and (claim, day, fen) to the loan's insurer; (day, account, fen) of
    interest on the subsidy account and of top-ups; and the first day on which the yearly cap held a claim's money back.
    """

    payments: list[tuple[int, int, int]] = field(default_factory=list)
    backstop: list[tuple[int, int, int]] = field(default_factory=list)
    returns: list[tuple[int, int, int, int]] = field(default_factory=list)
    insurer_returns: list[tuple[int, int, int]] = field(default_factory=list)
    subsidy_interest: list[tuple[int, int, int]] = field(default_factory=list)
    carried_over: list[int] = field(default_factory=list)  # by account, before the top-up of 1 January
    top_ups: list[tuple[int, int, int]] = field(default_factory=list)
    capped_from: dict[int, int] = field(default_factory=dict)


def deposit_interest(
    rules: Rules, rates: dict[str, Any], set_fen: list[int], from_day: int, to_day: int, since: int = 0
) -> list[tuple[int, int, int]]:
    """Interest on the set sub-accounts before payouts: (day, account, fen), the same for every fund size.

    The demand part is credited each quarter on the settlement day, the one-year part on 31 December. The
    money bears interest from ``since`` on, and what is credited in [from_day, to_day] is returned.

    Source: X county regulation, art. 4 (benchmark rate of the tenor) and 5 (interest joins the fund).
    """
    if "fund" not in rules.fund.interest_joins:
        return []
    out = []
    term_ppm, count = round(rules.fund.term_deposit_share * PPM), rules.interest.day_count
    for year in range(clock.date_of(from_day).year, clock.date_of(to_day).year + 1):
        new_year, last = clock.day_of(dt.date(year, 1, 1)), clock.day_of(dt.date(year, 12, 31))
        quarters = [
            clock.day_of(dt.date(year - (m == 0), m or 12, rules.subsidy.settlement_day)) for m in (0, 3, 6, 9, 12)
        ]
        whole = max(new_year, since) == new_year
        for index, fen in enumerate(set_fen):
            fixed = int(share_of(fen, term_ppm))
            for begin, end in pairwise(max(day, since) for day in quarters):
                if end > begin:
                    out.append(
                        (
                            end,
                            index,
                            int(interest(fen - fixed, rate_on(rates["deposit_demand"], begin), end - begin, count)),
                        )
                    )
            days = count if whole else max(last - since + 1, 0)
            rate = rate_on(rates["deposit_one_year"], max(new_year, since))
            out.append((last, index, int(interest(fixed, rate, days, count))))
    return [entry for entry in sorted(out) if from_day <= entry[0] <= to_day and entry[2] > 0]


def rate_on(table: tuple[I64, I64], day: int) -> int:
    """Rate in force on a day [1e-6 per year]; the first one before the table starts."""
    return int(table[1][max(int(np.searchsorted(table[0], day, side="right")) - 1, 0)])


def handed_over_on(rules: Rules, calendar: Calendar, recovered: I64) -> I64:
    """Day on which money collected on a day is handed over to the fund: so many working days later, or at the month's end.

    With none, on the day itself, or on the next working day.
    """
    days = rules.recovery.return_working_days
    if days is None:
        return clock.last_day_of_month(clock.month_of(recovered))
    return calendar.on_or_after(recovered) if days == 0 else calendar.add_working_days(recovered, days)


def hand_over_days(rules: Rules, calendar: Calendar, days: I64) -> dict[int, int]:
    """Of some days those on which money is handed over, each with the last day of collection that it covers."""
    collected = np.arange(int(days[0]) - 60, int(days[-1]) + 1)
    handed = handed_over_on(rules, calendar, collected)
    covers = collected[np.searchsorted(handed, np.append(days[0] - 1, days), side="right") - 1]
    new = np.diff(covers) > 0
    out = dict(zip(days[new].tolist(), covers[1:][new].tolist(), strict=True))
    return out | {int(days[-1]): int(days[-1])}  # at the horizon, all of it


class Purse:
    """What a sub-account may pay: what it holds, and no more in a year than the cap's share of its balance on 1 January."""

    def __init__(self, cap_share: float | None, ledger: Ledger) -> None:
        self.cap_ppm = None if cap_share is None else round(cap_share * PPM)
        self.ledger, self.year = ledger, NEVER
        self.room: dict[str, int] = {}

    def begin(self, day: int) -> None:
        """In a new year the cap is taken from the balances of its first day, before anything is paid."""
        year = clock.date_of(day).year
        if self.cap_ppm is not None and year != self.year:
            self.year = year
            held = {name: fen for name, fen in self.ledger.balances.items() if name.startswith("fund:")}
            self.room = {name: fen * self.cap_ppm // PPM for name, fen in held.items()}

    def pay(self, account: str, wanted: int) -> tuple[int, bool]:
        """How much can be paid of what is wanted, and whether the cap holds the rest back though the money is there."""
        held = self.ledger.balances[account]
        if self.cap_ppm is None:
            return min(wanted, held), False
        fen = min(wanted, held, self.room[account])
        self.room[account] -= fen
        return fen, fen < min(wanted, held)


def fund_accounts(
    env: simpy.Environment, ledger: Ledger, rules: Rules, calendar: Calendar, claims: Claims, account_of: Array,
    credits: list[tuple[int, int, int]], days: list[int], backstop_days: set[int], flows: Flows,
    county: CountyCash | None = None,
) -> Generator[Any, Any, None]:  # fmt: skip
    """Credit interest and returned recoveries, then pay what is due while each sub-account lasts.

    Parameters
    ----------
    account_of : (n_lenders,) int64
        Sub-account of each lender: its own, or one for all where the pack pools them.
    credits : list of (day, account, fen)
        Deposit interest.
    days : list of int
        Days on which something can move: payment days, month ends, interest days, top-ups, backstop days; every
        working day where recoveries are handed over within some; 1 January where payments are capped. Lenders hand
        over what was collected at each month's end or within that time, and on the last of these days.

    Partial payments go in order of approval date, then claim id. What exceeded the year's stock is paid
    by the county on the backstop day of the next year.

    Source: X county regulation, art. 5, 20(4), 22, 23, 26.
    """
    is_waiting, position, handed_over = False, 0, NEVER
    accounts = [f"fund:{k}" for k in account_of.tolist()]  # of each lender
    hand_overs, purse = hand_over_days(rules, calendar, np.array(days)), Purse(rules.fund.payout_cap_share, ledger)
    for day in days:
        yield from until(env, day, Slot.PAYMENT)
        purse.begin(day)
        while position < len(credits) and credits[position][0] <= day:
            _, index, fen = credits[position]
            ledger.post(day, "deposit interest", (f"fund:{index}", fen), ("banks", -fen))
            position += 1
        if day in hand_overs:
            _return_recoveries(ledger, rules, claims, accounts, day, (handed_over, hand_overs[day]), flows)
            handed_over = hand_overs[day]
        if rules.loss.direct:
            _pay_directly(ledger, rules, claims, day)
        if is_waiting or np.count_nonzero(claims.due == day) or day == days[0]:
            is_waiting = _pay(ledger, purse, claims, accounts, day, handed_over, flows)
        if day in backstop_days:
            _pay_from_county(ledger, claims, day, handed_over, flows, county)


def _pay(
    ledger: Ledger, purse: Purse, claims: Claims, accounts: list[str], day: int, handed_over: int, flows: Flows
) -> bool:  # fmt: skip
    """Pay what is due; true if somebody is left waiting, for want of money or because of the cap."""
    rows = unpaid(claims.due, claims.paid, claims.fund_part, claims.recovered_on, day, day, handed_over)
    rows = rows[np.argsort(claims.decided[rows], kind="stable")]
    wanted = claims.fund_part[rows] - claims.paid[rows]
    is_waiting = False
    for i, lender, missing in zip(rows.tolist(), claims.lender[rows].tolist(), wanted.tolist(), strict=True):
        account = accounts[lender]
        fen, is_capped = purse.pay(account, missing)
        if is_capped:
            flows.capped_from.setdefault(i, day)
        if fen < missing:
            is_waiting = True
            if claims.first_wait[i] == NEVER and not is_capped:
                claims.first_wait[i] = day
        if fen > 0:
            ledger.post(day, "fund pays", (account, -fen), (f"cash:{lender}", fen))
            _book_payment(claims, i, day, fen)
            flows.payments.append((i, day, fen))
    return is_waiting


def _pay_directly(ledger: Ledger, rules: Rules, claims: Claims, day: int) -> None:
    """Bearers whose part the fund does not pay pay it on the day on which it falls due."""
    rows = np.flatnonzero((claims.due == day) & (claims.recovered_on > day) & (claims.direct_part > 0))
    parts = apportion(claims.direct_part[rows], rules.loss.direct)
    for k, i in enumerate(rows.tolist()):
        each = [(f"bearer:{bearer}", -int(fen[k])) for bearer, fen in parts.items()]
        ledger.post(day, "other bearers pay", *each, (f"cash:{claims.lender.item(i)}", claims.direct_part.item(i)))


def direct_paid(claims: Claims) -> I64:
    """What other bearers have paid themselves by the time a claim is collected [fen]: on the day, or nothing."""
    return np.where((claims.due != NEVER) & (claims.due < claims.recovered_on), claims.direct_part, 0)


def _pay_from_county(
    ledger: Ledger, claims: Claims, day: int, handed_over: int, flows: Flows, county: CountyCash | None
) -> None:  # fmt: skip
    """What exceeded the stock is owed in full: unpaid subsidy takes nothing of it, it takes from the subsidy."""
    year_start = clock.day_of(dt.date(clock.date_of(day).year, 1, 1))
    rows = unpaid(claims.due, claims.paid, claims.fund_part, claims.recovered_on, year_start - 1, day, handed_over)
    for i in rows.tolist():
        fen = int(claims.fund_part[i] - claims.paid[i])
        if county is not None:
            county.to_fund(day, fen)
        ledger.post(day, "county pays the excess", ("county", -fen), (f"cash:{claims.lender.item(i)}", fen))
        _book_payment(claims, i, day, fen)
        flows.backstop.append((i, day, fen))


def _book_payment(claims: Claims, i: int, day: int, fen: int) -> None:
    claims.paid[i] += fen
    claims.paid_on[i] = day


def _return_recoveries(
    ledger: Ledger,
    rules: Rules,
    claims: Claims,
    accounts: list[str],
    day: int,
    collected: tuple[int, int],
    flows: Flows,
) -> None:
    """Money collected after one day and up to another: all to the bank before the fund has paid, else to each bearer its part."""
    after, up_to = collected
    rows = np.flatnonzero((claims.recovered_on <= up_to) & (claims.recovered_on > after))
    direct = direct_paid(claims) if rules.loss.direct else np.zeros(len(claims), dtype=np.int64)
    by_insurer = claims.paid_by_insurer(day)
    for i in rows.tolist():
        lender, amount, principal = claims.lender.item(i), claims.amount.item(i), claims.principal.item(i)
        paid, insurer = claims.paid.item(i), by_insurer.item(i)
        left = amount - insurer  # the insurer of the loan has back what it paid, the others share the rest
        fund, bank = return_of(rules, claims.cause.item(i), left, paid, direct.item(i))
        back = apportion(np.array([left - fund - bank]), rules.loss.direct) if direct.item(i) else {}
        legs = [(f"bearer:{bearer}", int(fen[0])) for bearer, fen in back.items()]
        if insurer:
            legs.append(("insurer", insurer))
            flows.insurer_returns.append((i, day, insurer))
        ledger.post(day, "collected", ("households", -amount), (f"cash:{lender}", bank), (accounts[lender], fund),
                    *legs, (f"book:{lender}", -principal), ("debt", principal))  # fmt: skip
        if paid > 0 or direct.item(i) or insurer:
            flows.returns.append((i, day, fund, bank))
