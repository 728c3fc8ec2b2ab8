"""Last year's stored forecast against what happened: an actuals table, and the answer with scores and updated parameters."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration.book_model import Cells, Range, posterior
from calibration.book_study import prior_of
from calibration.cells import is_blank, numbers
from calibration.columns import plain_heading
from calibration.row_checks import name_key
from calibration.scoring import Joint, crps, interval, pit, together
from calibration.table_file import read_table
from sim.errors import InputError
from sim.households.reduced_form import base_probability, long_run_compensable, long_run_default
from sim.scenario import Scenario
from sim.store import RunFolder
from sim.units import F64

FEWEST_HISTORIES = 59
_COLUMNS = {
    "item": ("项目", "指标", "内容", "item", "what"),
    "township": ("乡镇", "township", "town"),
    "quarter": ("季度", "quarter"),
    "value": ("数值", "实际数", "实际值", "金额或笔数", "value", "actual"),
}
ITEMS = {
    "payout_yuan": ("代偿金额", "代偿支出", "payout", "payout_yuan"),
    "recovered_yuan": ("追回金额", "recovered", "recovered_yuan"),
    "compensable_yuan": ("可补偿金额", "compensable", "compensable_yuan"),
    "due_yuan": ("到期金额", "due_yuan"),
    "defaulted_yuan": ("违约金额", "defaulted_yuan"),
    "due_loans": ("到期笔数", "due", "due_loans"),
    "defaulted_loans": ("违约笔数", "defaults", "defaulted_loans"),
}
_STORED = {
    **{"payout_yuan": "payout_fen", "recovered_yuan": "recovered_fen", "compensable_yuan": "compensable_fen"},
    **{"due_yuan": "due_fen", "defaulted_yuan": "defaulted_fen", "due_loans": "due_count"},
    "defaulted_loans": "defaulted_count",
}
_FIELD_OF = {plain_heading(name): key for key, names in _COLUMNS.items() for name in names}
_ITEM_OF = {plain_heading(name): key for key, names in ITEMS.items() for name in names}


@dataclass(frozen=True)
class Compared:
    """One quantity: forecast, interval of nine tenths, what happened, and the scores."""

    item: str
    middle: float
    low: float
    high: float
    actual: float
    is_inside: bool
    pit: float
    crps: float


@dataclass(frozen=True)
class Backtest:
    """A stored forecast against what happened.

    Attributes
    ----------
    scenario : str
    year, n_histories : int
    county : tuple of Compared
    townships : dict of str to Compared
        Share of loans in default, by township.
    joint : Joint or None
        All townships together; None with fewer than three.
    updated : Range or None [1]
        Share of loans in default in the long run, before and after what happened.
    before : tuple of float [1] or None
        Fifth and ninety-fifth per cent points before.
    """

    scenario: str
    year: int
    n_histories: int
    county: tuple[Compared, ...]
    townships: dict[str, Compared]
    joint: Joint | None
    updated: Range | None
    before: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def backtest(run: Path, actuals: Path) -> Backtest:
    """Hold a run folder against a table of actuals.

    The run may have been made by other code or under other rules than today's: what was forecast is what is stored.

    Parameters
    ----------
    run : Path
        Folder of `riskfund size`, `run` or `compare`; of several scenarios the first.
    actuals : Path
        .csv or .xlsx with columns item, value and, where they apply, township and quarter.

    Raises
    ------
    InputError
        Not a run folder, fewer than 59 histories, histories chosen by strata; or a fault in the table.
    """
    folder = RunFolder(run)
    manifest = folder.manifest()
    identity, n = manifest["identity"], int(manifest["complete_to"])
    if n < FEWEST_HISTORIES:
        raise InputError(str(run), "finished histories", n, f"a run with {FEWEST_HISTORIES} finished histories")
    if folder.plan() is not None:
        raise InputError(str(run), "sampling", "strata", "a run whose histories weigh the same (--sampling plain)")
    is_study = identity.get("kind") == "study"
    scenario = Scenario.from_dict(identity["scenarios"][0] if is_study else identity["scenario"], str(run))
    arm = identity["names"][0] if is_study else "main"
    table = _read(actuals, {name: t.key for t in scenario.townships for name in (t.key, t.label.zh, t.label.en)})
    histories, places = folder.read("histories", arm, n), folder.read("townships", arm, n)
    county = _county(table, histories, len(scenario.townships))
    townships, joint = _townships(table, places, [t.key for t in scenario.townships])
    if not county and not townships:
        raise InputError(actuals.name, "item", "none that a run has", f"one of {', '.join(ITEMS)}", list(ITEMS))
    before, updated = _updated(table, scenario)
    return Backtest(scenario.name, scenario.sized_year, n, county, townships, joint, updated, before)


def _read(path: Path, towns: dict[str, str]) -> Any:
    """``item``, ``township`` (key or ""), ``quarter`` (1 to 4 or 0), ``value``; one clear line for the first fault."""
    table = read_table(path, lambda text: plain_heading(text) in _FIELD_OF)
    at = {_FIELD_OF[plain_heading(h)]: i for i, h in enumerate(table.headers) if plain_heading(h) in _FIELD_OF}
    for name in ("item", "value"):
        if name not in at:
            raise InputError(table.name, name, "no such column", f"a column headed {', '.join(_COLUMNS[name])}")
    text = pd.DataFrame({k: [row[i] for row in table.rows] for k, i in at.items()}, dtype=object)
    value, unit = numbers(text["value"])
    value = value * unit.map({"": 1.0, "元": 1.0, "万元": 1e4, "分": 0.01}).astype(float)
    keys = {name_key(name): key for name, key in towns.items()}
    rows: list[tuple[str, str, int, float]] = []
    for k, number in enumerate(table.row_numbers):
        if is_blank(text["value"])[k]:  # not told
            continue
        item = _ITEM_OF.get(plain_heading(text["item"][k]))
        town = "" if "township" not in at or is_blank(text["township"])[k] else text["township"][k]
        quarter = "" if "quarter" not in at or is_blank(text["quarter"])[k] else text["quarter"][k]
        if item is None:
            names = [names[0] for names in ITEMS.values()]
            raise InputError(table.name, f"row {number}, item", text["item"][k], f"one of {', '.join(names)}", names)
        if town and name_key(town) not in keys:
            raise InputError(table.name, f"row {number}, township", town, "a township of the run", list(towns))
        digits = "".join(c for c in quarter[-2:] if c in "1234")
        if quarter and len(digits) != 1:
            raise InputError(table.name, f"row {number}, quarter", quarter, "1, 2, 3 or 4, for example 2018Q3")
        if not value[k] >= 0:
            raise InputError(table.name, f"row {number}, value", text["value"][k], "a number of 0 or more")
        rows.append((item, keys[name_key(town)] if town else "", int(digits or 0), float(value[k])))
    out = pd.DataFrame(rows, columns=["item", "township", "quarter", "value"])
    twice = out.duplicated(["item", "township", "quarter"])
    if twice.any():
        first = int(np.flatnonzero(twice)[0])
        raise InputError(
            table.name, f"row {table.row_numbers[first]}", rows[first][0], "each item once a township and quarter"
        )
    return out


def _county(table: Any, histories: Any, n_townships: int) -> tuple[Compared, ...]:
    """Rows without a township count for the county; where there are none, those of all townships are added up."""
    own = table[table["township"] == ""]
    told = table.groupby("item")["township"].nunique()
    sums = table[table["item"].map(told) == n_townships].groupby("item")["value"].sum().to_dict()
    sums |= own.groupby("item")["value"].sum().to_dict()
    out = []
    for item, column in _STORED.items():
        if item in sums and column in histories:
            scale = 100.0 if item.endswith("_yuan") else 1.0
            out.append(_compared(item, histories[column].to_numpy(float) / scale, sums[item]))
    for share, over, under in (
        ("default_share_of_loans", "defaulted_loans", "due_loans"),
        ("default_share_of_money", "defaulted_yuan", "due_yuan"),
    ):
        if sums.get(under, 0) > 0 and over in sums:
            whole = histories[_STORED[under]].to_numpy(float)
            sample = np.divide(
                histories[_STORED[over]].to_numpy(float), whole, out=np.zeros_like(whole), where=whole > 0
            )
            out.append(_compared(share, sample, sums[over] / sums[under]))
    return tuple(out)


def _townships(table: Any, places: Any, keys: list[str]) -> tuple[dict[str, Compared], Joint | None]:
    own = table[table["township"] != ""]
    sums = own.pivot_table(index="township", columns="item", values="value", aggfunc="sum")
    if sums.empty or not {"due_loans", "defaulted_loans"} <= set(sums):
        return {}, None
    sums = sums[sums["due_loans"].gt(0) & sums["defaulted_loans"].notna()]
    wide = places.pivot_table(index="replication", columns="township", values=["due_count", "defaulted_count"])
    columns, actual, named = [], [], []
    for key, row in sums.iterrows():
        due = wide["due_count"][keys.index(str(key))].to_numpy(float)
        bad = wide["defaulted_count"][keys.index(str(key))].to_numpy(float)
        columns.append(np.divide(bad, due, out=np.zeros_like(due), where=due > 0))
        actual.append(float(row["defaulted_loans"] / row["due_loans"]))
        named.append(str(key))
    found = {key: _compared(key, column, x) for key, column, x in zip(named, columns, actual, strict=True)}
    joint = together(np.column_stack(columns), np.array(actual)) if len(named) >= 3 else None
    return found, joint


def _compared(item: str, sample: F64, actual: float) -> Compared:
    column, own = sample[:, None], np.array([actual])
    low, high = interval(column)
    return Compared(
        item, float(np.median(sample)), float(low[0]), float(high[0]), actual, bool(low[0] <= actual <= high[0]),
        float(pit(column, own)[0]), float(crps(column, own)[0]),
    )  # fmt: skip


def _updated(table: Any, scenario: Scenario) -> tuple[tuple[float, float] | None, Range | None]:
    """The level of default after what happened; counts by township and quarter where they are told so."""
    if scenario.defaults.mechanism != "reduced-form" or scenario.opening.kind == "portfolio":
        return None, None
    both = table[table["item"].isin(["due_loans", "defaulted_loans"])]
    if (both["township"] != "").any():
        both = both[both["township"] != ""]
    wide = both.pivot_table(index=["township", "quarter"], columns="item", values="value").reset_index()
    if not {"due_loans", "defaulted_loans"} <= set(wide):
        return None, None
    wide = wide[wide["due_loans"].gt(0) & wide["defaulted_loans"].notna()]
    if (wide["defaulted_loans"] > wide["due_loans"]).any():
        return None, None
    month = np.where(wide["quarter"] > 0, wide["quarter"] * 3 - 2, 6).astype(float)
    n, k = wide["due_loans"].to_numpy(float), wide["defaulted_loans"].to_numpy(float)
    cells = Cells(pd.factorize(wide["township"])[0], month, n, k, 3)
    p = base_probability(scenario.defaults)
    prior = prior_of(scenario, long_run_compensable(scenario.defaults, p) / long_run_default(scenario.defaults, p))
    return prior.p_default, posterior(cells, prior, int(n.sum())).p_default
