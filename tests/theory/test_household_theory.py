"""Simulated households against what is known of such counties: neighbours fail together, wages feel no drought, the
anchors, and one county through both mechanisms.

Correlations are those of two loans that fall due in the same year, by moments over histories: "same" for loans of one
township, "other" for loans of two, "within" for what is left of the first when the year is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from laboratory import Laboratory
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, owens_t

import sim
from sim import clock, estimate
from sim.arms import four_months_past
from sim.experiment import Arm, run_arms
from sim.fund.claims import cutoff_maturity
from sim.households.month_kernel import step
from sim.households.reduced_form import CAUSES
from sim.households.state import NONE, Now, Out, People
from sim.law.pack import load_calendar
from sim.opening import OpeningState
from sim.outcomes import year_span
from sim.replication import prepare
from sim.scenario import Scenario
from sim.shocks.paths import stationary_dry
from sim.store import RunFolder
from sim.warmup import N_STATES, opening_state, opening_states

pytestmark = pytest.mark.slow

SEED = 2027
COUNTY = "x-county-households"
CENTRAL = "livelihoods.behaviour.central"
FEN_PER_YUAN = 100


@dataclass(frozen=True)
class Sample:
    """Histories of one arm.

    Attributes
    ----------
    rows : one row a history
    due, bad : (n, townships), loans that fall due and that default in the sized year
    defaults : one row a defaulted loan
    """

    rows: pd.DataFrame
    due: Any
    bad: Any
    defaults: pd.DataFrame

    def __getitem__(self, column: str) -> Any:
        return self.rows[column].to_numpy(float)

    def share(self, top: str, bottom: str) -> float:
        """Ratio of two sums over histories."""
        return float(self[top].sum() / self[bottom].sum())


Openings = tuple[OpeningState, ...]
Histories = Callable[[str, dict[str, Scenario], Openings, int], dict[str, Sample]]


@pytest.fixture(scope="session")
def histories(laboratory: Laboratory) -> Histories:
    """Runs arms from given openings to the end of April after the sized year, on the laboratory's processes."""

    def run(study: str, scenarios: dict[str, Scenario], openings: Openings, n: int) -> dict[str, Sample]:
        folder = RunFolder.open(laboratory.folder / study, {"kind": "households"}, resume=True)
        names = tuple(f"opening-{k}" for k in range(len(openings)))
        arms = [Arm(name, s, names, four_months_past(s), False, True) for name, s in scenarios.items()]
        run_arms(arms, n, SEED, folder, dict(zip(names, openings, strict=True)), workers=2, executor=laboratory.pool)
        out = {}
        for name in scenarios:
            assert folder.failures(name, n) == []
            places = folder.read("townships", name, n)
            due, bad = (places.pivot_table(index="replication", columns="township", values=f"{c}_count").to_numpy()
                        for c in ("due", "defaulted"))  # fmt: skip
            out[name] = Sample(folder.read("histories", name, n), due, bad, folder.read("defaults", name, n))
        return out

    return run


@cache
def county_opening() -> OpeningState:
    """State of the county of households on the information date."""
    return opening_state(sim.scenario(COUNTY))


# --- neighbours --------------------------------------------------------------------------------------


def correlations(due: Any, bad: Any) -> Any:
    """Default share, and the correlations "same", "other" and "within" of two loans."""
    due, bad = due.astype(float), bad.astype(float)
    all_due, all_bad = due.sum(axis=1), bad.sum(axis=1)
    p = all_bad.sum() / all_due.sum()
    same = (bad * (bad - 1)).sum() / (due * (due - 1)).sum()
    other = (all_bad**2 - (bad**2).sum(axis=1)).sum() / (all_due**2 - (due**2).sum(axis=1)).sum()
    return np.array([p, (same - p * p) / (p - p * p), (other - p * p) / (p - p * p), (same - other) / (p - other)])


def resampled(*samples: Sample) -> list[Any]:
    """`correlations` of 400 resamples of histories, the same ones in each sample."""
    rng, n = np.random.default_rng(1), samples[0].due.shape[0]
    picks = [rng.integers(0, n, n) for _ in range(400)]
    return [np.array([correlations(s.due[rows], s.bad[rows]) for rows in picks]) for s in samples]


def interval(x: Any, error: float = 0.01) -> tuple[float, float]:
    """Bootstrap interval of a figure."""
    low, high = np.quantile(x, [error / 2, 1 - error / 2])
    return float(low), float(high)


@pytest.fixture(scope="session")
def regimes(histories: Histories) -> dict[str, Sample]:
    """800 histories each of the county in a normal, a dry and any year, from one opening."""
    base = sim.scenario(COUNTY)
    arms = {name: base.with_changes({"opening.drought": name}) for name in ("normal", "dry", "long_run")}
    return histories("regimes", arms, (county_opening(),), 800)


def test_neighbours_fail_together_and_more_so_in_drought(regimes: dict[str, Sample]) -> None:
    """Within-township correlation of a normal year between .025 and .05, its 99 per cent interval inside; the dry
    year's is higher, and so is the correlation of two loans of a township over all dry years (paired, 99 per cent)."""
    normal, dry = resampled(regimes["normal"], regimes["dry"])
    for name, sample in regimes.items():
        print(name, correlations(sample.due, sample.bad).round(4), resampled(sample)[0].std(axis=0).round(4))
    low, high = interval(normal[:, 3])
    assert 0.025 < low < high < 0.05
    assert interval(dry[:, 1] - normal[:, 1])[0] > 0
    assert interval(dry[:, 3] - normal[:, 3])[0] > 0


def test_without_prices_and_peers_neighbours_fail_alone(histories: Histories, regimes: dict[str, Sample]) -> None:
    """What remains in a normal year is some dry months: a tenth of the correlation, and the estimator sees it."""
    still = sim.scenario(COUNTY).with_changes(
        {"opening.drought": "normal", f"{CENTRAL}.price_sd": 0.0, "livelihoods.peers": "none"}
    )
    (sample,) = histories("still", {"still": still}, (county_opening(),), 300).values()
    print("still", correlations(sample.due, sample.bad).round(4), resampled(sample)[0].std(axis=0).round(4))
    assert interval(resampled(sample)[0][:, 3])[1] < 0.004
    assert correlations(sample.due, sample.bad)[0] < 0.5 * correlations(regimes["normal"].due, regimes["normal"].bad)[0]


# --- the trap ----------------------------------------------------------------------------------------


def month_in(scenario: Scenario, calendar_month: int, **sources: bool) -> Callable[[float, float], People]:
    """The households after one month of a given drought (severity, part of a crop lost), from the same morning.

    Nobody has a loan, and everybody has more than is ever spent and less than is thought too much, so that cash
    moves with income alone. ``sources`` named False earn nothing.
    """
    setup = prepare(scenario, SEED, opening_state(scenario), year_span(2018)[1])
    h = setup.households
    assert h is not None
    n, n_places = h.register.id.size, len(scenario.townships)
    nothing = {f"{s}_fen": np.zeros(n, np.int64) for s, earns in sources.items() if not earns}
    register = h.register._replace(savings_fen=np.full(n, 10**13), **nothing)
    k = calendar_month - 1
    short, long, working = h.days[k]

    def run(severity: float, lost: float) -> People:
        people = h.start.copy()
        people.cash[:] = 10**12
        month, first = setup.first_month + k, int(h.month_starts[k])
        sold = sum(c.income_share * c.sold.get(calendar_month, 0.0) for c in scenario.livelihoods.crops)  # type: ignore[union-attr]
        now = Now(
            3, month, int(setup.month_ends[k]), int(setup.month_ends[min(k + 1, 11)]), first, sold, np.full(n_places, lost * sold),
            np.full(n_places, severity), np.full(n_places, severity), np.ones(n_places), 0.0, np.zeros(2), np.ones(2, np.int64),
            np.zeros(h.n_circles, np.int64), np.zeros(h.n_circles, np.int64), h.circle, short, long, working, h.month_starts[k:],
            np.ones(n), np.ones(n), np.zeros(n),
        )  # fmt: skip
        step(people, register, h.terms, now, Out.empty(n, 2, h.n_circles))
        return people

    return run


@pytest.mark.parametrize("month", range(1, 13))
def test_drought_takes_crops_and_livestock_and_nothing_else(month: int) -> None:
    """Planted bug: a drought that lowers wages or transfers. Exact, household by household."""
    scenario = sim.scenario(COUNTY).with_changes({"opening.kind": "empty", "livelihoods.households": 500})
    whole = month_in(scenario, month)
    wet, dry = whole(0.0, 0.0), whole(0.8, 0.45)
    assert (wet.status == NONE).all()
    fell = wet.income_year - dry.income_year
    assert (wet.cash - dry.cash == fell).all()
    assert (fell >= 0).all() and fell.sum() > 0
    # wages and transfers alone: not a fen, not in any column
    steady = month_in(scenario, month, crop=False, livestock=False)
    a, b = steady(0.0, 0.0), steady(0.8, 0.45)
    assert a.income_year.sum() > 0
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    # crops and livestock, each alone, fall by what the whole falls by
    parts = []
    for source in ("crop", "livestock"):
        others = dict.fromkeys({"crop", "livestock", "wage", "transfer"} - {source}, False)
        alone = month_in(scenario, month, **others)
        parts.append((alone(0.0, 0.0).income_year, alone(0.8, 0.45).income_year))
    (crop, less_crop), (livestock, less_livestock) = parts
    assert (fell == crop - less_crop + livestock - less_livestock).all()
    setup = prepare(scenario, SEED, opening_state(scenario), year_span(2018)[1])
    assert setup.households is not None
    register = setup.households.register
    debtless = register.debt_product[:, 0] < 0  # other debts make income of their own
    discount = 1 - scenario.livelihoods.weather.distress_discount / 0.25 * 0.8  # type: ignore[union-attr]
    assert (np.abs(less_livestock - livestock * discount)[debtless] <= 1).all()
    assert (np.abs(less_crop - crop * (1 - register.rain_fed_ppm / 1e6 * 0.45))[debtless] <= 1).all()


# --- the anchors -------------------------------------------------------------------------------------

ANCHORS = {"low": 0.009, "central": 0.025, "high": 0.07}
TOLERANCE = 0.15  # of the anchor: sets of behaviour are chosen by hand, to two digits


def compensable(sample: Sample, clusters: int = 1) -> tuple[float, float]:
    """Compensable share of what fell due, and its standard error: of histories, or of openings in turn."""
    top, bottom = sample["compensable_fen"], sample["due_fen"]
    value = top.sum() / bottom.sum()
    rest = (top - value * bottom) / bottom.mean()
    means = rest if clusters == 1 else np.array([rest[k::clusters].mean() for k in range(clusters)])
    return float(value), float(means.std(ddof=1) / np.sqrt(means.size))


@pytest.mark.parametrize("anchor", ANCHORS)
def test_behaviour_lands_on_its_anchor_from_the_countys_own_opening(histories: Histories, anchor: str) -> None:
    """The sized year in the long-run mix of weather, 400 histories, from the opening that the anchor's own set made."""
    scenario = sim.scenario(COUNTY).with_changes({"defaults.anchor": anchor})
    (sample,) = histories(f"anchor-{anchor}", {anchor: scenario}, (opening_state(scenario),), 400).values()
    value, error = compensable(sample)
    print(
        anchor,
        round(value, 5),
        "+-",
        round(error, 5),
        "defaults by count",
        round(sample.share("defaulted_count", "due_count"), 4),
    )
    assert abs(value - ANCHORS[anchor]) < TOLERANCE * ANCHORS[anchor] + 2 * error


@pytest.mark.parametrize("anchor", ANCHORS)
def test_behaviour_lands_on_its_anchor_from_any_opening(histories: Histories, anchor: str) -> None:
    """The same over twenty openings as they might as well have been."""
    scenario = sim.scenario(COUNTY).with_changes({"defaults.anchor": anchor})
    states = tuple(opening_states(scenario).values())
    (sample,) = histories(f"anywhere-{anchor}", {anchor: scenario}, states, 200).values()
    value, error = compensable(sample, N_STATES)
    print(anchor, "from any opening", round(value, 5), "+-", round(error, 5))
    assert abs(value - ANCHORS[anchor]) < TOLERANCE * ANCHORS[anchor] + 2 * error


# --- one county, two mechanisms ----------------------------------------------------------------------


def both_below(t: float, r: float) -> float:
    """Chance that two standard normals of correlation r are both at most t (Owen's T)."""
    return float(ndtr(t) - 2 * owens_t(t, np.sqrt((1 - r) / (1 + r))))


def latent_variance(p: float, correlation: float, persistence: float, due_by_month: Any) -> float:
    """Variance share of a probit factor that gives two loans of one year this correlation of default.

    The loans fall due in months of their own; a factor that persists with ``persistence`` a month links them by
    that power of the distance.
    """
    apart = np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    weight, t = np.outer(due_by_month, due_by_month), float(ndtri(p))

    def excess(v: float) -> float:
        pairs = sum(weight[apart == d].sum() * both_below(t, v * persistence**d) for d in range(12))
        return pairs - p * p - correlation * p * (1 - p)

    return float(brentq(excess, 0.0, 0.95))


@dataclass(frozen=True)
class Measured:
    """What a reduced form must know of a county of households.

    Attributes
    ----------
    share : dict of regime -> default share of the sized year, by count
    early : dict of regime -> share of the principal that falls due by the cut-off, by principal
    same, other : correlation of two loans in a normal year
    causes : dict of regime -> shares
    due_by_month : (12,) share of the year's principal
    """

    share: dict[str, float]
    early: dict[str, float]
    same: float
    other: float
    causes: dict[str, Any]
    due_by_month: Any


def measure(samples: dict[str, Sample], opening: OpeningState, last_maturity: int) -> Measured:
    """From histories of normal, dry and any years; ``last_maturity`` still reaches payment in the sized year."""
    first, last = year_span(2018)
    loans = opening.loans
    of_year = (loans.due >= first) & (loans.due <= last)
    by_month = np.bincount(
        clock.month_of(loans.due[of_year]) % 12, weights=loans.balance[of_year].astype(float), minlength=12
    )
    due_early = int(loans.balance[of_year & (loans.due <= last_maturity)].sum())
    share, early, causes = {}, {}, {}
    for name, s in samples.items():
        share[name] = s.share("defaulted_count", "due_count")
        bad = s.defaults[s.defaults["missed"] <= last_maturity]
        early[name] = float(bad["balance_fen"].sum()) / due_early / len(s.rows)
        counts = np.array([s[f"defaulted_{c}_count"].sum() for c in CAUSES])
        causes[name] = counts / counts.sum()
    _, same, other, _ = correlations(samples["normal"].due, samples["normal"].bad)
    return Measured(share, early, same, other, causes, by_month / by_month.sum())


def reduced(m: Measured, *, early: bool) -> Scenario:
    """The reduced form of a county of households.

    1. Chain of dry years as the households have it; in a dry year every township is hit. The multiplier gives the
       ratio of a dry to a normal year, November and December counted with the chance that the next year is dry.
    2. Probability in a normal year by the default share: of the whole year by count, or (``early``) of what can
       still be paid by the fund in the sized year, by principal.
    3. Variances of the factors from the correlation of two loans in a normal year, same township and other ones,
       at the persistence of the households' prices.
    4. Causes by their shares in normal and dry years; stacking and late subsidy off.
    """
    live = sim.scenario(COUNTY).livelihoods
    assert live is not None
    weather, persistence = live.weather, live.behaviour["central"].price_persistence_per_month
    p = m.early if early else m.share
    later = 0.0 if early else float(m.due_by_month[weather.year_starts_month - 1 :].sum())

    def mean(multiplier: float, dry: float) -> float:
        """Mean of the year over its normal months' probability, when so likely dry from January on."""
        chance = weather.p_dry_to_dry if dry else weather.p_normal_to_dry
        return 1 + (multiplier - 1) * ((1 - later) * dry + later * chance)

    multiplier = brentq(lambda x: mean(x, 1.0) / mean(x, 0.0) - p["dry"] / p["normal"], 1.0, 20.0)
    county_variance = latent_variance(m.share["normal"], m.other, persistence, m.due_by_month)
    both = latent_variance(m.share["normal"], m.same, persistence, m.due_by_month)
    causes = dict(zip(CAUSES, m.causes["normal"].tolist(), strict=True))
    return sim.scenario("x-county").with_changes({
        "defaults.anchor": None,
        "defaults.p_default": p["normal"] / mean(multiplier, 0.0),
        "defaults.factor": {
            "county_variance": county_variance, "township_variance": both - county_variance,
            "persistence_per_month": persistence,
        },
        "defaults.drought": {
            "p_normal_to_dry": weather.p_normal_to_dry, "p_dry_to_dry": weather.p_dry_to_dry, "p_township_hit": 1.0,
            "effect": {"kind": "multiplier", "value": multiplier}, "year_starts_month": weather.year_starts_month,
        },
        "defaults.causes": {**causes, "disaster_if_hit": float(m.causes["dry"][CAUSES.index("disaster")])},
    })  # fmt: skip


@dataclass(frozen=True)
class Both:
    """One county's households and its two reduced forms, long-run mix."""

    households: Sample
    whole_year: Sample
    early: Sample


@pytest.fixture(scope="session")
def both(histories: Histories, regimes: dict[str, Sample]) -> Both:
    scenario = sim.scenario(COUNTY)
    cutoff = cutoff_maturity(scenario.law(), load_calendar(), year_span(2018)[1])
    m = measure(regimes, county_opening(), cutoff)
    arms = {"whole_year": reduced(m, early=False), "early": reduced(m, early=True)}
    print("cut-off", clock.date_of(cutoff), "measured", m)
    for name, arm in arms.items():
        d = arm.defaults
        print(name, d.p_default, d.factor, d.drought and d.drought.effect.value, d.causes)
    out = histories("reduced", arms, (replace(county_opening(), people=None),), 800)
    return Both(regimes["long_run"], out["whole_year"], out["early"])


def figures(s: Sample) -> dict[str, Any]:
    """Mean and 95 per cent quantile of the need with their intervals [10,000 yuan], and what was matched."""
    need = s["need_fen"] / FEN_PER_YUAN / 10_000
    mean, high = estimate.mean(need), estimate.quantile(need, 0.95)
    return {"mean": mean, "q95": high, "share": s.share("defaulted_count", "due_count"),
            "correlations": correlations(s.due, s.bad).round(4), "mean claim": s.share("defaulted_fen", "defaulted_count") / 100}  # fmt: skip


def overlap(a: estimate.Estimate, b: estimate.Estimate) -> bool:
    """Do two intervals meet?"""
    assert a.ci95 is not None and b.ci95 is not None
    return a.ci95[0] <= b.ci95[1] and b.ci95[0] <= a.ci95[1]


def test_both_mechanisms_meet_in_what_was_matched(both: Both) -> None:
    """Long-run mix, though variances were solved in the normal year alone: share within 5 per cent, correlations
    within their errors."""
    errors = {}
    for name in ("households", "whole_year", "early"):
        sample = getattr(both, name)
        errors[name] = resampled(sample)[0].std(axis=0)
        print(name, figures(sample))
    mine, theirs = (correlations(s.due, s.bad) for s in (both.households, both.whole_year))
    assert theirs[0] == pytest.approx(mine[0], rel=0.05)
    half = 3 * np.hypot(errors["households"], errors["whole_year"])
    assert (np.abs(theirs - mine)[1:] < half[1:]).all()


def test_both_mechanisms_need_the_same_when_matched_where_the_year_pays(both: Both) -> None:
    """Mean and 95 per cent quantile of the need within their intervals."""
    mine, theirs = figures(both.households), figures(both.early)
    assert overlap(mine["mean"], theirs["mean"])
    assert overlap(mine["q95"], theirs["q95"])


def test_matched_by_the_years_count_the_reduced_form_needs_more(both: Both) -> None:
    """Households fail later in the year, after wages and pigs of the New Year are spent; a reduced form spreads its
    defaults evenly over what falls due, so that more of them are paid within the year."""
    mine, theirs = both.households, both.whole_year
    ratio = theirs["need_fen"].mean() / mine["need_fen"].mean()
    print("need, reduced form over households", ratio)
    assert 1.0 < ratio < 1.15
    first, cutoff = year_span(2018)[0], year_span(2018)[0] + 151  # to the end of May
    early = []
    for s in (mine, theirs):
        d = s.defaults[(s.defaults["missed"] >= first) & (s.defaults["missed"] <= cutoff)]
        early.append(len(d) / len(s.defaults))
    print("share of defaults from January to May", early)
    assert early[0] < early[1]


# --- drivers -----------------------------------------------------------------------------------------

DRIVERS = {
    "drought": ("x-county-2010-drought", {"livelihoods.weather.on": False}),
    "late subsidy": ("x-county-late-subsidy-refund", {"fiscal.pays_on_time": True}),
    "stacking": ("x-county-stacked", {"livelihoods.stacking_on": False}),
}


@pytest.mark.parametrize("driver", DRIVERS)
def test_each_driver_alone_makes_defaults_and_need(histories: Histories, driver: str) -> None:
    """With the driver less without it, history by history from one opening: the 95 per cent interval excludes zero."""
    name, off = DRIVERS[driver]
    scenario = sim.scenario(name)
    arms = {"on": scenario, "off": scenario.with_changes(off)}
    s = histories(f"driver-{name}", arms, (opening_state(scenario),), 200)
    for column in ("defaulted_count", "need_fen"):
        d = estimate.paired_mean_difference(s["off"][column], s["on"][column])
        print(driver, column, s["on"][column].mean(), d)
        assert d.ci95 is not None and d.ci95[0] > 0


def test_long_run_is_the_mix_of_its_regimes(regimes: dict[str, Sample]) -> None:
    """The long-run figure is the dry and the normal one in the chain's proportion, within three standard errors."""
    live = sim.scenario(COUNTY).livelihoods
    assert live is not None
    w = stationary_dry(live.weather.p_normal_to_dry, live.weather.p_dry_to_dry)
    need = {name: estimate.mean(s["need_fen"]) for name, s in regimes.items()}
    mixed = w * need["dry"].value + (1 - w) * need["normal"].value  # type: ignore[operator]
    half = 3 / 1.96 * (need["long_run"].ci95[1] - need["long_run"].value)  # type: ignore[operator,index]
    assert abs(mixed - need["long_run"].value) < half  # type: ignore[operator]
