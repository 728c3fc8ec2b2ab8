"""Table of a real drought: its index by month, for the county or for each township."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.errors import InputError, reason_of
from sim.shocks.paths import drought_year_of
from sim.units import F64, I64

COLUMNS = ("month", "index", "township")
FURTHEST = 6.0  # of a standard normal index; a rainfall in per cent would be beyond it
DRY_SEASON = (10, 11, 0, 1, 2, 3)  # November to April, as month % 12
DRY_BELOW = -1.0  # mean of these months in a drought year


@dataclass(frozen=True)
class Replay:
    """A checked table.

    Attributes
    ----------
    first_month : int
        Months since January 1970.
    index : (n_months, n_townships) or (n_months, 1) float64
        By township in the order of the keys given to `read_replay`, or one column for the county.
    is_by_township : bool
    """

    first_month: int
    index: F64
    is_by_township: bool

    def rows(self, months: I64, moved_years: int) -> tuple[I64, I64]:
        """Positions in ``months`` that the table fills, and its row for each."""
        row = months - self.first_month - 12 * moved_years
        at = np.flatnonzero((row >= 0) & (row < len(self.index)))
        return at, row[at]

    def dry_years(self, year_starts_month: int, moved_years: int) -> dict[int, bool]:
        """State of the drought years of which the table holds a month from November to April."""
        months = self.first_month + 12 * moved_years + np.arange(len(self.index))
        year = drought_year_of(months, year_starts_month)
        in_season = np.isin(months % 12, DRY_SEASON)
        mean = self.index.mean(axis=1)
        return {int(y): bool(mean[in_season & (year == y)].mean() < DRY_BELOW) for y in np.unique(year[in_season])}


def refuse_outside(where: str, replay: Replay, moved_years: int, first_month: int, last_month: int) -> None:
    """Refuse a table that is moved to where no month of a run lies.

    Raises
    ------
    InputError
    """
    if replay.rows(np.arange(first_month, last_month + 1), moved_years)[0].size == 0:
        last = replay.first_month + len(replay.index) - 1
        fewest, most = -((last - first_month) // 12), (last_month - replay.first_month) // 12
        allowed = f"years that move {_name(replay.first_month)} to {_name(last)} into {_name(first_month)} to {_name(last_month)}"
        allowed += f": {fewest} to {most}" if fewest <= most else ""
        raise InputError(where, "livelihoods.weather.replay_years", moved_years, allowed)


def read_replay(path: Path | str, township_keys: list[str]) -> Replay:
    """Read and check a table with the columns ``month`` (2009-07), ``index`` and, where it differs, ``township``.

    Parameters
    ----------
    path : path
        CSV; lines that start with # are comments.
    township_keys : list of str
        Townships of the scenario. A table with townships has all of them in each of its months.

    Raises
    ------
    InputError
        No such file or no rows, an unknown column or township, a month or an index that is none, a
        month twice, a month missing between the first and the last.
    """
    path = Path(path)
    where = path.name
    try:
        text = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(where, "file", reason_of(error), f"a CSV table with the columns {COLUMNS}") from None
    lines = [(n, line) for n, line in enumerate(text, 1) if line.strip() and not line.startswith("#")]
    rows = [[cell.strip() for cell in row] for row in csv.reader(line for _, line in lines)]
    if len(rows) < 2:
        raise InputError(where, "rows", 0, "a heading and at least one month")
    heading = rows[0]
    for column in heading:
        if column not in COLUMNS or heading.count(column) > 1:
            raise InputError(where, "heading", column, f"the columns {COLUMNS}, each once", COLUMNS)
    for column in COLUMNS[:2]:
        if column not in heading:
            raise InputError(where, column, None, f"the columns {COLUMNS}; only township may be left out", heading)
    is_by_township = "township" in heading
    keys = township_keys if is_by_township else [""]
    found: dict[tuple[int, str], float] = {}
    for (line, _), cells in zip(lines[1:], rows[1:], strict=True):
        if len(cells) != len(heading):
            raise InputError(where, f"row {line}", ",".join(cells), f"{len(heading)} values, as in the heading")
        row = dict(zip(heading, cells, strict=True))
        key = row.get("township", "")
        if key not in keys:
            raise InputError(where, f"row {line}, township", key, f"one of {keys}", keys)
        at = _month(where, line, row["month"]), key
        if at in found:
            raise InputError(where, f"row {line}, month", row["month"], f"each month once{_of(key)}")
        found[at] = _index(where, line, row["index"])
    first, last = min(m for m, _ in found), max(m for m, _ in found)
    for month in range(first, last + 1):
        for key in keys:
            if (month, key) not in found:
                allowed = f"every month from {_name(first)} to {_name(last)}" + ", for every township" * is_by_township
                raise InputError(where, "month", f"no row for {_name(month)}{_of(key)}", allowed)
    index = np.array([[found[month, key] for key in keys] for month in range(first, last + 1)])
    return Replay(first, index, is_by_township)


def _month(where: str, line: int, text: str) -> int:
    match = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
    if match is None:
        raise InputError(where, f"row {line}, month", text, "a year and a month such as 2009-07")
    return (int(match.group(1)) - 1970) * 12 + int(match.group(2)) - 1


def _index(where: str, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= FURTHEST:
        allowed = f"a number from {-FURTHEST:g} to {FURTHEST:g}: standard normal, negative is dry"
        raise InputError(where, f"row {line}, index", text, allowed)
    return value


def _name(month: int) -> str:
    return f"{1970 + month // 12}-{month % 12 + 1:02d}"


def _of(key: str) -> str:
    return f", township {key}" if key else ""
