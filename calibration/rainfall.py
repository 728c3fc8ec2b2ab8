"""A county's own rainfall: reads the table, fits what a scenario says of drought, and writes the scenario."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, logit

from calibration import toml_text
from calibration.drought_fit import Before, DroughtFit, NotTwoKinds, fit
from calibration.table_file import Table, read_table
from sim.errors import InputError
from sim.scenario import Scenario, scenario_names
from sim.uncertain import Z05
from sim.units import F64, I64

HEADINGS = {
    "year": ("year", "年", "年份"),
    "month": ("month", "月", "月份"),
    "mm": ("mm", "rain_mm", "降水量", "降水量(毫米)", "降水量（毫米）", "雨量"),
    "township": ("township", "乡镇", "站点"),
}
FEWEST_YEARS = 15
_YEARS = range(1850, 2101)
_MOST_MM = 3000.0  # in a month
_WINDOWS = range(1, 13)


@dataclass(frozen=True)
class Rain:
    """A checked table.

    Attributes
    ----------
    first_month : int
        Months since January 1970.
    mm : (n_months, n_townships) float64
        NaN where a month is missing.
    townships : tuple of str
        As in the table; one empty name where it has no column of townships.
    """

    name: str
    sha256: str
    first_month: int
    mm: F64
    townships: tuple[str, ...]


@dataclass(frozen=True)
class RainfallScenario:
    """What was read, what was fitted, and the text of the scenario file."""

    rain: Rain
    fit: DroughtFit
    text: str

    def as_dict(self) -> dict[str, Any]:
        """In plain values."""
        f, n = self.fit, len(self.rain.mm)
        dry = {int(y): round(float(p), 3) for y, p in zip(f.chain.years, f.chain.p_dry, strict=True) if p > 0.5}
        plain = {k: v for k, v in asdict(f).items() if k != "chain"}
        chain = {k: v for k, v in asdict(f.chain).items() if k not in ("years", "p_dry")}
        return {
            "file": self.rain.name,
            "months": n,
            "townships": len(self.rain.townships),
            **chain,
            **plain,
            "dry_years": dry,
        }


def read_rain(path: Path) -> Rain:
    """Read monthly rainfall: columns year, month, mm and, where there are several gauges, township.

    A month without a row, or with an empty cell, is missing.

    Raises
    ------
    InputError
        Naming the row and the column: not a year, month or amount, a month twice, a missing column; too few years.
    """
    known = {heading: field for field, names in HEADINGS.items() for heading in names}
    table = read_table(path, lambda text: text.strip().casefold() in known)
    column: dict[str, int] = {}
    for at, heading in enumerate(table.headers):
        field = known.get(heading.strip().casefold())
        if field is None or field in column:
            raise InputError(table.name, "heading", heading, f"the columns {list(HEADINGS)}, each once", known)
        column[field] = at
    for field in ("year", "month", "mm"):
        if field not in column:
            raise InputError(table.name, field, None, f"a column with this heading or one of {HEADINGS[field]}")
    found: dict[tuple[str, int], float] = {}
    for number, row in zip(table.row_numbers, table.rows, strict=True):
        cell = {field: row[at].strip() for field, at in column.items()}
        year = int(_number(table, number, "year", cell["year"], _YEARS[0], _YEARS[-1], is_whole=True))
        month = int(_number(table, number, "month", cell["month"], 1, 12, is_whole=True))
        township = cell.get("township", "")
        if "township" in column and not township:
            raise InputError(table.name, f"row {number}, township", "", "a township's name")
        key = township, (year - 1970) * 12 + month - 1
        if key in found:
            raise InputError(table.name, f"row {number}, month", f"{year}-{month:02d}", "each month of a township once")
        found[key] = _number(table, number, "mm", cell["mm"], 0, _MOST_MM) if cell["mm"] else np.nan
    townships = tuple(dict.fromkeys(name for name, _ in found))
    first, last = min(m for _, m in found), max(m for _, m in found)
    mm = np.array([[found.get((name, m), np.nan) for name in townships] for m in range(first, last + 1)])
    for j, name in enumerate(townships):
        years = int((~np.isnan(mm[:, j])).sum()) / 12
        if years < FEWEST_YEARS:
            what = f"{years:.1f} years" + (f" of {name}" if name else "")
            raise InputError(table.name, "rows", what, f"at least {FEWEST_YEARS} years of months for each township")
    return Rain(table.name, table.sha256, first, mm, townships)


def _number(table: Table, row: int, field: str, text: str, low: float, high: float, *, is_whole: bool = False) -> float:
    pattern = r"\d+" if is_whole else r"\d+(\.\d+)?"
    if re.fullmatch(pattern, text) is None or not low <= float(text) <= high:
        what = "a whole number" if is_whole else "millimetres"
        raise InputError(table.name, f"row {row}, {field}", text, f"{what} from {low:g} to {high:g}")
    return float(text)


def rainfall_scenario(path: Path, base: str, window: int = 1, prior_years: float = 10) -> RainfallScenario:
    """A scenario with the weather of a rainfall table on top of another one.

    Parameters
    ----------
    path : Path
    base : str
        A shipped scenario or a .toml file: everything that rainfall does not tell, and what is believed before.
    window : int [months]
        Of the standardised precipitation index.
    prior_years : float
        Years of evidence that the base scenario's values count for.

    Raises
    ------
    InputError
    """
    if window not in _WINDOWS:
        raise InputError("command", "window", window, f"{_WINDOWS[0]} to {_WINDOWS[-1]} months")
    if not 0 <= prior_years <= 1000:
        raise InputError("command", "prior-years", prior_years, "0 to 1000 years")
    scenario, rain = Scenario.load(base), read_rain(path)
    section, chain = _section(scenario)
    weather = scenario.livelihoods.weather if scenario.livelihoods is not None else None
    shift, season = (weather.dry_shift, weather.season) if weather is not None else (-1.0, [1.0] * 12)
    before = Before(chain.p_normal_to_dry, chain.p_dry_to_dry, -shift * np.array(season), prior_years)
    try:
        fitted = fit(
            rain.mm, rain.first_month, window, chain.year_starts_month, before, _places(scenario, rain.townships)
        )
    except NotTwoKinds:
        allowed = "a table whose years are of two kinds, or more than 0 --prior-years for the values of the base"
        raise InputError(rain.name, "rows", "no dry years that stand apart", allowed) from None
    return RainfallScenario(rain, fitted, _text(scenario, base, section, rain, fitted, window, prior_years))


def _section(scenario: Scenario) -> tuple[str, Any]:
    """Where the scenario's chain of drought years stands."""
    if scenario.livelihoods is not None:
        return "livelihoods.weather", scenario.livelihoods.weather
    if scenario.defaults.drought is None:
        raise InputError(scenario.name, "defaults.drought", None, "a base scenario with drought")
    return "defaults.drought", scenario.defaults.drought


def _places(scenario: Scenario, names: tuple[str, ...]) -> F64 | None:
    """Where the table's townships lie, if the scenario says so of each."""
    at = {text: t.at_km for t in scenario.townships for text in (t.key, t.label.zh, t.label.en)}
    places = [at.get(name) for name in names]
    return None if any(p is None for p in places) else np.array(places, dtype=float)


def _text(
    scenario: Scenario, base: str, section: str, rain: Rain, f: DroughtFit, window: int, prior_years: float
) -> str:  # fmt: skip
    """The scenario file, checked by reading it."""
    values: dict[str, Any] = {
        "p_normal_to_dry": round(f.chain.p_normal_to_dry, 4), "p_dry_to_dry": round(f.chain.p_dry_to_dry, 4),
    }  # fmt: skip
    if scenario.livelihoods is not None:
        values |= {
            "dry_shift": round(f.dry_shift, 3), "season": [round(s, 3) for s in f.season],
            "persistence_per_month": round(f.persistence, 3),
        }  # fmt: skip
        if f.between_townships is not None:
            values["between_townships"] = round(f.between_townships, 3)
        if f.reach_km is not None:
            values["reach_km"] = round(f.reach_km, 1)
    changes = {f"{section}.{key}": value for key, value in values.items()}
    own = scenario.model_dump(mode="python", exclude_none=True)
    uncertain = [_uncertain(section, name, f, window) for name in ("normal_to_dry", "dry_to_dry")]
    named = [item["field"] for item in uncertain]
    uncertain += [item for item in own["uncertain"] if item["field"] not in named]
    sources = [{"fields": list(changes), "kind": "data", "note": _note(rain, f, window, prior_years)}, *own["sources"]]
    title = {"zh": f"{scenario.title.zh}(本县降水)", "en": f"{scenario.title.en}, own rainfall"}
    scenario.with_changes({**changes, "uncertain": uncertain, "sources": sources, "title": title})  # is it allowed?
    extends = base if base in scenario_names() else str(Path(base).resolve())
    dry = ", ".join(f"{y} ({p:.2f})" for y, p in zip(f.chain.years, f.chain.p_dry, strict=True) if p > 0.5)
    head = f"# Weather fitted to {rain.name} (sha256 {rain.sha256[:16]}).\n# Dry years, with their chance: {dry or 'none'}.\n\n"
    body = toml_text.lines(
        (path.split("."), value) for path, value in {"extends": extends, "title": title, **changes}.items()
    )
    tables = [("uncertain", item) for item in uncertain] + [("sources", item) for item in sources]
    return (
        head
        + body
        + "".join(f"\n[[{name}]]\n" + toml_text.lines(([k], v) for k, v in item.items()) for name, item in tables)
    )


def _uncertain(section: str, name: str, f: DroughtFit, window: int) -> dict[str, Any]:
    p, se = getattr(f.chain, f"p_{name}"), getattr(f.chain, f"se_{name}")
    spread = Z05 * se / (p * (1 - p))  # on the scale of log odds
    low, high = (round(float(expit(logit(p) + side * spread)), 6) for side in (-1, 1))
    note = f"fitted {p:.3f}, standard error {se:.3f}, from {_n_years(f)} drought years"
    return {
        "field": f"{section}.p_{name}",
        "distribution": "logit_normal",
        "p05": max(low, 1e-6),
        "p95": min(high, 1 - 1e-6),
        "note": note,
    }


def _note(rain: Rain, f: DroughtFit, window: int, prior_years: float) -> str:
    years: I64 = f.chain.years
    gauges = f"{len(rain.townships)} townships" if rain.townships != ("",) else "the county"
    missing = int(np.isnan(rain.mm).sum())
    parts = [
        f"{rain.name}: monthly rain of {gauges}, {years[0]} to {years[-1]}, {missing} months missing",
        f"standardised precipitation index of {window} months (gamma)",
        f"two-state chain of years; the scenario underneath counts as {prior_years:g} years",
        f"standard errors: normal to dry {f.chain.se_normal_to_dry:.3f}, dry to dry {f.chain.se_dry_to_dry:.3f}, "
        f"persistence {f.se_persistence:.3f}",
    ]
    return "; ".join(parts)


def _n_years(f: DroughtFit) -> int:
    return int(f.chain.years.size)
