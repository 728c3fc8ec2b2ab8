"""Beds for parts of the simulator whose answers are known: the fund's balance, the clerks' desk, the chain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from referee import claims_samples

from sim.fiscal.office import CLAIM, Desk
from sim.fund import claims, need
from sim.law.chain import Chain, ClaimStep

UNITS = 7  # units that the fund loses on a bad loan
START = 200
MONTHS = 36
NEVER = MONTHS + 1


# --- O12: first passage of the fund's balance --------------------------------------------------------


def fund_samples(n: int, seed: int) -> dict[str, Any]:
    """Months in which funds of 200 units fall below zero under Poisson(2) bad loans a month (O12)."""
    rng = np.random.default_rng(seed)
    paid = UNITS * rng.poisson(2.0, (n, MONTHS))
    nothing, yearly = np.zeros(MONTHS, np.int64), np.zeros(MONTHS, np.int64)
    yearly[[12, 24]] = 168
    added = np.array([_ruin(START, yearly, path) for path in paid])
    restored = np.array([_ruin_restored(path) for path in paid])
    edge = np.array([_ruin(203, nothing, path) for path in paid])
    walk = 2 * (rng.random((n, MONTHS)) < 0.45)
    gambler = np.array([_ruin(5, np.ones(MONTHS, np.int64), path) for path in walk])
    out = {f"add 168 P(ruin<={t})": added <= t for t in (12, 24, 36)}
    out |= {f"restore 200 P(ruin<={t})": restored <= t for t in (12, 24, 36)}
    return out | {"edge 203 P(ruin<=12)": edge <= 12, "gambler P(ruin<=36)": gambler <= 36}


def _ruin(opening: int, top_ups: Any, payments: Any) -> int:
    """Month (from 1) of the first balance below zero; NEVER if there is none."""
    at = need.first_short_day(opening, top_ups, payments)
    return NEVER if at < 0 else at + 1


def _ruin_restored(payments: Any) -> int:
    """The same for a fund that starts every year with 200 units."""
    nothing = np.zeros(12, np.int64)
    for year in range(3):
        month = _ruin(START, nothing, payments[12 * year : 12 * year + 12])
        if month <= 12:
            return 12 * year + month
    return NEVER


# --- O13, O14, O15: the desk -------------------------------------------------------------------------


def desk(minutes_per_day: float = 1.0) -> Desk:
    """A desk that never rests."""
    return Desk(minutes_per_day, lambda day: day)


def waits(service: Any, arrival: Any) -> Any:
    """Days from arrival to the start of work, for files with their service times [days], in order."""
    clerks = desk()
    for i, day in enumerate(arrival):
        clerks.submit(day, CLAIM, service[i], i)
    finish = np.empty(arrival.size)
    for minute, i in clerks.advance(1e9):
        finish[i] = minute
    return finish - service - arrival


def queue_samples(n: int, seed: int, claims_each: int = 5_000, warm_up: int = 3_000) -> dict[str, Any]:
    """Mean wait, share that waits, and share that waits over two days, one value a run (O13).

    Arrivals are Poisson with 1.6 files a day; service takes half a day (M/D/1) or that on average (M/M/1). The runs
    are 400 for a check, whatever its number of histories, and a tenth of n below a thousand.
    """
    runs = 400 if n >= 1_000 else n // 10
    rng = np.random.default_rng(seed)
    size = warm_up + claims_each
    out: dict[str, Any] = {}
    for name in ("M/D/1", "M/M/1"):
        rows = []
        for _ in range(runs):
            arrival = np.cumsum(rng.exponential(1 / 1.6, size))
            service = np.full(size, 0.5) if name == "M/D/1" else rng.exponential(0.5, size)
            w = waits(service, arrival)[warm_up:]
            rows.append((w.mean(), (w > 1e-5).mean(), (w > 2).mean()))
        found = zip(("mean wait", "P(wait)", "P(wait>2)"), np.array(rows).T, strict=True)
        out |= {f"{name} {what}": x for what, x in found}
    return out


def slot_samples(n: int, seed: int) -> dict[str, Any]:
    """Files left after 12 months with Poisson(8) arrivals and room for 10 a month (O14)."""
    rng = np.random.default_rng(seed)
    left = np.array([backlog(rng.poisson(8.0, 12))[-1] for _ in range(n)])
    return {"E[Q12]": left, "P(Q12>0)": left > 0, "P(Q12>5)": left > 5}


def backlog(arrivals: Any, at_start: int = 0) -> list[int]:
    """Files waiting at each month's end, for a desk that does 10 a month."""
    clerks = desk(10.0)
    for k in range(at_start):
        clerks.submit(0, CLAIM, 1.0, k)
    out = []
    for month, count in enumerate(arrivals):
        for k in range(count):
            clerks.submit(month, CLAIM, 1.0, k)
        clerks.advance(month)
        out.append(clerks.n_waiting)
    return out


# --- O15: the chain of a claim, in months ------------------------------------------------------------


def payment_month(missed: int) -> int:
    """Month of payment: three months overdue, one to file, two to review, then the next quarter's end."""
    at_once = SimpleNamespace(
        claim=SimpleNamespace(steps=Chain((), ClaimStep("meeting", (), "leading_group", 0, False, "meeting"), ()))
    )
    calendar = SimpleNamespace(add_working_days=lambda days, n: days)
    quarters = np.arange(3, 40, 3)
    ready = np.array([missed + 3 + 1 + 2])
    _, due = claims.payment_due(at_once, calendar, ready, quarters, np.zeros(1, np.int64))  # type: ignore[arg-type]
    return int(due[0])


BEDS = {"O12": fund_samples, "O13": queue_samples, "O14": slot_samples, "R-claims": claims_samples}
