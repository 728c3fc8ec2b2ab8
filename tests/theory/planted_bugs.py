"""The faults that the checks must notice, each tried on the check that names it; see `planting`."""

from __future__ import annotations

import dataclasses
import math
import zlib
from typing import Any

import exact_checks
import laboratory
import numpy as np
import referee
from acceptance import CHECKS
from laboratory import STRICT_YUAN
from planting import Bug, both, on_defaults, on_form, on_paths, on_portfolio, on_setup, wrap
from scipy.special import ndtr, ndtri
from scipy.stats import beta

import sim.estimate.order
import sim.fiscal.office
import sim.fund.claims
import sim.fund.need
import sim.shocks.paths
import sim.streams
import sim.tables
from sim import estimate
from sim.units import PPM

# --- faults ------------------------------------------------------------------------------------------


def _leak(paths: Any, replication: int) -> dict[str, Any]:
    """A county factor of variance .01 where there is none."""
    return {"factor": paths.factor + 0.1 * np.random.default_rng(replication).standard_normal()}


def _hits_without_drought(paths: Any, replication: int) -> dict[str, Any]:
    hit = np.random.default_rng(replication).random(paths.is_hit.shape[1]) < 0.15 * 0.6
    return {"is_hit": np.tile(hit.astype(np.uint8), (paths.is_hit.shape[0], 1))}


def _one_uniform_for_two(original: Any) -> Any:
    def stream_key(seed: int, purpose: str) -> Any:
        return original(seed, "drought.year" if purpose == "subsidy.late_year" else purpose)

    return stream_key


def _keys_with_policy(form: Any) -> dict[str, Any]:
    return {"keys": form.keys ^ np.uint64(int(1e6 * form.threshold[0, 0, 0, 0] ** 2))}


def _keys_with_name(setup: Any) -> dict[str, Any]:
    keys = setup.form.keys ^ np.uint64(zlib.crc32(setup.scenario.name.encode()))
    return {"form": dataclasses.replace(setup.form, keys=keys)}


def _times(factor: float) -> Any:
    """Default probabilities that much too high."""
    return on_form(lambda form: {"threshold": ndtri(np.minimum(factor * ndtr(form.threshold), 1 - 1e-12))})


def _beta_binomial(paths: Any, replication: int) -> dict[str, Any]:
    """The mean and default correlation of the Gaussian factor of O2, in another distribution."""
    p = beta.rvs(1.06996864, 52.42846333, random_state=np.random.default_rng(replication))
    return {"factor": np.full_like(paths.factor, ndtri(0.02) - math.sqrt(0.88) * ndtri(p))}


def _late_half_of_the_years(paths: Any, replication: int) -> dict[str, Any]:
    lag = np.random.default_rng(replication).geometric(0.35) if replication % 3 == 0 else 0
    return {"lag": np.maximum(paths.lag, lag)}


def _top_up_after_claims(original: Any) -> Any:
    def first_short_day(opening: Any, top_ups: Any, payments: Any) -> Any:
        return original(opening, np.concatenate([[0], top_ups[:-1]]), payments)

    return first_short_day


def _short_when_empty(original: Any) -> Any:
    def first_short_day(opening: Any, top_ups: Any, payments: Any) -> Any:
        return original(opening - 1, top_ups, payments)

    return first_short_day


def _first_month_forgotten(original: Any) -> Any:
    def first_short_day(opening: Any, top_ups: Any, payments: Any) -> Any:
        return original(opening, top_ups, np.concatenate([[0], payments[1:]]))

    return first_short_day


def _backlog_lost(original: Any) -> Any:
    def advance(self: Any, day: float) -> Any:
        done = original(self, day)
        for queue in self._queues:
            queue.clear()
        return done

    return advance


def _newest_first(original: Any) -> Any:
    def take_arrivals(self: Any) -> None:
        before = [len(queue) for queue in self._queues]
        original(self)
        for queue, n in zip(self._queues, before, strict=True):
            if n > 1 and len(queue) > n:  # the file in hand stays in hand
                queue.insert(1, queue.pop())

    return take_arrivals


def _seen_next_morning(original: Any) -> Any:
    def submit(self: Any, day: float, kind: int, minutes: float, item: Any) -> None:
        original(self, math.ceil(day), kind, minutes, item)

    return submit


def _mean_time_for_all(original: Any) -> Any:
    def submit(self: Any, day: float, kind: int, minutes: float, item: Any) -> None:
        original(self, day, kind, 0.5, item)

    return submit


def _one_at_a_time(original: Any) -> Any:
    def shapley(value: Any, driver: int) -> Any:
        return value[tuple(int(i == driver) for i in range(3))] - value[0, 0, 0]

    return shapley


_RUNNING = np.random.default_rng(1)  # a generator that remembers how often it was called
_NO_FACTOR = both(on_paths(lambda paths, _: {"factor": 0 * paths.factor}), on_form(lambda form: {"own_weight": 1.0}))
_CAP_FIRST = on_setup(lambda setup: {"account_fen": setup.account_fen * 7 // 10})
_ONE_BY_ONE = on_portfolio(lambda loans: {"household": loans.id})
_CEILING = on_portfolio(lambda loans: {"balance": np.minimum(loans.balance, 5_000_000)})
_RANK_TOO_LOW = both(
    wrap(estimate, "quantile_rank", lambda original: lambda n, a: max(original(n, a) - 1, 1)),
    wrap(sim.estimate.order, "quantile_rank", lambda original: lambda n, a: max(original(n, a) - 1, 1)),
)

IN_EXACT = [
    Bug("a schedule of keys with another constant", "D1", ("known answers",),
        wrap(sim.streams, "_W0", lambda original: original + np.uint64(1))),
    Bug("one key for all purposes", "D1", ("address", "keys"),
        wrap(sim.streams, "stream_key", lambda original: lambda seed, purpose: original(seed, ""))),
    Bug("addresses without the month", "D1", ("address", "draws"),
        wrap(sim.streams, "uniforms", lambda original: lambda key, rep, months, ids: original(key, rep, 0, ids))),
    Bug("ids by position", "D1", ("order of loans",),
        wrap(sim.tables, "ids", lambda original: lambda where, frame, column: np.arange(len(frame)))),
    Bug("draws in the order of calls", "D1", ("workers and batches",),
        on_paths(lambda paths, _: {"factor": paths.factor + _RUNNING.standard_normal()})),
    Bug("a rank too low", "D2", ("quantile and tail mean", "smallest fund"), _RANK_TOO_LOW),
    Bug("mean of what lies beyond the quantile for the tail mean", "D2", ("quantile and tail mean",),
        wrap(estimate, "tail_value", lambda _: lambda x, a: x[x >= np.sort(x)[math.ceil(a * x.size) - 1]].mean())),
    Bug("s - 1 for s in the binomial ranks", "D2", ("ranks", "fewest histories"),
        wrap(sim.estimate.order, "_binomial_quantile", lambda original: lambda n, p, q: original(n, p, q) - 1)),
    Bug("cap before share", "D2", ("share before cap",), _CAP_FIRST),
    Bug("shares cut down to the fen", "D2", ("share to the fen",),
        wrap(exact_checks, "share_of", lambda _: lambda fen, ppm: fen * ppm // PPM)),
    Bug("short when empty", "D2", ("emptied is not short", "need is just enough"),
        wrap(sim.fund.need, "first_short_day", _short_when_empty)),
    Bug("need as the sum of payments", "D2", ("need is just enough",),
        wrap(sim.fund.need, "need", lambda _: lambda payments, receipts: payments.sum(axis=0))),
    Bug("every file takes the mean time", "D2", ("batch at the desk", "backlog runs off"),
        wrap(sim.fiscal.office.Desk, "submit", _mean_time_for_all)),
    Bug("backlog lost at the month's end", "D2", ("backlog runs off",),
        wrap(sim.fiscal.office.Desk, "advance", _backlog_lost)),
    Bug("a file ready on the day of the meeting waits", "D2", ("months of payment",),
        wrap(sim.fund.claims, "payment_due", lambda original: lambda r, c, ends, *rest: original(r, c, ends + 1, *rest))),
]  # fmt: skip

IN_STUDIES = [
    Bug("a factor where there is none", "O1", ("bins",), on_paths(_leak)),
    Bug("probabilities a tenth too high", "O1", ("bins", "mean"), _times(1.1)),
    Bug("loans independent", "O2", ("bins", "P(D>93)", "excess over 93"), _NO_FACTOR, n=5_000),
    Bug("probabilities a quarter too high", "O2", ("bins", "mean"), _times(1.25), n=2_000),
    Bug(
        "variance share .10 for .12", "O2", ("bins",),
        both(on_defaults(county_variance=0.10), on_form(lambda form: {"own_weight": np.sqrt(0.9)})), n=5_000,
    ),
    Bug("beta-binomial with the same two moments", "O2", ("bins",), on_paths(_beta_binomial), n=5_000),
    Bug(
        "the factor's weight is its variance", "O2-200", ("bins", "P(D=0)"),
        both(on_paths(lambda paths, _: {"factor": np.sqrt(0.12) * paths.factor}),
             on_form(lambda form: {"own_weight": np.sqrt(1 - 0.12**2)})),
    ),
    Bug(
        "one township factor for both townships", "O5", ("bins", "P(DA>30, DB>20)", "P(D>107)"),
        on_paths(lambda paths, _: {"factor": np.repeat(paths.factor[:, :1], paths.factor.shape[1], axis=1)}), n=2_000,
    ),
    Bug(
        "one hit for all townships", "O6", ("bins", "P(D>82)", "second moment"),
        on_paths(lambda paths, _: {"is_hit": np.repeat(paths.is_hit[:, :1], paths.is_hit.shape[1], axis=1)}),
    ),
    Bug("hits without a county drought", "O6", ("bins", "second moment"), on_paths(_hits_without_drought)),
    Bug("cap before share", "O7", ("paid 1000000", "P(short) 1000000", "P(short) 2000000", "P(short) 3000000"), _CAP_FIRST,
        n=500),
    Bug("probabilities a quarter too high", "O7",
        ("paid 1000000", "paid 2000000", "paid 3000000", "P(short) 1000000", "P(short) 2030000"), _times(1.25), n=2_000),
    Bug("loans independent", "O7", ("P(short) 3000000", "P(need>3255000)"), _NO_FACTOR, n=2_000),
    Bug(
        "a fund emptied to the fen is short", "O7", (f"not strict {STRICT_YUAN}",),
        on_setup(lambda setup: {"account_fen": setup.account_fen - 1}),
    ),
    Bug("loans cut to the usual ceiling", "O8-independent", ("mean",), _CEILING),
    Bug("probabilities a quarter too high", "O8-independent", ("mean", "P(L>211)"), _times(1.25)),
    Bug("loans independent", "O8", ("P(L>259)", "P(L>545)"), _NO_FACTOR, n=2_000),
    Bug("loans cut to the usual ceiling", "O8", ("mean",), _CEILING),
    Bug("stacked loans fail one by one", "O9", ("bins", "second moment"), _ONE_BY_ONE),
    Bug(
        "a lag as long as the buffer ruins", "O10", ("P(D>30)", "P(D>150)", "mean"),
        on_form(lambda form: {"buffer_cdf": form.buffer_cdf[1:]}), n=2_000,
    ),
    Bug("half of the years late", "O10", ("P(D=0)",), on_paths(_late_half_of_the_years)),
    Bug("a factor that never moves", "O11-1000", ("P(D=0)", "P(D=1)"), on_defaults(persistence_per_month=1.0), n=2_000),
    Bug("a new factor every month", "O11-100", ("P(D=0)", "P(D>=2)"), on_defaults(persistence_per_month=0.0)),
    Bug("a year's hazard taken for a month's", "O11-100", ("P(D=0)", "P(D=1)", "P(D>=2)"), _times(12.0)),
    Bug("addresses that hold the policy", "O16", ("violations", "bins"), on_form(_keys_with_policy), n=500),
    Bug(
        "drought and late subsidy share a uniform", "O17", ("bins", "P(need>1232)", "P(need>707)", "P(need>300)"),
        wrap(sim.shocks.paths, "stream_key", _one_uniform_for_two), n=500,
    ),
    Bug("addresses that hold the arm's name", "O17", ("violations",), on_setup(_keys_with_name), n=100),
    Bug(
        "probabilities a quarter too high", "O17",
        tuple(f"mean D{d}S{s}K{k}" for d in (0, 1) for s in (0, 1) for k in (0, 1)), _times(1.25), n=600,
    ),
    Bug("shares from one arm at a time", "O17",
        ("Shapley drought", "Shapley late", "Shapley stacking", "Shapley values that do not add up"),
        wrap(laboratory, "shapley", _one_at_a_time), in_reading=True),
    Bug("loans cut to the usual ceiling", "P-independent", ("mean",), _CEILING, n=100),
    Bug("a factor where there is none", "P-independent", ("P(L>42.8)", "P(L>46.78)", "excess over 42.8"),
        on_paths(lambda paths, r: {"factor": paths.factor - np.random.default_rng(r).exponential(1.0)}), n=500),
    Bug("probabilities twice as high", "P-independent", ("mean", "P(L>32.955)"), _times(2.0), n=500),
    Bug("rates that do not feel the factor", "P-gamma", ("P(L>37.31)", "P(L>50.56)", "excess over 50.56"),
        on_paths(lambda paths, _: {"is_hit": 0 * paths.is_hit}), n=5_000),
    Bug("probabilities twice as high", "P-gamma", ("mean", "P(L>37.31)", "P(L>55.675)"), _times(2.0)),
    Bug("loans independent", "P-gauss", ("P(L>38.361)", "P(L>53.049)", "excess over 53.049"), _NO_FACTOR, n=5_000),
    Bug("probabilities twice as high", "P-gauss", ("mean", "P(L>38.361)", "P(L>58.731)"), _times(2.0)),
    Bug("cap before share", "R-layer", ("paid 1400000", "P(short) 1400000", "paid 1750000", "P(short) 1750000"), _CAP_FIRST,
        n=500),
    Bug("stacked loans fail one by one", "R-layer", ("P(short) 2100000",), _ONE_BY_ONE, n=2_000),
    Bug("probabilities a quarter too high", "R-layer", ("paid 2100000", "P(short) 2100000"), _times(1.25)),
]  # fmt: skip

_RUINS = tuple(check.name for check in CHECKS["O12"] if "gambler" not in check.name)
IN_COMPONENTS = [
    Bug("top-up after claims", "O12", ("add 168 P(ruin<=36)",),
        wrap(sim.fund.need, "first_short_day", _top_up_after_claims), n=5_000),
    Bug("short when empty", "O12", ("edge 203 P(ruin<=12)", "gambler P(ruin<=36)"),
        wrap(sim.fund.need, "first_short_day", _short_when_empty), n=5_000),
    Bug("the first month forgotten", "O12", _RUINS,
        wrap(sim.fund.need, "first_short_day", _first_month_forgotten), n=5_000),
    Bug("every file takes the mean time", "O13", ("M/M/1 mean wait", "M/M/1 P(wait>2)"),
        wrap(sim.fiscal.office.Desk, "submit", _mean_time_for_all), n=400),
    Bug("the newest file first", "O13", ("M/D/1 P(wait>2)", "M/M/1 P(wait>2)"),
        wrap(sim.fiscal.office.Desk, "_take_arrivals", _newest_first), n=400),
    Bug("files seen on the next morning", "O13", ("M/D/1 mean wait", "M/D/1 P(wait)", "M/M/1 P(wait)"),
        wrap(sim.fiscal.office.Desk, "submit", _seen_next_morning), n=400),
    Bug("backlog lost at the month's end", "O14", ("E[Q12]", "P(Q12>0)", "P(Q12>5)"),
        wrap(sim.fiscal.office.Desk, "advance", _backlog_lost), n=5_000),
    Bug("the fund bears 80 per cent", "R-claims", ("paid", "P(short)"),
        wrap(referee, "share_of", lambda original: lambda fen, ppm: original(fen, ppm + 100_000)), n=5_000),
]  # fmt: skip
