"""Trap 8: drought hits everyone at once, and a halved spring crop is a small part of a year.

Neither of two easy mistakes may pass: townships that suffer each for itself, and a household that loses half of its
year when the county loses half of its summer grain. Each check is also shown a county that has fallen into the trap.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import sim
from sim.livelihoods import Crop, Weather
from sim.scenario import SCENARIOS, Defaults
from sim.shocks.paths import draw_paths
from sim.shocks.replay import read_replay
from sim.shocks.weather import Sky, draw_weather

LIVELIHOODS = sim.scenario("x-county-households").livelihoods
assert LIVELIHOODS is not None
WEATHER, CROPS = LIVELIHOODS.weather, LIVELIHOODS.crops
TOWNSHIPS = np.arange(101, 113)
JULY_2009 = (2009 - 1970) * 12 + 6
YUNNAN = SCENARIOS / "weather" / "yunnan-2009-10.csv"
GRAIN = 0.14  # summer grain in a year's grain of Yunnan: 2.55 of 5.02 thousand million jin were lost, of 35 a year


def crops(spring: float) -> list[Crop]:
    one, two = CROPS
    return [one.model_copy(update={"income_share": spring}), two.model_copy(update={"income_share": 1 - spring})]


@lru_cache
def drought_of_2010(spring: float) -> np.ndarray:
    """Part of a year's crop income that each of twelve townships misses from July 2009 to June 2010, 100 histories."""
    weather = Weather.model_validate(WEATHER.model_dump() | {"replay": str(YUNNAN)})
    table = read_replay(YUNNAN, [])
    skies = [
        draw_weather(weather, crops(spring), "long_run", TOWNSHIPS, JULY_2009, 12, r, 11, table) for r in range(100)
    ]
    return np.array([s.crop_lost[9:11].sum(axis=0) for s in skies])


def is_small(lost: np.ndarray, spring: float) -> bool:
    """About half of the spring crop (45 to 53 per cent), about 7 per cent (6 to 8) of a year's grain, not half of it."""
    return bool(0.45 < lost.mean() / spring < 0.53 and 0.06 < lost.mean() / spring * GRAIN < 0.08 and lost.mean() < 0.2)


def test_a_halved_spring_crop_is_seven_per_cent_of_the_years_grain() -> None:
    assert is_small(drought_of_2010(GRAIN), GRAIN)
    assert 0.06 < drought_of_2010(GRAIN).mean() < 0.08


def test_the_shipped_spring_crop_is_halved_and_costs_a_tenth_of_the_crops() -> None:
    spring = CROPS[0].income_share
    assert is_small(drought_of_2010(spring), spring)


def test_a_county_whose_whole_year_is_the_spring_crop_has_fallen_in() -> None:
    """Summer grain down by half read as the year's income down by half."""
    assert not is_small(drought_of_2010(1.0), 1.0)


def test_of_all_income_it_is_a_few_per_cent_for_wages_and_transfers_are_not_exposed() -> None:
    """0.49 of 0.22 of crops, of which 0.65 rain-fed, of 0.30 of income: about 2 per cent of a year."""
    share = (
        drought_of_2010(CROPS[0].income_share).mean() * LIVELIHOODS.rain_fed_share * LIVELIHOODS.income_shares["crop"]
    )  # type: ignore[union-attr]
    assert 0.01 < share < 0.04


def test_it_is_missed_when_the_spring_crop_is_sold_and_in_no_other_season() -> None:
    weather = Weather.model_validate(WEATHER.model_dump() | {"replay": str(YUNNAN)})
    lost = draw_weather(
        weather, CROPS, "long_run", TOWNSHIPS, JULY_2009, 12, 3, 11, read_replay(YUNNAN, [])
    ).crop_lost.mean(axis=1)
    assert lost[[9, 10]].min() > 0.02  # April and May
    assert lost[[0, 1, 5, 6, 7, 8, 11]].max() == 0


# --- together ----------------------------------------------------------------------------------------


def skies(**more: Any) -> list[Sky]:
    weather = Weather.model_validate(WEATHER.model_dump() | more)
    return [draw_weather(weather, CROPS, "long_run", TOWNSHIPS, JULY_2009, 12, r, 11) for r in range(400)]


def togetherness(lost: np.ndarray) -> float:
    """Variance of the county's mean over what independent townships would have: one if each suffers for itself."""
    return float(lost.mean(axis=1).var() / (lost.var(axis=0).mean() / lost.shape[1]))


def test_townships_lose_their_crops_together() -> None:
    """With a correlation of 0.7 or more the county's mean varies at least eight times as much as of strangers."""
    lost = np.array([s.crop_lost.sum(axis=0) for s in skies()])
    assert togetherness(lost) > 8
    whole = (lost > 0.05).sum(axis=1)
    assert (whole >= 10).mean() > 0.05  # years in which at least ten of the twelve lose a twentieth or more


def test_they_lose_together_in_normal_years_as_well() -> None:
    lost = np.array([s.crop_lost.sum(axis=0) for s in skies(p_normal_to_dry=0.0, p_dry_to_dry=0.0)])
    assert togetherness(lost) > 4


def test_townships_that_suffer_each_for_itself_have_fallen_in() -> None:
    lost = np.array(
        [s.crop_lost.sum(axis=0) for s in skies(between_townships=0.0, p_normal_to_dry=0.0, p_dry_to_dry=0.0)]
    )
    assert 0.6 < togetherness(lost) < 1.5


def hits(p_township_hit: float, p_dry: float | None = None) -> np.ndarray:
    drought = sim.scenario("x-county").defaults.drought
    assert drought is not None
    more = {"p_township_hit": p_township_hit} | ({"p_normal_to_dry": p_dry, "p_dry_to_dry": p_dry} if p_dry else {})
    defaults = Defaults.model_validate({"drought": drought.model_dump() | more})
    return np.array([draw_paths(defaults, "long_run", TOWNSHIPS, JULY_2009, 1, r, 11).is_hit[0] for r in range(600)])


def test_the_reduced_form_hits_townships_together_too() -> None:
    drought = sim.scenario("x-county").defaults.drought
    assert drought is not None
    assert togetherness(hits(drought.p_township_hit).astype(float)) > 5


def test_a_reduced_form_without_dry_years_has_fallen_in() -> None:
    """The same chance of a hit, 0.14, given to each township alone."""
    assert 0.7 < togetherness(hits(0.142, 1.0).astype(float)) < 1.4


@pytest.mark.parametrize("scenario", ["x-county-2010-drought", "x-county-all-three", "x-county-households"])
def test_no_shipped_scenario_halves_a_year(scenario: str) -> None:
    """Over all its crops the worst that drought can take of a spring is a part of the year that spring has."""
    live = sim.scenario(scenario).livelihoods
    assert live is not None
    dry_season = sum(c.income_share for c in live.crops if c.grows[-1] in (3, 4, 5))
    assert 0.14 <= dry_season <= 0.30
    assert dry_season * max(loss for _, loss in live.weather.loss_at) < 0.2
