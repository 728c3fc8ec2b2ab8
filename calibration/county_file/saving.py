"""Writes what a county file says into a folder: all of it, or nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from calibration import toml_text
from calibration.county_file.building import BOOK
from calibration.county_file.reading import CountyFile
from calibration.importer import SCENARIO, import_ledger, refuse_foreign, whole_folder
from calibration.lender_names import names_of
from sim.errors import InputError
from sim.scenario import Scenario, scenario_names

KIND = "riskfund county"
MARK = "county.json"
ALTERNATIVE = "alternative.toml"
_FILES = {SCENARIO, ALTERNATIVE, MARK, BOOK, "rejected_rows.csv", "estimate.json", "import.json"}


@dataclass(frozen=True)
class Saved:
    """Where a county lies: its scenario file, the alternative and the loan book where there are any."""

    folder: Path
    scenario: Path
    alternative: Path | None
    book: Path | None


def save_county(county: CountyFile, out: Path) -> Saved:
    """Write ``scenario.toml``, ``alternative.toml`` and the loan book.

    Parameters
    ----------
    county : CountyFile
    out : Path
        A new or empty folder, or an earlier county, which is replaced.

    Raises
    ------
    InputError
        The folder holds anything else, or the loan book has changed since it was checked.
    """
    out = out.resolve()
    refuse_foreign(out, _FILES, is_earlier=(out / MARK).is_file(), earlier="county")
    with whole_folder(out) as fresh:
        if county.book_sheet:
            _write_book(county, fresh)
        _write_scenario(fresh / SCENARIO, county.scenario, county)
        if county.alternative is not None:
            _write_scenario(fresh / ALTERNATIVE, county.alternative, county)
        mark = {"kind": KIND, "base": county.base.name, "file": county.path.name if county.path else ""}
        (fresh / MARK).write_text(json.dumps(mark, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    second = out / ALTERNATIVE if county.alternative is not None else None
    return Saved(out, out / SCENARIO, second, out / BOOK if county.book_sheet else None)


def folder_for(county: CountyFile, parent: Path) -> Path:
    """A folder named by the county and its file's content, so that the same file comes to lie in the same place."""
    content = county.path.read_bytes() if county.path else repr(county.scenario).encode()
    seed = content + county.base.model_dump_json().encode()
    return parent / f"{county.scenario.name}-{hashlib.sha256(seed).hexdigest()[:8]}"


def _write_book(county: CountyFile, folder: Path) -> None:
    s, rules = county.scenario, county.scenario.law()
    assert county.path is not None
    report = import_ledger(
        county.path, folder, sheet=county.book_sheet, lang=county.lang, on=s.information_on,
        lenders=names_of(s.lenders),
        townships={t.key: (t.key, t.label.zh, t.label.en) for t in s.townships} if county.own_townships else None,
        ceiling_yuan=rules.loan.most_yuan, term_max_months=rules.loan.term_max_months,
        wait_days=rules.claim.wait_days,
    )  # fmt: skip
    if report.n_problems or report.n_open != county.n_loans:
        raise InputError(county.path.name, county.book_sheet, f"{report.n_open} loans", f"{county.n_loans}, as checked")


def _write_scenario(path: Path, scenario: Scenario, county: CountyFile) -> None:
    """As what differs from a shipped scenario where that says all of it, else with every value."""
    own, base = scenario.model_dump(mode="python", exclude_none=True), county.base
    head = (
        f"# {_one_line(scenario.title.zh)}: made from {_one_line(county.path.name if county.path else 'a page')}.\n\n"
    )
    if base.name in scenario_names():
        shipped = Scenario.load(base.name).model_dump(mode="python", exclude_none=True)
        text = f'extends = "{base.name}"\n' + toml_text.lines(toml_text.difference(shipped, own))
        path.write_text(head + text, encoding="utf-8")
        if _same(Scenario.load(str(path)), scenario, path):
            return
    path.write_text(head + toml_text.lines(toml_text.difference({}, own)), encoding="utf-8")
    if not _same(Scenario.load(str(path)), scenario, path):
        raise InputError(path.name, "scenario", "another scenario when read back", "the county's values")


def _same(read: Scenario, meant: Scenario, path: Path) -> bool:
    """Does a file say what was meant? Paths in it are made absolute when it is read."""
    if meant.opening.file == BOOK:
        meant = meant.with_changes({"opening.file": str(path.parent.resolve() / BOOK)})
    return read == meant


def _one_line(text: str) -> str:
    return " ".join(text.split())
