"""Turns a bank's ledger into the files a study reads: everything is written, or nothing is."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from calibration.book_study import BookStudy, study
from calibration.first_estimate import FirstEstimate, first_estimate
from calibration.ledger import DATES, Ledger, read_ledger
from calibration.text import NOTHING, SUMMARY
from sim.errors import InputError
from sim.scenario import Scenario

KIND = "riskfund loan-book import"
FILES = ("book.csv", "rejected_rows.csv", "estimate.json", "import.json")
WITH_BASE = ("parameters.json",)  # only where a scenario underneath was given
SCENARIO = "scenario.toml"  # what the command writes beside them
_RISKY = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    out_dir : Path
    source_name, sha256 : str
        The ledger's file name and the hash of its bytes.
    n_rows, n_loans, n_open, n_rejected_rows, n_problems : int
        Rows read, good rows, good rows open on the day, rows left out, problems listed.
    dropped_columns, ignored_columns, absent_fields : list of str
    suggestions : dict of str to str
        See `calibration.ledger.Ledger`.
    estimate : FirstEstimate
    summary : str
        One sentence for people.
    study : BookStudy, optional
        Where a scenario underneath was given.
    """

    out_dir: Path
    source_name: str
    sha256: str
    n_rows: int
    n_loans: int
    n_open: int
    n_rejected_rows: int
    n_problems: int
    dropped_columns: list[str]
    ignored_columns: list[str]
    absent_fields: list[str]
    suggestions: dict[str, str]
    estimate: FirstEstimate
    summary: str
    study: BookStudy | None = None


def import_ledger(
    path: Path | str,
    out_dir: Path | str,
    *,
    lenders: Mapping[str, Iterable[str]] | None,
    townships: Mapping[str, Iterable[str]] | None,
    on: date,
    ceiling_yuan: float | None = None,
    term_max_months: int | None = None,
    wait_days: int = 90,
    lang: str = "en",
    sheet: str | None = None,
    base: Scenario | None = None,
    columns: Mapping[str, str] | None = None,
) -> ImportReport:
    """Read a ledger and write ``book.csv``, ``rejected_rows.csv``, ``estimate.json``, ``import.json``.

    With a scenario underneath also ``parameters.json``, what the ledger says of the scenario's parameters.

    ``book.csv`` holds the good loans with a balance above zero. Personal columns are in none of the
    files. The folder is readable by its owner only.

    Parameters
    ----------
    path, lenders, townships, on, ceiling_yuan, term_max_months, sheet
        See `calibration.ledger.read_ledger`.
    out_dir : Path or str
        New, empty, or an earlier import, which is replaced.
    wait_days : int [days]
        See `calibration.first_estimate.first_estimate`.
    lang : {"en", "zh"}
        Language of reasons and sentences.
    base : Scenario, optional
        Its assumptions are what is known before the ledger.
    columns : mapping of field to heading, optional

    Raises
    ------
    InputError
        As `read_ledger`; or ``out_dir`` holds anything else.
    """
    out = Path(out_dir).resolve()
    refuse_foreign(out, {*FILES, *WITH_BASE, SCENARIO}, is_earlier=_is_import(out / "import.json"), earlier="import")
    ledger = read_ledger(
        path,
        lenders=lenders,
        townships=townships,
        on=on,
        ceiling_yuan=ceiling_yuan,
        term_max_months=term_max_months,
        lang=lang,
        sheet=sheet,
        columns_given=columns,
    )
    estimate = first_estimate(ledger.loans, on, wait_days, lang)
    found = None if base is None else study(ledger.loans, on, base, estimate, lang)
    report = dataclasses.replace(_report(out, ledger, estimate, on, lang), study=found)
    with whole_folder(out) as fresh:
        _write(fresh, ledger, report, on)
    return report


def refuse_foreign(out: Path, files: set[str], *, is_earlier: bool, earlier: str) -> None:
    """Refuse a folder that holds anything but what an earlier command of the same kind wrote.

    Parameters
    ----------
    files : set of str
        Names that the command writes.
    is_earlier : bool
        Does the folder carry the command's own mark?
    earlier : str
        What an earlier one is called.

    Raises
    ------
    InputError
    """
    allowed = f"a new or empty folder, or an earlier {earlier}"
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(str(out), "out_dir", "a file", allowed)
    names = {item.name for item in out.iterdir()}
    if names and not (names <= files and is_earlier):
        raise InputError(str(out), "out_dir", "a folder with other files", allowed)


def _is_import(path: Path) -> bool:
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(made, dict) and made.get("kind") == KIND


def _report(out: Path, ledger: Ledger, estimate: FirstEstimate, on: date, lang: str) -> ImportReport:
    n_open = int((ledger.loans["balance_fen"] > 0).sum())
    n_rejected = ledger.n_rows - len(ledger.loans)
    summary = SUMMARY[lang].format(
        n_rows=ledger.n_rows,
        n_loans=len(ledger.loans),
        n_open=n_open,
        n_rejected=n_rejected,
        on=on,
        dropped=", ".join(ledger.dropped_columns) or NOTHING[lang],
    )
    return ImportReport(
        *(out, ledger.source_name, ledger.sha256, ledger.n_rows, len(ledger.loans), n_open, n_rejected),
        *(len(ledger.problems), ledger.dropped_columns, ledger.ignored_columns, ledger.absent_fields),
        *(ledger.suggestions, estimate, summary),
    )


def _write(folder: Path, ledger: Ledger, report: ImportReport, on: date) -> None:
    held = ledger.loans[ledger.loans["balance_fen"] > 0].copy()
    for name in DATES:
        held[name] = held[name].dt.strftime("%Y-%m-%d")
    _to_csv(held, folder / "book.csv", "utf-8")
    _to_csv(ledger.problems, folder / "rejected_rows.csv", "utf-8-sig")
    (folder / "estimate.json").write_text(report.estimate.to_json(), encoding="utf-8")
    if report.study is not None:
        text = json.dumps(report.study.as_dict(), ensure_ascii=False, indent=2) + "\n"
        (folder / "parameters.json").write_text(text, encoding="utf-8")
    made: dict[str, Any] = {"kind": KIND, "on": on.isoformat(), "riskfund_version": _version()}
    made |= {k: v for k, v in asdict(report).items() if k not in ("out_dir", "estimate", "summary", "study")}
    text = json.dumps(made, ensure_ascii=False, indent=2) + "\n"
    (folder / "import.json").write_text(text, encoding="utf-8")


def _to_csv(frame: Any, path: Path, encoding: str) -> None:
    safe = frame.copy()
    for name in safe:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = [_harmless(cell) for cell in safe[name]]
    safe.to_csv(path, index=False, encoding=encoding, lineterminator="\n")


def _harmless(cell: Any) -> Any:
    """A leading quote on text that a spreadsheet would run as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to write into. It takes the place of ``out`` when all is written; if anything fails nothing is left of it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield fresh
        put_in_place(fresh, out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def put_in_place(fresh: Path, out: Path) -> None:
    """Swap the finished folder in; the earlier one comes back if that fails."""
    if not out.exists():
        fresh.replace(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent)) / out.name
    out.replace(old)
    try:
        fresh.replace(out)
    except OSError:
        old.replace(out)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _version() -> str:
    try:
        return version("riskfund")
    except PackageNotFoundError:
        return "not installed"
