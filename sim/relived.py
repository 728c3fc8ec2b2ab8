"""A month of one household lived again by the plain twin of the step, as it was or as it might have been.

What a drought or an illness cost is the difference to the same month without it, so no rule of the step is written
down a second time here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from sim import clock
from sim.community_kernel import N_COUNTS, lend
from sim.errors import ConservationError
from sim.households import state
from sim.households.book import Households
from sim.households.month import step_reference
from sim.households.register import Register
from sim.households.state import Now, Out, People, Terms
from sim.lending.granting import NO_RULE, Room
from sim.lending.loans import Loans
from sim.livelihoods import SOURCES_OF_INCOME
from sim.units import F64, I64, PPM
from sim.world import Fates, Setup

PROJECT, DEBTS = "project", "debts"  # income from the project, and from what other debts paid for
INCOMES = (*SOURCES_OF_INCOME, PROJECT, DEBTS)
_ANY = 10**15


@dataclass(frozen=True)
class HouseholdMonth:
    """A month's money [fen]. Cash before, plus what comes in, less what goes out, is cash after.

    Attributes
    ----------
    on : date
        Last day of the month.
    income, usual : dict of source -> fen
        Source of `INCOMES`: as it was, and in a year of usual harvest, wages, prices and health.
    refund, sold, borrowed
        Come in: subsidy, the project's sale (what a renewal leaves in the project is not counted), kin and lenders.
    spent, interest, loan, others, collected, paid_back
        Go out: needs; subsidised interest asked of the household; the loan under the fund with its interest; other
        debts, less what their projects bring; collection of a bad loan; back to kin and lenders.
    informal_before, informal_interest, informal_after
        Debt to kin and lenders.
    from_group, to_group
        Comes in, goes out: what members of a group pay for one of them after the month's own decisions.
    """

    on: dt.date
    cash_before: int
    income: dict[str, int]
    usual: dict[str, int]
    refund: int
    sold: int
    borrowed: int
    spent: int
    interest: int
    loan: int
    others: int
    collected: int
    paid_back: int
    cash_after: int
    informal_before: int
    informal_interest: int
    informal_after: int
    from_group: int = 0
    to_group: int = 0


class Relived:
    """One household's row of everything that the step reads."""

    def __init__(self, setup: Setup, households: Households, row: int) -> None:
        self.setup, self.households, self.row, self.terms = setup, households, row, households.terms
        self.register = Register(*(np.ascontiguousarray(f[row : row + 1]) for f in households.register))
        self.lender = int(self.register.lender[0])
        self.watched: dict[int, tuple[int, int, int]] | None = None
        self.usual_month = sum(self.usual_year().values()) // 12

    def usual_year(self) -> dict[str, int]:
        """Usual income by source [fen a year]."""
        return {source: int(getattr(self.register, f"{source}_fen")[0]) for source in SOURCES_OF_INCOME}

    def live(self, people: People, now: Now, terms: Terms | None = None, **facts: I64) -> tuple[People, Out]:
        """The month once more, under other terms or with other facts of the register."""
        p, out = people.copy(), Out.empty(1, self.setup.set_fen.size, self.households.n_circles)
        step_reference(p, self.register._replace(**facts), terms or self.terms, now, out)
        return p, out

    def money(self, before: People, after: People, now: Now, out: Out) -> HouseholdMonth:
        """The month's account, from what the step wrote for this household."""
        totals, lender = (int(x) for x in out.totals), out.by_lender[self.lender]
        income, spent, borrowed, paid_back, others, collected, sold = totals
        informal = int(before.informal[0]), int(after.informal[0])
        of_source = self.by_source(before, now, self.terms)
        if sum(of_source.values()) != income:
            raise ConservationError(f"household {self.register.id[0]}, month {now.month}: income by source is not all")
        return HouseholdMonth(
            clock.date_of(now.month_end), int(before.cash[0]), of_source, self.usual(before, now), int(before.refund[0]),
            sold, borrowed, spent, int(lender[state.INTEREST]), int(lender[state.EXTRA] + lender[state.PRINCIPAL]), others,
            collected, paid_back, int(after.cash[0]), informal[0], informal[1] - informal[0] - borrowed + paid_back,
            informal[1],
        )  # fmt: skip

    def with_group(self, money: HouseholdMonth, now: Now) -> HouseholdMonth:
        """The month with what the household's group did at its end."""
        assert self.watched is not None
        given, own, kin = self.watched.get(now.month - self.setup.first_month, (0, 0, 0))
        if given == own == kin == 0:
            return money
        paid = max(given, 0) + own + kin if given >= 0 else 0
        return replace(
            money, from_group=max(given, 0), to_group=max(-given, 0), loan=money.loan + paid, borrowed=money.borrowed + kin,
            cash_after=money.cash_after - own + min(given, 0), informal_after=money.informal_after + kin,
        )  # fmt: skip

    def by_source(self, people: People, now: Now, terms: Terms) -> dict[str, int]:
        """The month's income from each source."""
        return {source: self.income_from(source, people, now, terms) for source in INCOMES}

    def income_from(self, source: str, people: People, now: Now, terms: Terms) -> int:
        """What a household with no other source has from it."""
        nothing = np.zeros(1, dtype=np.int64)
        facts = {f"{s}_fen": nothing for s in SOURCES_OF_INCOME if s != source}
        products = terms.products.copy()
        products[:, 3] *= source == DEBTS
        people = people if source == PROJECT else people._replace(capital=nothing)
        return int(self.live(people, now, terms._replace(products=products), **facts)[1].totals[state.INCOME])

    def usual(self, people: People, now: Now) -> dict[str, int]:
        """The same in a month of usual luck, price and health."""
        one = np.ones(state.LUCK_POINTS + 1)
        t = self.terms._replace(
            harvest_luck=one, wage_luck=one, month_luck=one, death=np.zeros_like(self.terms.death), failure=0.0
        )
        zero = np.zeros_like(now.severity)
        calm = now._replace(
            crop_lost=zero, severity=zero, price=zero + 1.0, herd=np.ones_like(now.herd), wage=np.ones_like(now.wage)
        )
        usual, well = np.full(1, PPM, dtype=np.int64), np.full(1, state.WELL, dtype=np.int64)
        return self.by_source(people._replace(harvest_ppm=usual, wage_ppm=usual, health=well), calm, t)

    def at_maturity(self, before: People, now: Now) -> dict[str, int]:
        """What a household has on the loan's date, and what is asked: those of one that then refuses [fen].

        ``cash`` after the project's sale, of which ``sold``; ``floor`` that it keeps to live, ``room`` that kin and
        lenders would advance. Debts that come after the loan are left out of that month, and so is paying back kin.
        """
        products = self.terms.products.copy()
        products[:, 2] = np.where(products[:, 4] == 0, _ANY, products[:, 2])
        terms = self.terms._replace(products=products)
        p, out = self.live(before._replace(marks=before.marks | state.REFUSES), now, terms)
        back = int(out.totals[state.PAID_BACK])
        limit = int(self.terms.informal_months * self.usual_month)
        return {
            "asked": int(before.principal[0] + p.arrears[0]), "cash": int(p.cash[0]) + back,
            "sold": int(out.totals[state.SOLD]), "floor": self.floor(),
            "room": max(limit - int(p.informal[0]) - back, 0),
        }  # fmt: skip

    def apply_alone(self, after: People, now: Now, out: Out, caution: F64) -> I64:
        """How the application is counted by a lender with nobody else to serve and no cap."""
        n = self.setup.set_fen.size
        counts, owner = np.zeros(N_COUNTS, dtype=np.int64), np.zeros(1, dtype=np.int64)
        book, fates = (np.zeros((len(c.__dataclass_fields__), 1), dtype=np.int64) for c in (Loans, Fates))
        zero = np.zeros(n, dtype=np.int64)
        room = Room(zero.copy(), zero + _ANY, np.zeros((n, 31), dtype=np.int64), zero, np.full(1, NO_RULE), zero.copy())
        h = self.households
        lend(
            after.copy(), self.register, self.terms, out, book, fates, owner, 0, now.replication, now.month, now.first_day,
            now.month_end, self.setup.first_day, self.setup.claim_terms.cover, h.keys,
            np.ascontiguousarray(h.service_fen[self.row : self.row + 1]), h.nobody[:1], now.is_open, caution, room,
            zero.copy(), counts,
        )  # fmt: skip
        return counts

    def floor(self) -> int:
        """What the household needs to live for a month [fen]."""
        return int(self.register.persons[0] * self.terms.floor_fen + 0.5)
