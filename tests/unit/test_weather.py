"""Drought by township and month: its statistics, what it takes from which crop in which month, replayed droughts.

Statistical bounds are 4.9 standard errors over 4,000 histories of two drought years.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from sim.livelihoods import Crop, Weather
from sim.scenario import SCENARIOS, Defaults
from sim.shocks.paths import draw_paths
from sim.shocks.replay import Replay, read_replay, refuse_outside
from sim.shocks.space import places_of
from sim.shocks.weather import Sky, draw_weather, loss

TOWNSHIPS = np.array([101, 202, 303, 404], dtype=np.int64)
KEYS = ["t01", "t02", "t03", "t04"]
NOVEMBER_2017 = (2017 - 1970) * 12 + 10
N = 4000
LONG_RUN = 0.14 / (0.14 + 0.55)
SPRING = 0.22  # parts of the shipped crops in crop income
AUTUMN = 0.78
YUNNAN = SCENARIOS / "weather" / "yunnan-2009-10.csv"
Refuses = Callable[..., Any]
LIVELIHOODS = sim.scenario("x-county-households").livelihoods
assert LIVELIHOODS is not None
WEATHER, CROPS = LIVELIHOODS.weather, LIVELIHOODS.crops


def weather(**more: Any) -> Weather:
    return Weather.model_validate(WEATHER.model_dump() | more)


def draw(w: Weather = WEATHER, first: int = NOVEMBER_2017, n: int = 24, r: int = 0, **more: Any) -> Sky:
    args = {"crops": CROPS, "opening_drought": "long_run", "township_ids": TOWNSHIPS, "seed": 11} | more
    return draw_weather(w, first_month=first, n_months=n, replication=r, **args)


def table(first: int, index: Any) -> Replay:
    """A table by township from one column of index, the same in every township."""
    return Replay(first, np.repeat(np.asarray(index, dtype=float)[:, None], TOWNSHIPS.size, axis=1), True)


def month(year: int, calendar_month: int) -> int:
    return (year - 1970) * 12 + calendar_month - 1


@pytest.fixture(scope="module")
def many() -> tuple[Any, Any]:
    """``is_dry`` (N, 2) and ``index`` (N, 2 drought years, 12 months from November, townships)."""
    skies = [draw(r=r) for r in range(N)]
    return np.array([s.is_dry for s in skies]), np.array([s.index.reshape(2, 12, -1) for s in skies])


# --- the years ---------------------------------------------------------------------------------------


def test_one_year_in_five_is_dry(many: Any) -> None:
    """The opening year and the one after it: 0.203 each. Notices 3.1 points."""
    share = many[0].mean(axis=0)
    assert np.abs(share - LONG_RUN).max() < 4.9 * np.sqrt(LONG_RUN * (1 - LONG_RUN) / N)


def test_dry_years_follow_each_other(many: Any) -> None:
    """0.45 after a dry year, 0.14 after a normal one. Notices 8.6 and 3.0 points."""
    before, after = many[0].T
    for state, p in ((1, 0.45), (0, 0.14)):
        share = after[before == state]
        assert abs(share.mean() - p) < 4.9 * np.sqrt(p * (1 - p) / share.size)


def test_both_ways_to_default_see_the_same_dry_years() -> None:
    """The reduced form's hit townships and the households' weather come from one chain."""
    drought = {"p_normal_to_dry": 0.14, "p_dry_to_dry": 0.45, "p_township_hit": 0.7, "year_starts_month": 11}
    defaults = Defaults.model_validate({"drought": {**drought, "effect": {"kind": "multiplier", "value": 2.5}}})
    for opening in ("long_run", "dry", "normal"):
        for r in range(100):
            paths = draw_paths(defaults, opening, TOWNSHIPS, NOVEMBER_2017 + 2, 80, r, 11)
            sky = draw(first=NOVEMBER_2017 + 2, n=80, r=r, opening_drought=opening)
            assert paths.is_dry.tobytes() == sky.is_dry.tobytes()


def test_a_dry_year_lowers_its_own_months_and_no_others() -> None:
    """A shift that no luck can hide: from November to October, month by month, at the season's height or not."""
    for r in range(60):
        sky = draw(weather(dry_shift=-400.0), month(2018, 1), 34, r)
        dry = np.repeat(sky.is_dry, [10, 12, 12])
        assert ((sky.index < -20) == (dry == 1)[:, None]).all()


def test_the_year_before_the_first_month_is_dry_in_the_long_run_share() -> None:
    """Spring crops sold in May 2018, in the first month of a year from May. Notices 7 points."""
    w = weather(dry_shift=-400.0, year_starts_month=5)
    for opening in ("dry", "normal"):
        lost = np.array([draw(w, month(2018, 5), 1, r, opening_drought=opening).crop_lost[0, 0] for r in range(800)])
        dry = lost > 0.59 * SPRING * 0.6
        assert abs(dry.mean() - LONG_RUN) < 4.9 * np.sqrt(LONG_RUN * (1 - LONG_RUN) / 800)


# --- the index ---------------------------------------------------------------------------------------


def test_a_normal_year_is_standard_normal(many: Any) -> None:
    """Each month and township over about 3,200 normal years. Notices 0.09 in a mean and 0.12 in a variance."""
    is_dry, index = many
    for year in range(2):
        x = index[is_dry[:, year] == 0, year]
        n = len(x)
        assert np.abs(x.mean(axis=0)).max() < 4.9 / np.sqrt(n)
        assert np.abs(x.var(axis=0) - 1).max() < 4.9 * np.sqrt(2 / n)
        for below, p in ((-1.0, 0.1587), (-1.5, 0.0668), (-2.0, 0.0228)):
            assert np.abs((x < below).mean(axis=0) - p).max() < 4.9 * np.sqrt(p * (1 - p) / n)


def test_two_townships_are_correlated_as_the_scenario_says(many: Any) -> None:
    """0.8, given the year. Notices 0.03 in normal and 0.06 in dry years."""
    is_dry, index = many
    rho = WEATHER.between_townships
    for state in (0, 1):
        x = index[is_dry[:, 0] == state, 0]
        for m in (0, 6, 11):
            r = np.corrcoef(x[:, m].T)[np.triu_indices(4, 1)]
            assert np.abs(r - rho).max() < 4.9 * (1 - rho**2) / np.sqrt(len(x))


@pytest.mark.parametrize("lag", [1, 3])
def test_drought_lasts_for_months(many: Any, lag: int) -> None:
    """Correlation 0.6 to the power of the months between. Notices 0.06 of a month's and 0.08 of three months'."""
    is_dry, index = many
    x = index[is_dry[:, 0] == 0, 0]
    rho = WEATHER.persistence_per_month**lag
    for m in (0, 5, 8):
        r = np.corrcoef(x[:, m, 0], x[:, m + lag, 0])[0, 1]
        assert abs(r - rho) < 4.9 * (1 - rho**2) / np.sqrt(len(x))


def test_dry_years_are_driest_from_december_to_march(many: Any) -> None:
    """And least dry in July and August; each month's mean is its share of the shift. Notices 0.13."""
    is_dry, index = many
    x = index[is_dry == 1]
    mean = np.roll(x.mean(axis=(0, 2)), -2)  # from January
    order = np.argsort(mean) + 1
    assert set(order[:4].tolist()) == {12, 1, 2, 3}
    assert set(order[-2:].tolist()) == {7, 8}
    assert np.abs(mean - WEATHER.dry_shift * np.array(WEATHER.season)).max() < 4.9 / np.sqrt(len(x))


LINE = np.array([[0.0, 0.0], [10.0, 0.0], [30.0, 0.0], [200.0, 50.0]])  # km


def test_neighbours_share_more_weather_than_distant_townships() -> None:
    """Correlation q + (1 - q) exp(-(d / reach)^2), variance one, persistence as without distance. Notices 0.15."""
    w = weather(between_townships=0.4, reach_km=20.0, dry_shift=0.0)
    places = places_of(LINE, 20.0)
    x = np.array([draw(w, n=8, r=r, places=places).index for r in range(800)])
    assert np.abs(x[:, 5].var(axis=0) - 1).max() < 4.9 * np.sqrt(2 / 800)
    away = np.linalg.norm(LINE[:, None] - LINE[None], axis=2)
    expected = 0.4 + 0.6 * np.exp(-((away / 20.0) ** 2))
    pair = np.triu_indices(4, 1)
    for m in (0, 5):
        r = np.corrcoef(x[:, m].T)[pair]
        assert np.abs(r - expected[pair]).max() < 4.9 * (1 - 0.4**2) / np.sqrt(800)
    assert abs(np.corrcoef(x[:, 5, 0], x[:, 6, 0])[0, 1] - 0.6) < 4.9 * 0.64 / np.sqrt(800)


def test_the_squares_of_two_places_overlap_by_the_formula() -> None:
    """Correlation of the averages themselves, no luck in it: exp(-(d / reach)^2) within a hundredth."""
    rng = np.random.default_rng(5)
    at = rng.random((12, 2)) * 60
    places = places_of(at, 20.0)
    dense = np.zeros((12, places.squares.size))
    for k in range(12):
        dense[k, places.of[k]] = places.weight[k]
    away = np.linalg.norm(at[:, None] - at[None], axis=2)
    assert np.unique(places.squares).size == places.squares.size
    assert np.abs(dense @ dense.T - np.exp(-((away / 20.0) ** 2))).max() < 0.01


def test_a_place_more_or_another_order_changes_no_places_weather() -> None:
    w = weather(reach_km=20.0)
    base = draw(w, r=3, places=places_of(LINE, 20.0)).index
    other = draw(w, r=3, places=places_of(LINE[[2, 0]], 20.0), township_ids=TOWNSHIPS[[2, 0]]).index
    assert np.ascontiguousarray(base[:, [2, 0]]).tobytes() == other.tobytes()


def test_a_reach_without_places_is_refused(refuses: Refuses) -> None:
    base = sim.scenario("x-county-households")
    refuses(lambda: base.with_changes({"livelihoods.weather.reach_km": 20.0}), "livelihoods.weather.reach_km", "at_km")


def test_full_persistence_and_full_correlation() -> None:
    sky = draw(weather(persistence_per_month=1.0, between_townships=1.0, dry_shift=0.0))
    assert (sky.index == sky.index[0, 0]).all()
    sky = draw(weather(persistence_per_month=0.0, between_townships=0.0, dry_shift=0.0))
    assert np.unique(sky.index).size == sky.index.size


# --- losses ------------------------------------------------------------------------------------------


def test_loss_is_linear_between_the_points_and_flat_beyond() -> None:
    at = np.array([5.0, 0.0, -0.7, -0.85, -1.0, -1.25, -1.5, -1.75, -2.0, -2.5, -3.0, -9.0])
    by_hand = [0, 0, 0, 0.05, 0.10, 0.175, 0.25, 0.35, 0.45, 0.525, 0.60, 0.60]
    assert loss(WEATHER, at) == pytest.approx(by_hand, abs=1e-12)


def test_crop_sold_is_the_sales_calendar_of_all_crops() -> None:
    by_hand = np.zeros(12)
    by_hand[[3, 4]] = 0.22 * 0.4, 0.22 * 0.6
    by_hand[[8, 9, 10]] = 0.78 * 0.3, 0.78 * 0.4, 0.78 * 0.3
    assert draw().crop_sold == pytest.approx(by_hand, abs=1e-12)
    assert draw().crop_sold.sum() == pytest.approx(1)


def test_only_months_in_which_a_crop_is_sold_lose_anything() -> None:
    """Nothing is missing from December to March and from June to August, however dry."""
    lost = np.array([draw(weather(dry_shift=-4.0), month(2018, 1), 24, r).crop_lost for r in range(200)])
    by_month = lost.reshape(200, 2, 12, -1).max(axis=(0, 1, 3))
    assert (by_month[[0, 1, 2, 5, 6, 7, 11]] == 0).all()
    assert (by_month[[3, 4, 8, 9, 10]] > 0).all()


@pytest.mark.parametrize(("share", "low", "high"), [(0.22, 0.05, 0.13), (0.14, 0.0699, 0.0701), (0.30, 0.05, 0.151)])
def test_a_halved_spring_crop_is_a_small_part_of_the_years_income(share: float, low: float, high: float) -> None:
    """The trap of scale: half of the harvest of spring is not half of a year's crop income."""
    spring, autumn = CROPS
    crops = [spring.model_copy(update={"income_share": share}), autumn.model_copy(update={"income_share": 1 - share})]
    halved = -2.0 - 0.05 / 0.15  # the index at which `loss_at` gives one half
    replay = table(month(2009, 5), [0.0] * 6 + [halved] * 6 + [0.0] * 6)
    lost = draw(weather(replay="x"), month(2009, 11), 12, crops=crops, replay=replay).crop_lost.sum(axis=0)
    assert lost == pytest.approx(np.full(4, share * 0.5))
    assert ((low < lost) & (lost < high)).all()


def test_no_crop_loses_more_than_its_own_part() -> None:
    for r in range(100):
        lost = draw(weather(dry_shift=-6.0), month(2018, 1), 12, r, opening_drought="dry").crop_lost
        assert (lost >= 0).all()
        assert lost[:7].sum(axis=0).max() <= SPRING * 0.60 + 1e-12
        assert lost[7:].sum(axis=0).max() <= AUTUMN * 0.60 + 1e-12


def test_a_drought_of_july_and_august_spares_the_crop_sold_before() -> None:
    """Autumn crop: mean of May to September -6/5, loss 0.16. Severity remembers four months and no more."""
    first = month(2016, 11)
    index = np.zeros(36)
    index[[8, 9]] = -3.0  # July and August 2017
    sky = draw(weather(replay="x"), month(2017, 1), 26, replay=table(first, index))
    by_hand = np.zeros(26)
    by_hand[[8, 9, 10]] = 0.16 * AUTUMN * np.array([0.3, 0.4, 0.3])
    assert sky.crop_lost == pytest.approx(np.repeat(by_hand[:, None], 4, axis=1), abs=1e-12)
    assert sky.severity[5:13, 0] == pytest.approx([0, 0.05 / 3, 0.25, 0.25, 0.25, 0.05 / 3, 0, 0], abs=1e-12)


@st.composite
def calendars(draw_: Any) -> Crop:
    start, length = draw_(st.integers(0, 11)), draw_(st.integers(1, 12))
    sold = draw_(st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True))
    return Crop.model_validate({
        "key": "c", "label": {"zh": "c", "en": "c"}, "income_share": draw_(st.sampled_from([0.1, 0.5, 1.0])),
        "grows": [(start + k) % 12 + 1 for k in range(length)], "sold": dict.fromkeys(sold, 1 / len(sold)),
    })  # fmt: skip


@settings(max_examples=60)
@given(st.lists(calendars(), min_size=1, max_size=3), st.integers(0, 11))
def test_every_sale_belongs_to_the_last_harvest_before_it(crops: list[Crop], start: int) -> None:
    """Any calendar of growth and sale, month by month, against a plain loop; the longest look-back is 22 months."""
    first, n, before = month(2018, 1) + start, 14, 24
    index = 3 * np.sin(np.arange(before + n) ** 2)
    sky = draw(weather(replay="x"), first, n, crops=crops, replay=table(first - before, index))
    for k in range(n):
        expected = 0.0
        for crop in crops:
            harvest = first + k
            while harvest % 12 + 1 != crop.grows[-1]:
                harvest -= 1
            grown = [index[harvest - g - first + before] for g in range(len(crop.grows))]
            part = crop.sold.get((first + k) % 12 + 1, 0.0)
            expected += crop.income_share * part * float(loss(WEATHER, np.mean(grown)))
        assert sky.crop_lost[k] == pytest.approx(np.full(4, expected), abs=1e-12)
        last_four = index[k + before - 3 : k + before + 1].mean()
        assert sky.severity[k, 0] == pytest.approx(float(loss(WEATHER, last_four)), abs=1e-12)


# --- what changes nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize("replayed", [False, True])
def test_other_townships_change_no_townships_weather(replayed: bool) -> None:
    """One township alone, all in another order, one more: the same bits. The county's table as well."""
    w = weather(replay="x", replay_years=8) if replayed else WEATHER
    more = {"replay": read_replay(YUNNAN, KEYS)} if replayed else {}
    base = draw(w, n=60, r=3, **more)
    for columns in ([0], [2, 0, 3, 1]):
        other = draw(w, n=60, r=3, township_ids=TOWNSHIPS[columns], **more)
        for name in ("index", "severity", "crop_lost"):
            assert getattr(other, name).tobytes() == np.ascontiguousarray(getattr(base, name)[:, columns]).tobytes()
    added = draw(w, n=60, r=3, township_ids=np.array([7, *TOWNSHIPS]), **more)
    for name in ("index", "severity", "crop_lost"):
        assert np.ascontiguousarray(getattr(added, name)[:, 1:]).tobytes() == getattr(base, name).tobytes()
    assert added.is_dry.tobytes() == base.is_dry.tobytes()


def test_a_longer_history_changes_no_month() -> None:
    short, long = draw(n=24, r=5), draw(n=80, r=5)
    for name in ("index", "severity", "crop_lost"):
        assert getattr(long, name)[:24].tobytes() == getattr(short, name).tobytes()


def test_crops_change_no_weather() -> None:
    one, two = draw(r=5, crops=CROPS[:1]), draw(r=5)
    assert one.index.tobytes() == two.index.tobytes()
    assert one.severity.tobytes() == two.severity.tobytes()


def test_weather_switched_off_costs_nothing_and_is_drawn_all_the_same() -> None:
    for r in range(20):
        on, off = draw(r=r, opening_drought="dry"), draw(weather(on=False), r=r, opening_drought="dry")
        for name in ("index", "is_dry", "crop_sold"):
            assert getattr(on, name).tobytes() == getattr(off, name).tobytes()
        assert on.severity.any() and on.crop_lost.any()
        assert not off.severity.any() and not off.crop_lost.any()
        assert [getattr(on, f.name).shape for f in fields(Sky)] == [getattr(off, f.name).shape for f in fields(Sky)]


# --- replay ------------------------------------------------------------------------------------------


def test_the_drought_of_2009_10_halves_the_spring_crop() -> None:
    """Mean over townships and 200 histories 0.45 to 0.53, as the harvest of 2010 was 49 per cent short.

    The autumn crop of 2010 is nearly whole again: the rains came in late May.
    """
    replay = read_replay(YUNNAN, KEYS)
    skies = [draw(weather(replay=str(YUNNAN)), month(2009, 7), 18, r, replay=replay) for r in range(200)]
    lost = np.array([s.crop_lost for s in skies]).mean(axis=(0, 2))
    assert 0.45 < lost[9] / (SPRING * 0.4) < 0.53
    assert 0.45 < lost[10] / (SPRING * 0.6) < 0.53
    assert lost[14:17].sum() / AUTUMN < 0.06
    severity = np.array([s.severity for s in skies]).mean(axis=(0, 2))
    assert severity[6:10].min() > 0.35  # January to April 2010
    assert severity[0] < 0.1 and severity[13:16].max() < 0.1  # July 2009; August to October 2010
    assert all(s.is_dry[1] == 1 for s in skies)


def test_the_countys_table_leaves_townships_their_own_part() -> None:
    """Standard deviation 0.447 around the table in each township; none where townships share everything."""
    replay = read_replay(YUNNAN, KEYS)
    own = weather(replay="x", between_townships=0.8)
    x = np.array([draw(own, month(2010, 2), 1, r, replay=replay).index[0] for r in range(600)])
    assert abs(x[:, 0].mean() + 2.7) < 4.9 * np.sqrt(0.2 / 600)
    assert abs(x[:, 0].var() - 0.2) < 4.9 * 0.2 * np.sqrt(2 / 600)
    assert abs(np.corrcoef(x[:, 0], x[:, 1])[0, 1]) < 4.9 / np.sqrt(600)
    flat = draw(weather(replay="x", between_townships=1.0), month(2010, 2), 1, replay=replay).index
    assert (flat == -2.7).all()


def test_outside_its_months_the_weather_is_drawn() -> None:
    """Bit by bit where the drawn year has the table's state; else by the state's share of the season."""
    replay = read_replay(YUNNAN, KEYS)
    w = weather(replay="x", replay_years=8)
    seen = set()
    for r in range(60):
        drawn, replayed = draw(first=month(2017, 1), n=48, r=r), draw(w, month(2017, 1), 48, r, replay=replay)
        months = month(2017, 1) + np.arange(48)
        inside = (months >= month(2017, 7)) & (months <= month(2018, 6))
        year = (months - 10) // 12 + 1
        state = [s.is_dry[year - year[0]] for s in (drawn, replayed)]
        same = ~inside & (state[0] == state[1])
        assert replayed.index[same].tobytes() == drawn.index[same].tobytes()
        gap = np.array(WEATHER.season)[months % 12] * WEATHER.dry_shift * (state[1].astype(float) - state[0])
        assert (replayed.index - drawn.index)[~inside] == pytest.approx(
            np.repeat(gap[~inside, None], 4, axis=1), abs=1e-9
        )
        assert (replayed.index[inside] != drawn.index[inside]).all()
        seen.add(bool((state[0] == state[1]).all()))
    assert seen == {True, False}


def test_years_after_the_table_follow_from_it() -> None:
    """After the dry year of the table 0.45, after a wet one 0.14; the opening state gives way. Notices 8 points."""
    wet = table(month(2018, 11), [0.5] * 3)
    dry = table(month(2018, 11), [-1.5] * 3)
    for replay, state, p in ((dry, 1, 0.45), (wet, 0, 0.14)):
        skies = [
            draw(weather(replay="x"), month(2018, 11), 24, r, replay=replay, opening_drought=opening)
            for r in range(500)
            for opening in ("dry", "normal")
        ]
        is_dry = np.array([s.is_dry for s in skies])
        assert (is_dry[:, 0] == state).all()
        assert (is_dry[::2] == is_dry[1::2]).all()
        assert abs(is_dry[::2, 1].mean() - p) < 4.9 * np.sqrt(p * (1 - p) / 500)


@pytest.mark.parametrize(
    ("index", "state"),
    [
        ([0.0, -4.0, 0.0, 0.0, 0.0, 0.0, -4.0, 0.0], 1),  # November and April count: mean -1.33
        ([-6.0, -0.9, -0.9, -0.9, -0.9, -0.9, -0.9, -6.0], 0),  # October and May do not
    ],
)
def test_november_to_april_decides_whether_the_tables_year_is_dry(index: list[float], state: int) -> None:
    replay = table(month(2017, 10), index)
    assert {int(draw(weather(replay="x"), r=r, replay=replay).is_dry[0]) for r in range(30)} == {state}


def test_a_dry_year_of_the_table_before_the_first_month_dries_the_crop_sold_in_it() -> None:
    """Winter 2016-17 in the table; the crop sold in November 2017 grew from May to September, outside of it."""
    w = weather(replay="x", dry_shift=-400.0)
    for index, part in ((-1.5, 0.60), (1.5, 0.0)):
        replay = table(month(2016, 12), [index] * 3)
        lost = np.array([draw(w, n=1, r=r, replay=replay).crop_lost[0] for r in range(40)])
        assert np.median(lost) == pytest.approx(AUTUMN * 0.3 * part)


def test_a_table_without_a_dry_season_month_leaves_the_year_as_drawn() -> None:
    replay = table(month(2018, 5), [-4.0] * 6)  # May to October
    for r in range(40):
        sky = draw(weather(replay="x"), r=r, replay=replay)
        assert sky.is_dry.tobytes() == draw(r=r).is_dry.tobytes()
        assert (sky.index[6:12] == -4.0).all()


def test_a_table_by_township_is_taken_as_it_is(tmp_path: Path) -> None:
    """In any order of rows; columns in the order of the scenario's townships; comments and blank lines skipped."""
    path = tmp_path / "table.csv"
    rows = [f"{k},2018-{m:02d},{-m / 10 - i}" for m in (3, 1, 2) for i, k in enumerate(KEYS)]
    path.write_text("# source\ntownship,month,index\n" + "\n\n".join(reversed(rows)) + "\n# end\n", encoding="utf-8")
    replay = read_replay(path, KEYS[::-1])
    assert replay.first_month == month(2018, 1)
    assert replay.is_by_township
    assert replay.index.tolist() == [[-m / 10 - i for i in (3, 2, 1, 0)] for m in (1, 2, 3)]
    sky = draw(weather(replay="x"), month(2018, 1), 4, replay=replay, township_ids=TOWNSHIPS[::-1])
    assert (sky.index[:3] == replay.index).all()


def test_a_table_that_is_named_must_be_read_first() -> None:
    with pytest.raises(ValueError, match="read_replay"):
        draw(weather(replay="x"))
    with pytest.raises(ValueError, match="read_replay"):
        draw(replay=table(month(2018, 1), [0.0]))


def test_the_shipped_table_is_the_countys_year_from_july_2009_to_june_2010() -> None:
    replay = read_replay(YUNNAN, KEYS)
    assert (replay.first_month, replay.index.shape, replay.is_by_township) == (month(2009, 7), (12, 1), False)
    worst = np.argsort(replay.index[:, 0])[:4]
    assert set(worst.tolist()) == {6, 7, 8, 9}  # January to April
    assert all(a > b for a, b in pairwise(replay.index[:8, 0]))
    assert "assumption" in YUNNAN.read_text(encoding="utf-8")


COUNTY = "month,index\n2009-07,-0.5\n2009-08,-0.6\n2009-09,-1.1\n"
BY_TOWNSHIP = "month,township,index\n" + "".join(f"2009-{m:02d},{k},-1\n" for m in (7, 8) for k in KEYS)


@pytest.mark.parametrize(
    ("text", "field", "allowed", "more"),
    [
        (COUNTY.replace("-0.6", "dry"), "row 3, index", "a number from -6 to 6", {"found": "dry"}),
        (COUNTY.replace("-0.6", ""), "row 3, index", "a number", {"found": ""}),
        (COUNTY.replace("-0.6", "nan"), "row 3, index", "a number", {"found": "nan"}),
        (COUNTY.replace("-0.6", "-29"), "row 3, index", "standard normal", {"found": "-29"}),
        (COUNTY.replace("2009-08", "2009-13"), "row 3, month", "such as 2009-07", {"found": "2009-13"}),
        (COUNTY.replace("2009-08", "2009-8"), "row 3, month", "such as 2009-07", {"found": "2009-8"}),
        (COUNTY.replace("2009-08", "Aug-09"), "row 3, month", "such as 2009-07", {"found": "Aug-09"}),
        (COUNTY.replace("2009-08", "2009-07"), "row 3, month", "each month once", {"found": "2009-07"}),
        (COUNTY.replace("2009-08,-0.6\n", ""), "month", "from 2009-07 to 2009-09", {"found": "no row for 2009-08"}),
        (COUNTY.replace("2009-08,-0.6", "2009-08"), "row 3", "2 values", {"found": "2009-08"}),
        ("# note\n\n" + COUNTY.replace("-0.6", "dry"), "row 5, index", "a number", {"found": "dry"}),
        ("", "rows", "at least one month", {"found": 0}),
        ("# only a note\n", "rows", "at least one month", {"found": 0}),
        ("month,index\n", "rows", "at least one month", {"found": 0}),
        (COUNTY.replace("month,index", "month,indx"), "heading", "each once", {"found": "indx", "nearest": "index"}),
        (COUNTY.replace("month,index", "month,month"), "heading", "each once", {"found": "month", "nearest": "month"}),
        ("month\n2009-07\n", "index", "only township may be left out", {"found": None}),
        ("month,township\n2009-07,t01\n", "index", "only township may be left out", {"found": None}),
        (BY_TOWNSHIP.replace("08,t03", "08,t3"), "row 8, township", "'t03'", {"found": "t3", "nearest": "t03"}),
        (BY_TOWNSHIP.replace("08,t03", "08,t02"), "row 8, month", "each month once, township t02", {}),
        (
            BY_TOWNSHIP.replace("2009-07,t03,-1\n", ""), "month", "for every township",
            {"found": "no row for 2009-07, township t03"},
        ),
    ],
)  # fmt: skip
def test_tables_that_are_refused(text: str, field: str, allowed: str, more: Any, tmp_path: Path, refuses: Any) -> None:
    path = tmp_path / "drought.csv"
    path.write_text(text, encoding="utf-8")
    refuses(lambda: read_replay(path, KEYS), field, allowed, where="drought.csv", **more)


def test_files_that_cannot_be_read(tmp_path: Path, refuses: Refuses) -> None:
    refuses(lambda: read_replay(tmp_path / "none.csv", KEYS), "file", "a CSV table", where="none.csv")
    path = tmp_path / "gbk.csv"
    path.write_bytes("month,index\n# 干旱\n2009-07,-1\n".encode("gbk"))
    refuses(lambda: read_replay(path, KEYS), "file", "a CSV table", where="gbk.csv")
    path.write_bytes("month,index\n2009-07,-1\n".encode("utf-8-sig"))
    assert read_replay(path, KEYS).index.tolist() == [[-1.0]]


def test_a_table_that_is_moved_out_of_the_run(refuses: Any) -> None:
    replay = read_replay(YUNNAN, KEYS)  # July 2009 to June 2010
    first, last = 48 * 12, 48 * 12 + 11  # 2018
    for years in (8, 9):
        refuse_outside("county", replay, years, first, last)
    for years in (0, 7, 10):
        refuses(lambda years=years: refuse_outside("county", replay, years, first, last), "livelihoods.weather.replay_years",
                "years that move 2009-07 to 2010-06 into 2018-01 to 2018-12: 8 to 9", found=years)  # fmt: skip
    short = Replay(replay.first_month, replay.index[:2], False)
    error = refuses(
        lambda: refuse_outside("county", short, 9, first, first + 3), "livelihoods.weather.replay_years", ""
    )
    assert error.allowed.endswith("into 2018-01 to 2018-04")


# --- the evidence of Yunnan's droughts, item by item ---------------------------------------------------

YEARS = 52  # 1961 to 2012
DRY_OF_RECORD = (1963, 1969, 1979, 1980, 1983, 1987, 1992, 2003, 2010, 2012)  # by the year in which each ended


@pytest.fixture(scope="module")
def records() -> list[Sky]:
    """As many years as the record, two hundred times, over twelve townships."""
    places = np.arange(101, 113)
    return [draw(first=month(1960, 11), n=12 * YEARS, r=r, township_ids=places) for r in range(200)]


def test_ten_extreme_droughts_in_52_years(records: list[Sky]) -> None:
    """Ten are what the model draws on average (10 to 11), and no rare case: between its 25th and 75th per cent points."""
    n = np.array([s.is_dry.sum() for s in records])
    assert len(DRY_OF_RECORD) == 10
    assert 9.5 < n.mean() < 11.6
    assert np.percentile(n, 25) <= 10 <= np.percentile(n, 75)


def test_droughts_are_clustered_as_in_2010_to_2013(records: list[Sky]) -> None:
    """Pairs of dry years in a row: twice as many as of independent years. Runs of four occur, in a share of records."""
    pairs = np.array([(s.is_dry[1:] & s.is_dry[:-1]).sum() for s in records])
    n = np.array([s.is_dry.sum() for s in records])
    assert pairs.mean() > 1.7 * (n * (n - 1) / YEARS).mean()
    four = np.array([(np.convolve(s.is_dry, np.ones(4), "valid") == 4).any() for s in records])
    assert 0.1 < four.mean() < 0.9


def test_most_drought_from_december_to_march_and_least_in_july_and_august(records: list[Sky]) -> None:
    """Months in which a township is severely dry (below -1.5), over all years."""
    share = np.mean([(s.index.reshape(YEARS, 12, -1) < -1.5).mean(axis=(0, 2)) for s in records], axis=0)
    order = [(k + 10) % 12 + 1 for k in np.argsort(share)]  # from November
    assert set(order[-4:]) == {12, 1, 2, 3}
    assert set(order[:2]) == {7, 8}


def test_a_long_and_severe_drought_comes_about_once_in_five_years(records: list[Sky]) -> None:
    """Six months and more whose deficits add up to six and more: once in 4.8 years in the record, 3.5 to 6 here.

    A spell is a run of months in which the county's index lies below -0.5.
    """
    found = sum(
        len(run) >= 6 and -run.sum() >= 6
        for county in (s.index.mean(axis=1) for s in records)
        for run in np.split(county, np.flatnonzero(np.diff(county < -0.5)) + 1)
        if run[0] < -0.5
    )
    assert 3.5 < YEARS * len(records) / found < 6


def test_the_county_is_dry_together(records: list[Sky]) -> None:
    """Correlation of two townships in the dry season, over all years: 0.7 to 0.9."""
    x = np.concatenate([s.index.reshape(YEARS, 12, -1)[:, 2:5].mean(axis=1) for s in records])
    r = np.corrcoef(x.T)[np.triu_indices(x.shape[1], 1)]
    assert 0.7 < r.mean() < 0.9


def test_moderate_severe_and_extreme_drought_cost_what_the_evidence_suggests() -> None:
    """Of the affected season's crop: 10 per cent (5 to 20), 25 (15 to 40), 45 (30 to 60), by class of the index."""
    for at, low, high in ((-1.0, 0.05, 0.20), (-1.5, 0.15, 0.40), (-2.0, 0.30, 0.60)):
        assert low <= float(loss(WEATHER, np.array([at]))[0]) <= high


def test_the_dry_season_holds_15_to_30_per_cent_of_the_crop_income() -> None:
    assert 0.15 <= sum(c.income_share for c in CROPS if c.grows[-1] in (3, 4, 5)) <= 0.30
