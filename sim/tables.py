"""Tables that counties give us as files: reading them, and refusing a cell by file, row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sim.errors import InputError, reason_of
from sim.units import I64, Array, Bool


def read_csv(path: Path, needed: tuple[str, ...], what: str) -> pd.DataFrame:
    """A table with the columns that are needed and at least one row.

    Parameters
    ----------
    path : Path
    needed : tuple of str
        Columns that must be there; others may be.
    what : str
        What the file should be, in words, for the message when it cannot be read.

    Raises
    ------
    InputError
    """
    try:
        frame = pd.read_csv(path, comment="#")
        frame.attrs["comment_lines"] = sum(
            line.startswith("#") for line in path.read_text(encoding="utf-8").splitlines()
        )
    except (OSError, ValueError) as error:
        raise InputError(path.name, "file", reason_of(error), what) from None
    if frame.empty:
        raise InputError(path.name, "rows", 0, "at least one row")
    for column in needed:
        if column not in frame:
            raise InputError(path.name, column, None, f"columns {list(needed)}", map(str, frame.columns))
    return frame


def refuse_row(
    where: str, frame: pd.DataFrame, column: str, bad: Bool, allowed: str, options: tuple[str, ...] = ()
) -> None:
    """Refuse the first bad row, by its line in the file.

    Raises
    ------
    InputError
    """
    rows = np.flatnonzero(bad)
    if rows.size:
        line = rows[0] + 2 + int(frame.attrs.get("comment_lines", 0))
        raise InputError(where, f"row {line}, {column}", frame[column].iloc[rows[0]], allowed, options)


def numbers(
    where: str, frame: pd.DataFrame, column: str, *, at_least: float = 0.0, at_most: float = float("inf")
) -> Array:
    """A column of numbers."""
    found = pd.to_numeric(frame[column], errors="coerce").to_numpy(float)
    bad = ~(np.isfinite(found) & (found >= at_least) & (found <= at_most))
    words = f"a number from {at_least:g} to {at_most:g}" if np.isfinite(at_most) else f"a number, {at_least:g} or more"
    refuse_row(where, frame, column, bad, words)
    return found


def whole_numbers(where: str, frame: pd.DataFrame, column: str, at_least: int, at_most: int, words: str = "") -> I64:
    """A column of whole numbers within bounds; ``words`` say what is allowed where the bounds alone do not."""
    found = pd.to_numeric(frame[column], errors="coerce").to_numpy(float)
    bad = ~(np.isfinite(found) & (found == np.floor(found)) & (found >= at_least) & (found <= at_most))
    refuse_row(where, frame, column, bad, words or f"a whole number from {at_least} to {at_most}")
    return found.astype(np.int64)


def ids(where: str, frame: pd.DataFrame, column: str) -> I64:
    """A column of whole-number ids, as the import makes them."""
    if frame[column].dtype != np.int64:
        found = pd.to_numeric(frame[column], errors="coerce").to_numpy(float)
        bad = ~(np.isfinite(found) & (found == np.floor(found)) & (np.abs(found) < 2.0**53))
        refuse_row(where, frame, column, bad, "a whole number below 2**63, as `riskfund data import` makes it")
        return found.astype(np.int64)
    return frame[column].to_numpy(np.int64)


def index(where: str, frame: pd.DataFrame, column: str, keys: list[str]) -> I64:
    """A column of keys as their places in a list."""
    codes = pd.Index(keys).get_indexer(pd.Index(frame[column])).astype(np.int64)
    refuse_row(where, frame, column, codes < 0, f"one of {keys}", tuple(keys))
    return codes


def days(where: str, frame: pd.DataFrame, column: str, *, empty: int | None) -> I64:
    """A column of dates as day numbers; an empty cell becomes ``empty``, or is refused where that is None."""
    found = pd.to_datetime(frame[column], errors="coerce").to_numpy("datetime64[D]")
    bad = np.isnat(found) & ((empty is None) | frame[column].notna().to_numpy())
    refuse_row(where, frame, column, bad, "a date, YYYY-MM-DD")
    return np.where(np.isnat(found), empty or 0, found.astype(np.int64)).astype(np.int64)
