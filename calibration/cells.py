"""Text cells to dates and numbers, a whole column at a time; what cannot be read becomes NaT or NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from calibration.columns import UNITS

BLANKS = frozenset({"", "-", "--", "—", "——", "/", "无", "null", "NULL", "None", "nan", "NaN", "#N/A"})
_TIME = r"[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$"
_YMD = r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$"
_COMPACT = r"^(\d{4})(\d{2})(\d{2})$"
_SERIAL = r"^(\d{5})(?:\.\d+)?$"
_NUMBER = r"^¥?([+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d+)?)(\D*)$"
_EXCEL_EPOCH = pd.Timestamp("1899-12-30")
_MAX_NUMBER = 1e12


def is_blank(text: Any) -> Any:
    """(n,) bool: the cell is empty or holds a mark for "none"."""
    return text.isin(BLANKS)


def dates(text: Any) -> Any:
    """Dates in any of the usual notations, mixed.

    Parameters
    ----------
    text : (n,) str
        2017-07-15, 2017/7/15, 2017.7.15, 20170715, 2017年7月15日, Excel serials; a time of day is cut off.

    Returns
    -------
    (n,) datetime64[s]
        NaT where the text is no date between 1990 and 2100. Day-first and month-first orders are not
        read: they cannot be told apart.
    """
    bare = text.str.replace(_TIME, "", regex=True).str.replace(" ", "", regex=False)
    parts = bare.str.extract(_YMD)
    parts = parts.where(parts.notna(), bare.str.extract(_COMPACT)).apply(pd.to_numeric)
    parts.columns = ["year", "month", "day"]
    serial = pd.to_numeric(bare.str.extract(_SERIAL)[0])
    written = pd.to_datetime(parts.where(parts["year"].between(1990, 2100)), errors="coerce")
    counted = _EXCEL_EPOCH + pd.to_timedelta(serial.where(serial.between(32_874, 73_415)), unit="D")
    return written.astype("datetime64[s]").fillna(counted.astype("datetime64[s]"))


def numbers(text: Any) -> tuple[Any, Any]:
    """Numbers with the unit written behind them.

    Parameters
    ----------
    text : (n,) str
        50000, 50,000.00, 5万元, 4.35%, 12个月.

    Returns
    -------
    value : (n,) float64
        NaN where the text is no plain number.
    unit : (n,) str
        A value of `columns.UNITS`, or "" where there is none.
    """
    parts = text.str.replace(" ", "", regex=False).str.extract(_NUMBER)
    value = pd.to_numeric(parts[0].str.replace(",", "", regex=False), errors="coerce").astype(float)
    unit = parts[1].map({"": "", **UNITS})
    return value.where(unit.notna() & (value.abs() <= _MAX_NUMBER)), unit.fillna("")


def scaled(text: Any, heading_unit: str, scales: dict[str, float]) -> Any:
    """Numbers in the base unit of a field.

    Parameters
    ----------
    text : (n,) str
    heading_unit : str
        Unit for cells that carry none of their own.
    scales : dict of str to float
        Base units in one of each unit this field can have; other units make a cell unreadable.

    Returns
    -------
    (n,) float64
    """
    value, unit = numbers(text)
    return value * unit.where(unit != "", heading_unit).map(scales).astype(float)


def half_up(values: Any) -> Any:
    """Nearest whole number, half up, NaN kept."""
    return np.floor(values + 0.5)
