"""Weather fitted to rainfall: known parameters come back from made-up rain, with errors that say how well; bad rows."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import logit, ndtr
from scipy.stats import gamma
from typer.testing import CliRunner

import sim
from calibration import drought_fit
from calibration.drought_fit import Before, DroughtFit, NotTwoKinds, fit, fit_chain, standardised
from calibration.rainfall import rainfall_scenario, read_rain
from cli.main import app
from sim.errors import InputError
from sim.livelihoods import Weather
from sim.parameters import N_POINTS, points
from sim.shocks.space import places_of
from sim.shocks.weather import draw_weather

LIVELIHOODS = sim.scenario("x-county-households").livelihoods
assert LIVELIHOODS is not None
WEATHER, CROPS = LIVELIHOODS.weather, LIVELIHOODS.crops
DEPTH = 2.0 * np.array(WEATHER.season)
BELIEF = Before(0.14, 0.45, DEPTH, 0.0)
FIRST = -10 * 12 + 10  # November 1960
SHAPE = np.array([0.8, 0.9, 1.2, 1.5, 3.0, 5.0, 6.0, 6.0, 4.0, 2.5, 1.2, 0.8])  # dry winters, wet summers
SCALE = np.array([20, 20, 20, 25, 30, 30, 30, 30, 30, 30, 25, 20.0])
AT_KM = np.array([[0.0, 0.0], [12.0, 5.0], [30.0, 0.0], [8.0, 40.0], [60.0, 60.0]])


def rain(years: int, townships: int = 4, r: int = 0, zero: float = 0.0, at_km: Any = None, **more: Any) -> np.ndarray:
    """Rain of a county whose index is drawn by the model itself; ``zero`` of the winter months are without any."""
    w = Weather.model_validate(WEATHER.model_dump() | more)
    ids = np.arange(101, 101 + townships)
    places = None if at_km is None else places_of(at_km, w.reach_km or 1.0)
    index = draw_weather(w, CROPS, "long_run", ids, FIRST, 12 * years, r, 5, places=places).index
    month = (FIRST + np.arange(12 * years)) % 12
    p = ndtr(index)
    none = np.where(np.isin(month, (0, 1, 10, 11)), zero, 0.0)[:, None]
    mm = gamma.ppf(np.clip((p - none) / (1 - none), 1e-9, 1), SHAPE[month][:, None], scale=SCALE[month][:, None])
    return np.where(p <= none, 0.0, mm)


@lru_cache
def long_record() -> DroughtFit:
    """Four hundred years of four townships, nothing believed before."""
    return fit(rain(400), FIRST, 1, 11, BELIEF, None)


# --- the index ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("zero", [0.0, 0.15])
def test_the_index_is_standard_normal_in_each_calendar_month(zero: float) -> None:
    """Whatever the season, from rain whose own index is standard normal. Notices 0.12 in a mean."""
    z = standardised(rain(300, 1, zero=zero, dry_shift=0.0), FIRST, 1)[:, 0].reshape(300, 12)
    assert np.abs(z.mean(axis=0)).max() < 0.12 + zero / 3
    assert np.abs(z.std(axis=0) - 1).max() < 0.12 + zero
    assert np.abs((z < -1).mean(axis=0) - 0.159).max() < 4.9 * np.sqrt(0.134 / 300)


def test_the_index_of_three_months_is_that_of_their_sum() -> None:
    mm = rain(60, 1)
    total = mm.copy()
    total[2:] = mm[2:] + mm[1:-1] + mm[:-2]
    z, by_hand = standardised(mm, FIRST, 3), standardised(total, FIRST, 1)
    assert np.isnan(z[:2]).all()
    month = np.arange(len(mm)) % 12
    whole = month != month[0]
    whole &= month != month[1]  # the first two sums by hand hold fewer months
    assert z[whole] == pytest.approx(by_hand[whole])


def test_a_missing_month_is_missing_and_nothing_else() -> None:
    mm = rain(40, 2)
    mm[100, 0] = np.nan
    z = standardised(mm, FIRST, 2)
    assert np.isnan(z[100:102, 0]).all()
    assert np.isnan(z).sum() == 2 + 2


# --- known parameters come back ----------------------------------------------------------------------


def test_the_chain_comes_back_within_its_errors() -> None:
    """0.14 and 0.45; the errors of 400 years are 0.02 and 0.06, and shrink as they should."""
    c = long_record().chain
    assert abs(c.p_normal_to_dry - 0.14) < 4 * c.se_normal_to_dry
    assert abs(c.p_dry_to_dry - 0.45) < 4 * c.se_dry_to_dry
    assert 0.01 < c.se_normal_to_dry < 0.035 and 0.035 < c.se_dry_to_dry < 0.09


def test_a_chain_that_stays_dry_comes_back() -> None:
    """0.08 and 0.80: mistaken for one another, or leaving for staying, they would be far off."""
    c = fit(rain(300, 2, p_normal_to_dry=0.08, p_dry_to_dry=0.80), FIRST, 1, 11, BELIEF, None).chain
    assert abs(c.p_normal_to_dry - 0.08) < 4 * c.se_normal_to_dry < 0.12
    assert abs(c.p_dry_to_dry - 0.80) < 4 * c.se_dry_to_dry < 0.32


def test_the_errors_are_honest() -> None:
    """Over twelve records of 60 years the estimate misses by about its own standard error, on the scale of log odds."""
    misses = []
    for r in range(12):
        season = drought_fit._seasons(*_index(rain(60, 2, r)))
        c = fit_chain(season, 1961, Before(0.14, 0.45, DEPTH, 4.0))
        for p, se, truth in ((c.p_normal_to_dry, c.se_normal_to_dry, 0.14), (c.p_dry_to_dry, c.se_dry_to_dry, 0.45)):
            misses.append((logit(p) - logit(truth)) / (se / (p * (1 - p))))
    assert abs(np.mean(misses)) < 0.75
    assert 0.5 < np.std(misses) < 1.5


def _index(mm: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    months = FIRST + np.arange(len(mm))
    return standardised(mm, FIRST, 1), months, drought_fit.drought_year_of(months, 11)


def test_shift_season_persistence_and_correlation_come_back() -> None:
    """Within a tenth of the shift; the season within 0.15 of each month; 0.6 and 0.7 within 0.05."""
    f = long_record()
    assert abs(f.dry_shift + 2.0) < 0.3
    assert np.abs(np.array(f.season) - np.array(WEATHER.season)).max() < 0.2
    assert abs(f.persistence - 0.6) < 0.05
    assert f.between_townships is not None
    assert abs(f.between_townships - 0.7) < 0.05
    assert f.reach_km is None


@pytest.mark.parametrize(("persistence", "between"), [(0.2, 0.3), (0.8, 0.9)])
def test_other_parameters_come_back_as_well(persistence: float, between: float) -> None:
    mm = rain(200, 4, persistence_per_month=persistence, between_townships=between)
    f = fit(mm, FIRST, 1, 11, Before(0.14, 0.45, DEPTH, 5.0), None)
    assert abs(f.persistence - persistence) < 0.07
    assert f.between_townships is not None
    assert abs(f.between_townships - between) < 0.07


def test_the_reach_of_the_weather_comes_back_where_places_are_known() -> None:
    mm = rain(200, 5, at_km=AT_KM, between_townships=0.4, reach_km=25.0)
    f = fit(mm, FIRST, 1, 11, Before(0.14, 0.45, DEPTH, 5.0), AT_KM)
    assert f.reach_km is not None and f.between_townships is not None
    assert abs(f.reach_km - 25) < 5
    assert abs(f.between_townships - 0.4) < 0.08


def test_the_reach_is_that_of_the_models_own_formula() -> None:
    """From noise with just that correlation, 40,000 months of it: within 2 per cent."""
    away = np.linalg.norm(AT_KM[:, None] - AT_KM[None], axis=2)
    root = np.linalg.cholesky(0.3 + 0.7 * np.exp(-((away / 25.0) ** 2)))
    noise = np.random.default_rng(3).standard_normal((40_000, 5)) @ root.T
    far, reach = drought_fit._between(noise, AT_KM)
    assert reach == pytest.approx(25, rel=0.02)
    assert far == pytest.approx(0.3, abs=0.02)


def test_dry_years_are_found() -> None:
    """Nine in ten of the years are named rightly: their seasons overlap a little."""
    w = draw_weather(WEATHER, CROPS, "long_run", np.arange(101, 105), FIRST, 4800, 0, 5)
    truth = np.array(w.is_dry[:400])
    assert ((long_record().chain.p_dry > 0.5) == truth).mean() > 0.9


def test_years_of_one_kind_are_refused_or_left_to_the_belief() -> None:
    """Rain without dry years: alone it says nothing of a chain; with belief the belief stands, and so does its error."""
    season = drought_fit._seasons(*_index(rain(50, 3, dry_shift=0.0)))
    with pytest.raises(NotTwoKinds):
        fit_chain(season, 1961, BELIEF)
    c = fit_chain(season, 1961, Before(0.14, 0.45, DEPTH, 10.0))
    assert c.se_dry_to_dry > 0.1


def test_more_years_of_belief_pull_the_estimate_to_it() -> None:
    season = drought_fit._seasons(*_index(rain(40, 3, r=3)))
    far = [fit_chain(season, 1961, Before(0.5, 0.9, DEPTH, n)).p_normal_to_dry for n in (1.0, 20.0, 500.0)]
    assert far[0] < far[1] < far[2] < 0.55


# --- the file ----------------------------------------------------------------------------------------


def csv_of(mm: np.ndarray, path: Path, townships: bool = True) -> Path:
    lines = ["year,month,mm" + ",township" * townships]
    for k, row in enumerate(mm):
        year, month = divmod(FIRST + k, 12)
        for j, x in enumerate(row if townships else row[:1]):
            lines.append(f"{1970 + year},{month + 1},{x:.1f}" + f",t{j + 1:02d}" * townships)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_scenario_says_what_was_fitted_and_where_from(tmp_path: Path) -> None:
    path = csv_of(rain(60), tmp_path / "rain.csv")
    made = rainfall_scenario(path, "x-county-households")
    out = tmp_path / "own.toml"
    out.write_text(made.text, encoding="utf-8")
    own, base = sim.scenario(str(out)), sim.scenario("x-county-households")
    assert own.livelihoods is not None
    w = own.livelihoods.weather
    assert w.p_dry_to_dry == pytest.approx(made.fit.chain.p_dry_to_dry, abs=1e-4)
    assert w.between_townships == pytest.approx(made.fit.between_townships, abs=1e-3)
    assert w.loss_at == WEATHER.loss_at
    drawn = {item.field: item for item in own.uncertain}
    assert {f"livelihoods.weather.p_{name}" for name in ("normal_to_dry", "dry_to_dry")} < drawn.keys()
    assert {item.field for item in base.uncertain} < drawn.keys()
    item = drawn["livelihoods.weather.p_dry_to_dry"]
    assert item.p05 is not None and item.p95 is not None
    assert item.p05 < w.p_dry_to_dry < item.p95
    source = own.source_of("livelihoods.weather.p_dry_to_dry")
    assert source is not None and source.kind == "data" and "rain.csv" in source.note
    other = own.source_of("livelihoods.weather.loss_at")
    assert other is not None and other.kind == "assumption"
    assert len(points(own, 1)) == N_POINTS


def test_a_reduced_form_gets_the_chain_alone(tmp_path: Path) -> None:
    path = csv_of(rain(40), tmp_path / "rain.csv", townships=False)
    made = rainfall_scenario(path, "x-county", window=3)
    (tmp_path / "own.toml").write_text(made.text, encoding="utf-8")
    own = sim.scenario(str(tmp_path / "own.toml"))
    assert own.defaults.drought is not None
    assert own.defaults.drought.p_dry_to_dry == pytest.approx(made.fit.chain.p_dry_to_dry, abs=1e-4)
    assert own.defaults.drought.effect == sim.scenario("x-county").defaults.drought.effect  # type: ignore[union-attr]


def test_the_command_writes_a_scenario_that_is_valid(tmp_path: Path) -> None:
    path, out = csv_of(rain(30, 2), tmp_path / "rain.csv"), tmp_path / "own.toml"
    done = CliRunner().invoke(app, ["county", "rainfall", str(path), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert figures["townships"] == 2 and figures["months"] == 360
    assert sim.scenario(str(out)).livelihoods is not None
    again = CliRunner().invoke(app, ["county", "rainfall", str(path), "--out", str(out)])
    assert isinstance(again.exception, InputError)


@pytest.mark.parametrize(
    ("old", "new", "field", "allowed"),
    [
        ("1961,2,", "1961,13,", "row 5, month", "1 to 12"),
        ("1961,2,", "61,2,", "row 5, year", "1850 to 2100"),
        ("1961,3,", "1961,2,", "row 6, month", "once"),
        ("year,month,mm", "year,month,rain", "heading", "each once"),
        ("year,month,mm", "year,mm,mm", "heading", "each once"),
    ],
)
def test_a_bad_row_is_named_by_row_and_column(
    old: str, new: str, field: str, allowed: str, tmp_path: Path, refuses: Any
) -> None:
    path = csv_of(rain(20, 1), tmp_path / "rain.csv", townships=False)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    refuses(lambda: read_rain(path), field, allowed)


@pytest.mark.parametrize("amount", ["-3", "a lot", "1e9", "nan"])
def test_an_amount_that_is_none_is_refused(amount: str, tmp_path: Path, refuses: Any) -> None:
    lines = csv_of(rain(20, 1), tmp_path / "rain.csv", townships=False).read_text(encoding="utf-8").splitlines()
    lines[7] = f"1961,5,{amount}"
    (tmp_path / "rain.csv").write_text("\n".join(lines), encoding="utf-8")
    refuses(lambda: read_rain(tmp_path / "rain.csv"), "row 8, mm", "millimetres from 0", found=amount)


def test_too_few_years_are_refused(tmp_path: Path, refuses: Any) -> None:
    path = csv_of(rain(9, 1), tmp_path / "rain.csv", townships=False)
    refuses(lambda: read_rain(path), "rows", "at least 15 years")


def test_chinese_headings_and_gaps_are_read(tmp_path: Path) -> None:
    path = csv_of(rain(20, 2), tmp_path / "rain.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[0] = "年份,月份,降水量,乡镇"
    del lines[40]
    path.write_text("\n".join(lines), encoding="gb18030")
    read = read_rain(path)
    assert read.townships == ("t01", "t02")
    assert np.isnan(read.mm).sum() == 1
