"""Turns a bank's ledger into the files a study reads: everything is written, or nothing is."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from calibration.book_study import BookStudy, notes_of, study
from calibration.first_estimate import FirstEstimate, first_estimate
from calibration.ledger import DATES, Ledger, read_ledger
from calibration.payments import read_payments, with_payments
from calibration.quality import Quality, Warned, ledger_warnings, quality
from calibration.quality_text import WARNINGS
from calibration.report_page import page
from calibration.snapshots import joined
from calibration.text import NOTHING, SUMMARY
from sim.errors import InputError
from sim.scenario import Scenario

KIND = "riskfund loan-book import"
FILES = ("book.csv", "rejected_rows.csv", "estimate.json", "import.json")
WITH_BASE = ("parameters.json", "quality.json", "warnings.csv", "report.zh.html", "report.en.html")  # only with a base
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
    quality : Quality, optional
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
    quality: Quality | None = None


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
    earlier: Sequence[tuple[Path, date]] = (),
    payments: Path | None = None,
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
    earlier : sequence of (path, date)
        Ledgers of earlier dates; loans are matched by lender and number.
    payments : Path, optional
        A table of payments, may be the ledger's own workbook.

    Raises
    ------
    InputError
        As `read_ledger`; or ``out_dir`` holds anything else.
    """
    out = Path(out_dir).resolve()
    refuse_foreign(out, {*FILES, *WITH_BASE, SCENARIO}, is_earlier=_is_import(out / "import.json"), earlier="import")
    how: dict[str, Any] = {
        **{"lenders": lenders, "townships": townships, "ceiling_yuan": ceiling_yuan, "lang": lang, "sheet": sheet},
        **{"term_max_months": term_max_months, "columns_given": columns},
    }
    book = _read_all([(Path(path), on), *earlier], payments, how, wait_days)
    ledger = book.ledger
    estimate = first_estimate(ledger.loans, on, wait_days, lang)
    found = None if base is None else study(ledger.loans, on, base, estimate, lang, book.payments)
    report = dataclasses.replace(
        _report(out, book, estimate, on, lang),
        study=found,
        quality=None if base is None else _quality(book, townships is None),
    )
    with whole_folder(out) as fresh:
        _write(fresh, book, report, on, base)
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


@dataclass(frozen=True)
class _Book:
    """All files of one import, read: the loans of all, and what each file had."""

    ledger: Ledger  # its loans are those of all ledgers, after payments
    newest: Ledger
    on: date
    files: list[dict[str, Any]]
    problems: Any
    warned: list[Warned]
    dropped: list[str]
    payments: Any
    transitions: Any
    n_gone: int


def _read_all(sources: list[tuple[Path, date]], paid: Path | None, how: dict[str, Any], wait_days: int) -> _Book:
    """Newest ledger first in ``sources``."""
    on = sources[0][1]
    for path, day in sources[1:]:
        if day >= on:
            raise InputError("command", "earlier", f"{path.name}={day}", f"a day before {on}")
    salt = _salt([path for path, _ in sources]) if len(sources) > 1 else None
    dated = sorted(((day, read_ledger(path, on=day, salt=salt, **how)) for path, day in sources), key=lambda x: x[0])
    newest = dated[-1][1]
    files = [_file(ledger.source_name, day, ledger.n_rows, len(ledger.loans)) for day, ledger in dated]
    listed = [(ledger.source_name, ledger.problems) for _, ledger in dated]
    dropped = [name for _, ledger in dated for name in ledger.dropped_columns]
    warned, moves, n_gone, ledger = [], None, 0, newest
    if len(dated) > 1:
        all_dates = joined(dated, wait_days)
        ledger = dataclasses.replace(newest, loans=all_dates.loans, numbers=all_dates.numbers, rows=None)
        warned += [Warned(*item) for item in all_dates.warnings]
        moves, n_gone = all_dates.transitions, all_dates.n_gone
    payments = None
    if paid is not None:
        table = read_payments(paid, ledger, on, how["lenders"], how["lang"])
        loans, differs = with_payments(ledger, table)
        rows = pd.Series(newest.rows, index=newest.loans["loan_id"])
        off = rows.reindex(ledger.loans["loan_id"][differs]).dropna()
        warned += [Warned("balance_differs", newest.source_name, int(row)) for row in off]
        ledger, payments = dataclasses.replace(ledger, loans=loans), table.frame
        files.append(_file(table.source_name, on, table.n_rows, len(table.frame)))
        listed.append((table.source_name, table.problems))
        dropped += table.dropped_columns
    if len(listed) == 1:
        problems = listed[0][1]
    else:
        problems = pd.concat(
            [frame.assign(file=name)[["file", *frame.columns]] for name, frame in listed], ignore_index=True
        )
    return _Book(ledger, newest, on, files, problems, warned, list(dict.fromkeys(dropped)), payments, moves, n_gone)


def _salt(paths: list[Path]) -> str:
    """One salt for several files, made from their bytes: their households can be matched."""
    digest = hashlib.blake2b(digest_size=16, person=b"household")
    for path in paths:
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _file(name: str, on: date, rows: int, good: int) -> dict[str, Any]:
    return {"name": name, "on": on.isoformat(), "rows": rows, "good": good, "left_out": rows - good}


def _quality(book: _Book, has_free_townships: bool) -> Quality:
    warned = [*ledger_warnings(book.newest, book.on, has_free_townships), *book.warned]
    found = quality(book.newest, book.files, book.problems, warned, book.dropped, book.transitions, book.n_gone)
    return dataclasses.replace(found, listed=warned)


def _report(out: Path, book: _Book, estimate: FirstEstimate, on: date, lang: str) -> ImportReport:
    ledger = book.ledger
    n_open = int((ledger.loans["balance_fen"] > 0).sum())
    n_good = len(book.newest.loans)
    n_rejected = ledger.n_rows - n_good
    summary = SUMMARY[lang].format(
        n_rows=ledger.n_rows,
        n_loans=n_good,
        n_open=n_open,
        n_rejected=n_rejected,
        on=on,
        dropped=", ".join(book.dropped) or NOTHING[lang],
    )
    return ImportReport(
        *(out, ledger.source_name, ledger.sha256, ledger.n_rows, n_good, n_open, n_rejected),
        *(len(book.problems), book.dropped, ledger.ignored_columns, ledger.absent_fields),
        *(ledger.suggestions, estimate, summary),
    )


def _write(folder: Path, book: _Book, report: ImportReport, on: date, base: Scenario | None) -> None:
    held = _open_before(book.ledger.loans, on)
    for name in DATES:
        held[name] = held[name].dt.strftime("%Y-%m-%d")
    _to_csv(held, folder / "book.csv", "utf-8")
    _to_csv(book.problems, folder / "rejected_rows.csv", "utf-8-sig")
    (folder / "estimate.json").write_text(report.estimate.to_json(), encoding="utf-8")
    if base is not None:
        _write_study(folder, book, report, base)
    made: dict[str, Any] = {"kind": KIND, "on": on.isoformat(), "riskfund_version": _version(), "files": book.files}
    left = ("out_dir", "estimate", "summary", "study", "quality")
    made |= {k: v for k, v in asdict(report).items() if k not in left}
    _to_json(made, folder / "import.json")


def _open_before(loans: Any, on: date) -> Any:
    """Loans open on the information date before anything happens on it: what is dated that day is still to come."""
    day = pd.Timestamp(on)
    held = loans[(loans["balance_fen"] > 0) & (loans["originated_on"] < day)].copy()
    for name in ("overdue_since", "filed_on"):
        held[name] = held[name].where(held[name] < day)
    return held


def _write_study(folder: Path, book: _Book, report: ImportReport, base: Scenario) -> None:
    assert report.study is not None and report.quality is not None
    _to_json(report.study.as_dict(), folder / "parameters.json")
    _to_json(report.quality.as_dict(), folder / "quality.json")
    lines = [(x.file, x.row, WARNINGS[x.code]["zh"], WARNINGS[x.code]["en"]) for x in report.quality.listed]
    _to_csv(pd.DataFrame(lines, columns=["file", "row", "zh", "en"]), folder / "warnings.csv", "utf-8-sig")
    n = {
        "n_rows": report.n_rows,
        "n_loans": report.n_loans,
        "n_open": report.n_open,
        "n_rejected": report.n_rejected_rows,
    }
    for lang in ("zh", "en"):
        estimate = first_estimate(book.ledger.loans, book.on, report.estimate.wait_days, lang)
        notes = [*([estimate.reason] if estimate.reason else []), *estimate.notes]
        notes += notes_of(report.study, report.estimate.wait_days, lang)
        dropped = ", ".join(book.dropped) or NOTHING[lang]
        names = base.township_names(lang) | {x.key: x.label.get(lang) for x in base.lenders}
        summary = SUMMARY[lang].format(**n, on=book.on, dropped=dropped)
        text = page(summary, report.quality, report.study, notes, lang, names)
        (folder / f"report.{lang}.html").write_text(text, encoding="utf-8")


def _to_json(data: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


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
