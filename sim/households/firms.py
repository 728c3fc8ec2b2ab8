"""Firms, co-operatives and big growers: they employ the households they cover, borrow on their quota, and may fail.

What a firm borrows stands in the book as one loan for each household whose quota it uses: that is how the rules count
it (a limit for each covered household, cover and subsidy of each, a file for each), and all of a firm's loans have one
fate. Such a loan is a *part*; parts are rows of the same `Register`, `People` and `Out` as households, so lists, claims
and granting are the same code. Of a part's `People`, ``health`` says whether its firm works and ``months_short`` in which
month another firm takes the place of a failed one.

What happens to them in a month is compiled in `firms_kernel`; the plain twins here say the same. Sources: a county's loan plan of 2011, sec. 4(1); X county regulation, art. 2, 9,
10, 27. How often firms fail and why is an assumption of the scenario.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.households import firms_kernel
from sim.households.month import accrue, fall_behind, interest_until, is_asked_now, repay
from sim.households.register import MAX_DEBTS, Register, lender_of
from sim.households.state import (
    APPLIES,
    BAD,
    COLLECTED,
    FAILED,
    INTEREST,
    LOST,
    NEVER_DAY,
    NONE,
    OPEN,
    OVERDUE,
    UNSUBSIDISED,
    WORKS,
    YEARLY,
    Now,
    Out,
    People,
    Terms,
    new_people,
)
from sim.law import Rules
from sim.livelihoods import Firms
from sim.scenario import Scenario
from sim.streams import entity_id, log_reference, stream_key, uniforms, uniforms_reference
from sim.subsidy import rate_on_reference
from sim.units import FEN_PER_YUAN, I64, PPM, Bool

_A_PART = entity_id("quota that a firm uses")


@dataclass(frozen=True)
class Covering:
    """Which firm covers whom, and on what terms it borrows: what no history changes.

    Attributes
    ----------
    id, township : (f,) int64
        Of firms that cover somebody, in order of id.
    firm : (n,) int64
        Firm of each household of the register, -1 for none.
    of, household : (p,) int64
        Firm, and row of the household in the register, of each part; in order of firm, then household.
    first : (f,) int64
        First part of each firm.
    register, terms : Register, Terms
        Of the parts.
    each_fen, ceiling_fen : int [fen]
        Limit for each covered household, and for a firm; 0: firms do not borrow.
    plan_fen : (townships,) int64 [fen]
        What the firms of a township may owe.
    term_months : int
    rates : list of (days of the month,) int64 by month
        Contract rate by day of signing.
    keys
        A firm's failure; its application.
    """

    id: I64
    township: I64
    firm: I64
    of: I64
    household: I64
    first: I64
    register: Register
    terms: Terms
    start: People
    each_fen: int
    ceiling_fen: int
    plan_fen: I64
    term_months: int
    rates: list[I64]
    keys: tuple[np.uint64, np.uint64]


def cover(scenario: Scenario, live: Firms, register: Register, seed: int) -> tuple[I64, I64, I64]:
    """Which firm covers each household: by address, so a household more changes no other's firm.

    Returns
    -------
    ids, township : (f,) int64
    firm : (n,) int64
        -1 for none.
    """
    here, number = uniforms(stream_key(seed, "register.firm"), 0, 0, register.id)
    is_covered = (here < live.covers) & (register.may_borrow == 1)
    place = register.township * live.per_township + (number * live.per_township).astype(np.int64)
    keys = [t.key for t in scenario.townships]
    names = np.array([entity_id("firm", key, k) for key in keys for k in range(live.per_township)], dtype=np.int64)
    ids, firm = np.unique(names[place[is_covered]], return_inverse=True)
    out = np.full(register.id.size, -1, dtype=np.int64)
    out[is_covered] = firm.reshape(-1)
    where = {name: k // live.per_township for k, name in enumerate(names.tolist())}
    return ids, np.array([where[name] for name in ids.tolist()], dtype=np.int64), out


def prepare_firms(
    scenario: Scenario, rules: Rules, register: Register, terms: Terms, plan_fen: I64, rates: list[I64], first_month: int,
    seed: int,
) -> Covering | None:  # fmt: skip
    """Firms of a scenario; None where it has none.

    Parameters
    ----------
    plan_fen : (townships,) int64 [fen]
        The plan of each township.
    rates : list of (days of the month,) int64 by month
    """
    live = scenario.livelihoods.firms if scenario.livelihoods is not None else None
    if live is None:
        return None
    assert scenario.livelihoods is not None
    ids, township, firm = cover(scenario, live, register, scenario.livelihoods.register_seed)
    of, row = _parts(firm, register)
    law, term = rules.firm, term_of(rules)
    each = (law.yuan_per_household or 0) * FEN_PER_YUAN
    parts = _register(register, row, lender_of(scenario, ids)[of])
    subsidy = (
        terms.subsidy if law.subsidised else terms.subsidy._replace(share_ppm=np.zeros_like(terms.subsidy.share_ppm))
    )
    most = PPM if law.share_of_plan is None else round(law.share_of_plan * PPM)
    return Covering(
        ids, township, firm, of, row, np.searchsorted(of, np.arange(ids.size)), parts,
        terms._replace(subsidy=subsidy, misuse=0.0, stacking=0),
        new_people(parts, scenario.livelihoods, first_month, seed)._replace(wait_until=np.zeros(row.size, dtype=np.int64)),
        each, each * row.size if law.ceiling_yuan is None else law.ceiling_yuan * FEN_PER_YUAN,
        np.array([fen * most // PPM for fen in plan_fen.tolist()], dtype=np.int64), term, rates,
        (stream_key(seed, "firm.failure"), stream_key(seed, "firm.application")),
    )  # fmt: skip


def term_of(rules: Rules) -> int:
    """Term of a firm's loan [months]."""
    return rules.firm.term_months or rules.loan.term_max_months


def _parts(firm: I64, register: Register) -> tuple[I64, I64]:
    """Firm and household of each part."""
    row = np.flatnonzero(firm >= 0)
    row = row[np.lexsort((register.id[row], firm[row]))]
    return firm[row], row


def _register(register: Register, row: I64, lender: I64) -> Register:
    """Parts as borrowers: of the household only place and id are left, and the id is another one."""
    zero, n = np.zeros(row.size, dtype=np.int64), row.size
    debts = np.full((n, MAX_DEBTS), -1, dtype=np.int64)
    facts = {name: zero for name in Register._fields if name not in ("debt_product", "debt_month")}
    facts |= {
        "id": register.id[row] ^ _A_PART, "township": register.township[row], "village": register.village[row],
        "group": register.group[row], "lender": lender, "may_borrow": zero + 1, "rating": zero + 3,
    }  # fmt: skip
    return Register(**facts, debt_product=debts, debt_month=debts.copy())


# --- a month -------------------------------------------------------------------------------------------


def fail(f: Covering, live: Firms, p: People, now: Now, replication: int) -> Bool:
    """Firms that fail this month, (f,); in place of those that failed long ago others begin. See `fail_reference`."""
    return firms_kernel.fail(  # type: ignore[no-any-return]
        f.id, f.township, f.first, f.household, f.keys[0], _log_odds(live), _can_fail(live), live.replaced_after_months,
        now.severity, now.price, now.herd, now.month, replication, p.health, p.months_short, p.status, p.marks,
    )  # fmt: skip


def _can_fail(live: Firms) -> bool:
    return live.can_fail and live.failures_per_year > 0


def _log_odds(live: Firms) -> tuple[float, float, float, float]:
    """Of a failure in a month: of usual times, and what drought, a low price and disease add."""
    if not _can_fail(live):
        return 0.0, 0.0, 0.0, 0.0
    usual = 1 - (1 - live.failures_per_year) ** (1 / 12)
    return float(np.log(usual / (1 - usual))), live.drought_logit, live.price_logit, live.disease_logit


def fail_reference(f: Covering, live: Firms, p: People, now: Now, replication: int) -> Bool:
    """Plain twin of `fail`.

    The log odds of a failure in a month: those of usual times, and what drought, a low price of what projects sell and
    disease of the covered households' herds add. A loan that runs then is lost: it will not be repaid on its date.
    """
    works = p.health[f.first] == WORKS
    again = ~works & (now.month >= p.months_short[f.first])
    p.health[again[f.of]] = WORKS
    if not _can_fail(live):
        return np.zeros(f.id.size, dtype=np.bool_)
    herd = np.bincount(f.of, weights=now.herd[f.household], minlength=f.id.size)
    usual, of_drought, of_price, of_disease = _log_odds(live)
    odds = usual + of_drought * now.severity[f.township]
    odds += of_price * np.maximum(1.0 - now.price[f.township], 0.0) + of_disease * (1.0 - herd / np.bincount(f.of))
    u = uniforms_reference(f.keys[0], replication, now.month, f.id)[0]
    fails: Bool = works & (log_reference(u) - log_reference(1.0 - u) < odds)
    hit = fails[f.of]
    p.health[hit] = FAILED
    p.months_short[hit] = now.month + live.replaced_after_months
    p.marks[hit & (p.status == OPEN)] |= LOST
    return fails


def pay(f: Covering, p: People, now: Now, out: Out) -> int:
    """What firms owe this month: see `pay_reference`."""
    paid, collected = firms_kernel.pay(
        p, f.register.lender, f.register.township, f.household, f.terms.subsidy, f.terms.wait_days, now.recent, now.herd,
        now.month, now.month_end, now.over_by, out,
    )  # fmt: skip
    out.totals[COLLECTED] = collected
    return int(paid + collected)


def pay_reference(f: Covering, p: People, now: Now, out: Out) -> int:
    """Plain twin of `pay`: interest, loans on their date, and what is collected of bad ones.

    A firm that works pays all that is asked of it on the day. One that has failed pays nothing, and the firm in its place
    does not owe what it owed: such a loan is late from its date, then bad, and collection alone brings something back.

    Returns
    -------
    int [fen]
        Paid by firms to lenders, in all.
    """
    r, t, now = f.register, f.terms, now._replace(herd=now.herd[f.household])
    out.event[:] = 0
    before = int(out.by_lender[:, :YEARLY].sum())
    is_sound = p.marks & LOST == 0
    asked = np.where(is_sound, p.interest_due + p.arrears, 0)
    np.add.at(out.by_lender[:, INTEREST], r.lender, asked)
    p.arrears[:] += p.interest_due - asked
    p.interest_due[:] = 0
    collected = (p.status == BAD) & (p.recover_on <= now.month_end)
    due_now = (p.status >= OPEN) & (p.status <= OVERDUE) & (p.due <= now.month_end)
    is_open = due_now & (p.status == OPEN)
    own, subsidy = interest_until(p, t, p.due)
    p.arrears[:] += np.where(is_open, own + subsidy * is_asked_now(t), 0)
    accrue(p, t, is_open, subsidy, p.due)
    repay(p, r, t, now, out, is_open & is_sound, p.principal + p.arrears)
    fall_behind(p, r, t, now, out, due_now & ~(is_open & is_sound))
    out.totals[COLLECTED] = p.recover_fen[collected].sum()
    p.recover_on[collected] = NEVER_DAY
    p.status[collected] = NONE
    p.wait_until[collected] = now.month + 1
    out.by_lender[:, YEARLY] += yearly_subsidy(f, p, now.month_end, out.by_lender.shape[0])
    return int(out.by_lender[:, :YEARLY].sum()) - before + int(out.totals[COLLECTED])


def yearly_subsidy(f: Covering, p: People, day: int, n_lenders: int) -> I64:
    """A year's subsidised interest of open parts by lender [fen]."""
    s = f.terms.subsidy
    yearly = np.minimum(p.principal, s.ceiling) * rate_on_reference(s, p.rate_ppm, p.start, day) // PPM
    is_open = (p.status == OPEN) & (p.marks & UNSUBSIDISED == 0)
    return np.bincount(f.register.lender[is_open], weights=yearly[is_open], minlength=n_lenders).astype(np.int64)


def apply(f: Covering, p: People, now: Now, out: Out, status: I64, besides: bool, k: int) -> None:
    """Working firms without a loan ask for one, with the season's chance, on the quota of households that are free.

    As much as the limit for each household, the firm's ceiling and the township's plan allow, firms in order of id. Bad
    loans of firms count against the plan until they are collected, and what is repaid is free from the next month on.

    Parameters
    ----------
    status : (n,) int64
        Of the households' own loans: who has one has no quota left for the firm.
    besides : bool
        But the rules let a household borrow beside its firm.
    k : int
        Number of the month in the history.
    """
    if f.each_fen == 0:
        return
    u, day_u = uniforms(f.keys[1], now.replication, now.month, f.id)
    wants = np.flatnonzero((p.health[f.first] == WORKS) & (u < f.terms.apply[now.month % 12]))
    if wants.size == 0:
        return
    is_free = (p.status == NONE) & (p.wait_until <= now.month)
    all_owed = np.where(is_free, 0, p.principal).astype(float)
    owed = np.bincount(f.register.township, weights=all_owed, minlength=f.plan_fen.size).astype(np.int64)
    owes = (p.status >= OPEN) & (p.status <= OVERDUE)
    ends = np.append(f.first[1:], f.of.size)
    for i in wants.tolist():
        begin, end, place = int(f.first[i]), int(ends[i]), f.township[i]
        if owes[begin:end].any():
            continue
        quota = is_free[begin:end] & (besides | (status[f.household[begin:end]] == NONE))
        room = max(min(f.ceiling_fen, int(f.plan_fen[place] - owed[place])), 0) // f.each_fen
        rows = begin + np.flatnonzero(quota)[:room]
        owed[place] += rows.size * f.each_fen
        start = int(now.working[int(day_u[i] * now.working.size)])
        day, ahead = start - now.first_day, f.term_months
        out.start[rows], out.principal[rows] = start, f.each_fen
        out.due[rows] = min(now.month_starts[ahead] + day, now.month_starts[ahead + 1] - 1)
        out.rate_ppm[rows] = f.rates[k][min(day, f.rates[k].size - 1)]
        out.event[rows] |= APPLIES
