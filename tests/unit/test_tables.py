"""Reading tables: what is said when a cell, a column or a file cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim import tables

Refuses = Callable[..., Any]


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"n": [1, 2, 3.5], "day": ["2018-01-01", None, "soon"], "key": ["a", "b", "c"]})


def test_rows_are_counted_as_in_the_file(tmp_path: Path, refuses: Refuses) -> None:
    path = tmp_path / "t.csv"
    path.write_text("# one\n# two\nn\n1\n2\n-3\n", encoding="utf-8")
    found = tables.read_csv(path, ("n",), "a table")
    refuses(lambda: tables.numbers("t.csv", found, "n"), "row 6, n", "a number, 0 or more", where="t.csv", found=-3)


def test_files_that_are_no_table(tmp_path: Path, refuses: Refuses) -> None:
    path = tmp_path / "t.csv"
    refuses(lambda: tables.read_csv(path, ("n",), "a table"), "file", "a table", where="t.csv")
    path.write_bytes("n\n数\n".encode("gbk"))
    refuses(lambda: tables.read_csv(path, ("n",), "a table"), "file", "a table", where="t.csv")
    path.write_text("n\n", encoding="utf-8")
    refuses(lambda: tables.read_csv(path, ("n",), "a table"), "rows", "at least one row")
    path.write_text("m\n1\n", encoding="utf-8")
    refuses(lambda: tables.read_csv(path, ("n",), "a table"), "n", "columns ['n']")


def test_numbers_within_bounds(frame: pd.DataFrame, refuses: Refuses) -> None:
    assert tables.numbers("t", frame, "n").tolist() == [1, 2, 3.5]
    refuses(lambda: tables.numbers("t", frame, "n", at_most=3), "row 4, n", "a number from 0 to 3", found=3.5)
    refuses(lambda: tables.numbers("t", frame, "key"), "row 2, key", "a number, 0 or more", found="a")


def test_whole_numbers(frame: pd.DataFrame, refuses: Refuses) -> None:
    found = tables.whole_numbers("t", frame.iloc[:2], "n", 1, 2)
    assert found.dtype == np.int64 and found.tolist() == [1, 2]
    refuses(lambda: tables.whole_numbers("t", frame, "n", 1, 9), "row 4, n", "a whole number from 1 to 9", found=3.5)
    refuses(lambda: tables.whole_numbers("t", frame, "n", 2, 9, "two or so"), "row 2, n", "two or so", found=1)


def test_ids_are_whole_and_keep_all_their_digits(frame: pd.DataFrame, refuses: Refuses) -> None:
    large = pd.DataFrame({"id": [2**63 - 1, -5]})
    assert tables.ids("t", large, "id").tolist() == [2**63 - 1, -5]
    refuses(lambda: tables.ids("t", frame, "n"), "row 4, n", "a whole number", found=3.5)


def test_keys_are_places_in_a_list(frame: pd.DataFrame, refuses: Refuses) -> None:
    assert tables.index("t", frame, "key", ["c", "b", "a"]).tolist() == [2, 1, 0]
    refuses(lambda: tables.index("t", frame, "key", ["a", "b", "cc"]), "row 4, key", "one of", found="c", nearest="cc")


def test_an_empty_date_is_refused_or_replaced(frame: pd.DataFrame, refuses: Refuses) -> None:
    assert tables.days("t", frame.iloc[:2], "day", empty=-1).tolist() == [17532, -1]
    refuses(lambda: tables.days("t", frame.iloc[:2], "day", empty=None), "row 3, day", "a date, YYYY-MM-DD")
    refuses(lambda: tables.days("t", frame, "day", empty=-1), "row 4, day", "a date, YYYY-MM-DD", found="soon")
