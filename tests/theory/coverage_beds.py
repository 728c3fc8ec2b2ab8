"""Test beds with known truth for the intervals of estimates: how often does a 95 per cent interval hold it?

Every bed draws its histories with NumPy's generator: the estimators are under test, not the model's streams. In all
beds a common factor Z comes first; strata cut Z, so that bad years can be drawn more often than they come.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, roots_hermitenorm
from scipy.stats import binom

import sim
from sim import estimate, parameters, planning, sampling, shapley
from sim.estimate import Estimate, Points, Strata
from sim.shapley import Attribution
from sim.systemic import Systemic
from sim.units import F64, Array

MACRO_RUNS = 1_000
SEED = 20_270_101
LOWEST, HIGHEST = 0.92, 0.985  # coverage of an interval that promises 0.95
TOO_SMALL = 0.07  # of conservative figures, which promise 0.05
RESAMPLES = 200
SHARES = np.array([0.5, 0.25, 0.17, 0.08])  # strata of the factor, from good years to bad ones
POOL = 1_500  # draws that shares are counted from, where they are not exact

Numbers = dict[str, float]
Intervals = dict[str, Estimate]


@dataclass(frozen=True)
class Bed:
    """A distribution of histories with its exact figures.

    ``truth`` names them; ``estimates`` gives an estimate for each name from one macro-run's generator and number.
    Where ``has_atoms``, a quantile is a whole number and its interval only a few of them wide: it holds the truth more
    often than it promises.
    """

    name: str
    n: int
    truth: Numbers
    estimates: Callable[[np.random.Generator, int], Intervals]
    has_atoms: bool = False


@dataclass(frozen=True)
class Coverage:
    """Of the macro-runs of one figure: in how many the interval held the truth, or the upper figure was too small."""

    bed: Bed
    figure: str
    held: float
    too_small: float | None
    runs: int


def coverage(bed: Bed, runs: int = MACRO_RUNS) -> list[Coverage]:
    """Repeat a bed's estimates on fresh histories."""
    held: dict[str, list[bool]] = {name: [] for name in bed.truth}
    small: dict[str, list[bool]] = {name: [] for name in bed.truth}
    for run in range(runs):
        found = bed.estimates(np.random.default_rng([SEED, run]), run)
        for name, true in bed.truth.items():
            e = found[name]
            assert e.ci95 is not None, f"{bed.name}: {name}: {e.reason}"
            # 1e-9: a figure that is exact on paper must not miss by its last digit
            slack = 1e-9 * max(1.0, abs(true))
            held[name].append(e.ci95[0] - slack <= true <= e.ci95[1] + slack)
            if e.conservative is not None:
                small[name].append(e.conservative < true - slack)
    return [
        Coverage(bed, name, float(np.mean(held[name])), float(np.mean(small[name])) if small[name] else None, runs)
        for name in bed.truth
    ]


def failing(rows: Iterable[Coverage]) -> list[str]:
    """Figures whose interval holds the truth too seldom or too often, or whose upper figure is too small too often."""
    out = []
    for r in rows:
        high = 1.0 if r.bed.has_atoms and "quantile" in r.figure else HIGHEST
        if not LOWEST <= r.held <= high:
            out.append(r.figure)
        if r.too_small is not None and r.too_small > TOO_SMALL:
            out.append(f"{r.figure}, conservative")
    return out


def table(rows: Iterable[Coverage]) -> str:
    """For people: figure, bed, coverage, how often the conservative figure was too small, n, macro-runs."""
    lines = [f"{'figure':<34}{'bed':<42}{'coverage':>9}{'too small':>11}{'n':>8}{'runs':>7}"]
    for r in rows:
        small = "" if r.too_small is None else f"{r.too_small:.3f}"
        lines.append(f"{r.figure:<34}{r.bed.name:<42}{r.held:>9.3f}{small:>11}{r.bed.n:>8,}{r.runs:>7,}")
    return "\n".join(lines)


# --- drawing -----------------------------------------------------------------------------------------


WEIGHTS = (0.62, 0.1, 0.1, 0.2, 0.1)  # of the five fields of the shipped county in the log of need; the first one rules
EVEN = (0.35, 0.35, 0.35, 0.35, 0.35)
SHARED = {"shared, one rules": WEIGHTS, "shared, five alike": EVEN}


def factor(rng: np.random.Generator, n: int, by: str, run: int) -> tuple[F64, Strata | None]:
    """Standard normal factor: ``plain``; with as many histories in every stratum (``strata``, ``pool``); or w t + 0.5 e.

    t are the parameters' normal scores, at the points and in the hypercubes of a run's own seed.
    """
    if by == "plain":
        return rng.standard_normal(n), None
    if by in SHARED:
        county, w = sim.scenario("x-county"), np.array(SHARED[by])
        z = parameters.positions(county, SEED + run, n) @ w + 0.5 * rng.standard_normal(n)
        strata = Strata.alike(parameters.shared(county, SEED + run, np.arange(n)))
        return z / math.sqrt(float(w @ w) + 0.25), strata
    of = np.arange(n) % SHARES.size
    edges = np.concatenate([[0.0], np.cumsum(SHARES)])
    z = ndtri(edges[of] + SHARES[of] * rng.random(n))
    if by == "strata":
        return z, Strata(of, SHARES)
    return z, Strata(of, rng.multinomial(POOL, SHARES) / POOL, POOL)


@cache
def uniforms(n: int, part: int) -> F64:
    """Uniforms of a bootstrap; ten sets are enough for a thousand independent samples."""
    return estimate.resampling(part, n, RESAMPLES)


# --- Exp(1) ------------------------------------------------------------------------------------------


def exponential(n: int, a: float, *, tail: bool, by: str = "plain") -> Bed:
    """VaR = -ln(1 - a), TVaR = VaR + 1."""
    truth = {"quantile": -math.log1p(-a), "mean": 1.0}
    if tail:
        truth |= {"tail mean": 1 - math.log1p(-a)}
        if by == "plain":
            truth |= {"tail mean by sections": 1 - math.log1p(-a)}

    def estimates(rng: np.random.Generator, run: int) -> Intervals:
        z, strata = factor(rng, n, by, run)
        return levels(-np.log(ndtr(-z)), a, strata, truth)

    return Bed(f"Exp(1), {100 * a:g} %, {by}", n, truth, estimates)


def levels(x: Array, a: float, strata: Strata | None, wanted: Iterable[str]) -> Intervals:
    """Estimates of one arm."""
    known: dict[str, Callable[[], Estimate]] = {
        "mean": lambda: estimate.mean(x, strata),
        "quantile": lambda: estimate.quantile(x, a, strata),
        "tail mean": lambda: estimate.tail_mean(x, a, strata),
        "tail mean by sections": lambda: estimate.tail_mean_by_sections(x, a),
    }
    return {name: known[name]() for name in wanted}


# --- defaults of 1,000 loans under one factor --------------------------------------------------------

LOANS, RHO = 1_000, 0.12


def probability(pd: float, z: F64) -> F64:
    """Probability of default given the factor; a high factor is a bad year."""
    return ndtr((ndtri(pd) + math.sqrt(RHO) * z) / math.sqrt(1 - RHO))


@cache
def defaults_pmf(pd: float) -> F64:
    """Exact distribution of the number of defaults (Gauss-Hermite over the factor)."""
    nodes, weights = roots_hermitenorm(150)
    pmf: F64 = (weights / weights.sum()) @ binom.pmf(np.arange(LOANS + 1), LOANS, probability(pd, nodes)[:, None])
    return pmf


def pmf_quantile(pmf: F64, a: float) -> int:
    """inf{k : F(k) >= a}."""
    return int(np.searchsorted(np.cumsum(pmf), a))


def pmf_tail_mean(pmf: F64, a: float) -> float:
    """Quantile plus mean excess over it, divided by 1 - a."""
    q = pmf_quantile(pmf, a)
    return q + float(pmf @ np.maximum(np.arange(pmf.size) - q, 0)) / (1 - a)


def one_factor(n: int, a: float, *, tail: bool, by: str = "plain") -> Bed:
    """1,000 loans, probability of default 2 per cent, rho .12: a distribution with atoms."""
    pmf = defaults_pmf(0.02)
    truth = {"quantile": float(pmf_quantile(pmf, a)), "mean": float(pmf @ np.arange(pmf.size))}
    if tail:
        truth |= {"tail mean": pmf_tail_mean(pmf, a)}
        if by == "plain":
            truth |= {"tail mean by sections": pmf_tail_mean(pmf, a)}

    def estimates(rng: np.random.Generator, run: int) -> Intervals:
        z, strata = factor(rng, n, by, run)
        return levels(rng.binomial(LOANS, probability(0.02, z)), a, strata, truth)

    return Bed(f"one factor, {100 * a:g} %, {by}", n, truth, estimates, has_atoms=True)


def paired_one_factor(n: int, a: float, by: str = "plain") -> Bed:
    """Probability of default 2 and 2.6 per cent on the same factor; who defaults in the first does in the second."""
    first, second = defaults_pmf(0.02), defaults_pmf(0.026)
    truth = {
        "paired difference of means": 0.006 * LOANS,
        "paired difference of quantiles": float(pmf_quantile(second, a) - pmf_quantile(first, a)),
    }

    def estimates(rng: np.random.Generator, run: int) -> Intervals:
        z, strata = factor(rng, n, by, run)
        p, more = probability(0.02, z), probability(0.026, z)
        x = rng.binomial(LOANS, p)
        y = x + rng.binomial(LOANS - x, (more - p) / (1 - p))
        return differences(x, y, a, run, strata)

    return Bed(f"one factor, 2 and 2.6 %, {100 * a:g} %, {by}", n, truth, estimates, has_atoms=True)


def differences(x: Array, y: Array, a: float, run: int, strata: Strata | None) -> Intervals:
    """Estimates of a pair of arms."""
    u = uniforms(x.size, run % 10)
    return {
        "paired difference of means": estimate.paired_mean_difference(x, y, strata),
        "paired difference of quantiles": estimate.paired_quantile_difference(x, y, a, u, strata),
    }


def paired_lognormal(n: int, a: float, by: str = "plain") -> Bed:
    """Arms without drivers and with the first one; see `location_and_scale`."""
    ends = (frozenset[str](), frozenset("a"))
    truth = {
        "paired difference of means": lognormal_mean(ends[1]) - lognormal_mean(ends[0]),
        "paired difference of quantiles": lognormal_quantile(a, ends[1]) - lognormal_quantile(a, ends[0]),
    }

    def estimates(rng: np.random.Generator, run: int) -> Intervals:
        z, strata = factor(rng, n, by, run)
        return differences(*(lognormal_need(rng, z, on) for on in ends), a, run, strata)

    return Bed(f"lognormal, two arms, {100 * a:g} %, {by}", n, truth, estimates)


# --- drivers of a lognormal need ---------------------------------------------------------------------

LINK = 0.97  # weight of the common factor in the log of an arm's need; the rest is the arm's own


def location_and_scale(on: frozenset[str]) -> tuple[float, float]:
    """Mean and standard deviation of the log of need with these drivers on: they add up, and make each other worse."""
    location = 0.2 * ("a" in on) + 0.1 * ("b" in on) + 0.15 * ({"a", "b"} <= on)
    return location, 0.5 + 0.15 * ("b" in on) + 0.1 * ({"a", "b"} <= on)


def lognormal_need(rng: np.random.Generator, z: F64, on: frozenset[str]) -> F64:
    """Need in one arm: the common factor, and luck of the arm's own."""
    m, s = location_and_scale(on)
    return np.exp(m + s * (LINK * z + math.sqrt(1 - LINK**2) * rng.standard_normal(z.size)))


def sets(drivers: str) -> list[frozenset[str]]:
    """All sets of one-letter drivers."""
    return [frozenset(on) for k in range(len(drivers) + 1) for on in combinations(drivers, k)]


def exact_split(value: Callable[[frozenset[str]], float], drivers: str) -> Numbers:
    """Shapley shares by switching drivers on in every order; written again from the definition."""
    orders = [drivers] if len(drivers) == 1 else [d + e for d in drivers for e in drivers if d != e]
    assert len(drivers) <= 2
    out = {f"share of {d}": 0.0 for d in drivers}
    for order in orders:
        for i, d in enumerate(order):
            out[f"share of {d}"] += (value(frozenset(order[: i + 1])) - value(frozenset(order[:i]))) / len(orders)
    none, full = value(frozenset()), value(frozenset(drivers))
    out["total"] = full - none
    out["interaction"] = full - none - sum(value(frozenset(d)) - none for d in drivers)
    return out


def lognormal_mean(on: frozenset[str]) -> float:
    """exp(m + s^2 / 2)."""
    m, s = location_and_scale(on)
    return math.exp(m + s * s / 2)


def lognormal_quantile(a: float, on: frozenset[str]) -> float:
    """exp(m + s z_a)."""
    m, s = location_and_scale(on)
    return math.exp(m + s * float(ndtri(a)))


def lognormal_tail_mean(a: float, on: frozenset[str], link: float = 1.0) -> float:
    """E[X | W >= z_a] for ln X = m + s V and V, W normal with correlation ``link``; the tail mean if they are one."""
    m, s = location_and_scale(on)
    return math.exp(m + s * s / 2) * float(ndtr(s * link - ndtri(a))) / (1 - a)


def drivers_bed(n: int, a: float, kind: str, by: str = "plain") -> Bed:
    """Two drivers of a lognormal need, four arms: shares of the mean, quantile, tail mean, or of bad years."""

    def bad_years(on: frozenset[str]) -> float:
        return lognormal_tail_mean(a, on, 1.0 if on == frozenset("ab") else LINK**2)

    value, attribution = {
        "mean": (lognormal_mean, lambda arms, u, strata: shapley.of_means(arms, strata)),
        "quantile": (partial(lognormal_quantile, a), lambda arms, u, strata: shapley.of_quantiles(arms, a, u, strata)),
        "tail mean": (
            partial(lognormal_tail_mean, a),
            lambda arms, u, strata: shapley.of_tail_means(arms, a, u, strata),
        ),
        "bad years": (bad_years, lambda arms, u, strata: shapley.of_bad_years(arms, a, u, strata)),
    }[kind]

    def estimates(rng: np.random.Generator, run: int) -> Intervals:
        z, strata = factor(rng, n, by, run)
        arms = {on: lognormal_need(rng, z, on) for on in sets("ab")}
        found: Attribution = attribution(arms, uniforms(n, run % 10), strata)
        return {
            f"{kind}: {name}": e
            for name, e in {
                **{f"share of {d}": e for d, e in found.shares.items()},
                "total": found.total,
                "interaction": found.interaction,
            }.items()
        }

    truth = {f"{kind}: {name}": x for name, x in exact_split(value, "ab").items()}
    return Bed(f"lognormal, two drivers, {100 * a:g} %, {by}", n, truth, estimates)


# --- histories that share uncertain parameters, and histories that a planner chooses -----------------------------


def shared_parameters(n: int, a: float, by: str, *, paired: bool = False, tail: bool = False) -> Bed:
    """Need exp(s z) of a factor that is mostly uncertain parameters; s as in the shipped county."""
    w = np.array(SHARED[by])
    sd = math.sqrt(float(w @ w) + 0.25)
    truth = {"quantile": math.exp(sd * float(ndtri(a))), "mean": math.exp(sd * sd / 2)}
    if tail:
        truth["tail mean"] = math.exp(sd * sd / 2) * float(ndtr(sd - ndtri(a))) / (1 - a)
    if paired:
        truth["paired difference of quantiles"] = math.exp(1.1 * sd * float(ndtri(a))) - truth["quantile"]
        truth["paired difference of means"] = math.exp((1.1 * sd) ** 2 / 2) - truth["mean"]

    def estimates(rng: np.random.Generator, run: int) -> Intervals:
        z, strata = factor(rng, n, by, run)
        x, y = np.exp(sd * z), np.exp(1.1 * sd * z)
        out = levels(x, a, strata, [name for name in truth if not name.startswith("paired")])
        return out | (differences(x, y, a, run, strata) if paired else {})

    return Bed(f"need, {100 * a:g} %, {by}", n, truth, estimates)


LOOKED_AT = 20_000  # histories of a planner's pool; half of a run's


def planned(n: int, a: float, kind: str, by: str = "plain") -> Bed:
    """Need exp(0.6 z + 0.4 e) of histories that the product's planner takes from a pool, its pilot and its score included.

    z is the common luck that a planner sees. Where parameters are shared it is half of it; the rest is parameters, which the
    score sees and cells do not.
    """
    sd = math.hypot(0.6, 0.4)
    truth = {"quantile": math.exp(sd * float(ndtri(a))), "mean": math.exp(sd * sd / 2)}
    county = sim.scenario("x-county")

    def estimates(rng: np.random.Generator, run: int) -> Intervals:
        z = rng.standard_normal(LOOKED_AT)
        location, at, points = 0.6 * z, np.zeros((LOOKED_AT, 0)), None
        if by in SHARED:
            w = np.array(SHARED[by]) / math.hypot(*SHARED[by])
            at = parameters.positions(county, SEED + run, LOOKED_AT)
            points = parameters.shared(county, SEED + run, np.arange(LOOKED_AT))
            location = 0.6 * math.sqrt(0.5) * (z + at @ w)
        need = np.exp(location + 0.4 * rng.standard_normal(LOOKED_AT))
        pool = pd.DataFrame(0.0, index=range(LOOKED_AT), columns=list(Systemic._fields))
        pool = pool.assign(severity=np.maximum(z - 0.8, 0.0), lateness=rng.random(LOOKED_AT), price=z)
        if kind == "score":
            fitted = pd.Series(need[: sampling.SCORED], index=range(sampling.SCORED))
            score = planning.learn(pool, fitted, at).after(sampling.SCORED)
            stratum = sampling.by_score(score.mean)
            plan = sampling.plan(stratum, score.quotas(stratum, a), replications=np.arange(sampling.SCORED, LOOKED_AT))
        else:
            first = sampling.plan(sampling.by_cells(pool))
            tried = first.replication[: sampling.PILOT * first.share.size]
            plan = planning.aimed(first, pd.Series(need[tried], index=tried), a)
        rows = plan.replication[:n]
        its = None if points is None else Points(points.of[plan.replication], points.at)
        return levels(need[rows], a, plan.strata(rows, its), truth)

    return Bed(f"planned by {kind}, {100 * a:g} %, {by}", n, truth, estimates)
