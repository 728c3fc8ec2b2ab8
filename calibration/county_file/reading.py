"""Reads a filled county file: every cell is checked, and either all of it is taken or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calibration.county_file import problems as wrong_with
from calibration.county_file.building import alternative_of, at_own_anchor, built
from calibration.county_file.form import RULES, Field, fields_of, percent, said, shown
from calibration.county_file.lists import Lists, defaults, read_lists
from calibration.county_file.loans import has_loans, read_loans
from calibration.county_file.problems import CountyProblems, Problem, of_fault, short
from calibration.county_file.texts import text
from calibration.county_file.values import Cell, Fault, value_of
from calibration.county_file.workbook import Book, Row, Sheet, open_book
from sim.errors import InputError
from sim.scenario import Lender, Scenario, scenario_names


@dataclass(frozen=True)
class Change:
    """A filled cell, as a preview shows it."""

    sheet: str
    row: str
    column: str
    unit: str
    default: str
    own: str
    alternative: str

    @property
    def is_new(self) -> bool:
        """Does the county's own value differ from the default?"""
        return bool(self.own) and self.own != self.default


@dataclass(frozen=True)
class CountyFile:
    """What a county file says.

    Attributes
    ----------
    path : Path or None
        None where the values were typed into a page.
    base, scenario : Scenario
        The scenario underneath, and the county's own. With a loan book its ``opening.file`` is `BOOK`, which
        `save_county` writes.
    alternative : Scenario or None
        The own scenario with the alternative values.
    changes : list of Change
        Every filled cell.
    n_loans : int
        Loans of the sheet that are open on the information date; 0 without a loan book.
    completeness : dict of str to (filled, asked)
        By sheet: what every county is asked for.
    lang : {"zh", "en"}
    book_sheet : str
        Title of the loan sheet, "" without a loan book.
    own_townships : bool
        The file names the county's townships, so that the loan book may name no other.
    """

    path: Path | None
    base: Scenario
    scenario: Scenario
    alternative: Scenario | None
    changes: list[Change]
    n_loans: int
    completeness: dict[str, tuple[int, int]]
    lang: str
    book_sheet: str = ""
    own_townships: bool = False


@dataclass
class _Found:
    """What the fields' sheets say."""

    own: dict[str, Any] = field(default_factory=dict)
    alternative: dict[str, Any] = field(default_factory=dict)
    at: dict[tuple[str, str], tuple[Sheet, Row]] = field(default_factory=dict)  # (key, column): where it was typed
    problems: list[Problem] = field(default_factory=list)


def read_county(path: Path | str, base: Scenario | None = None, lang: str | None = None) -> CountyFile:
    """Read a filled template.

    Parameters
    ----------
    path : Path or str
    base : Scenario, optional
        The scenario underneath; by default the shipped one that the template names.
    lang : {"zh", "en"}, optional
        Language of what is said; by default the file's.

    Raises
    ------
    CountyProblems
        All cells that are not taken; nothing is imported.
    """
    path = Path(path)
    book = open_book(path, lang)
    say = lang or book.lang
    if base is None:
        if book.base not in scenario_names():
            allowed = text("allowed.base", say, names=", ".join(scenario_names()))
            raise wrong_with.of_file(path.name, book.base or text("found.nothing", say), allowed, say)
        base = Scenario.load(book.base)
    return _interpreted(book.sheets, base, book.lang, say, path, book)


def check_sheets(sheets: Mapping[str, Sheet], base: Scenario, lang: str, name: str) -> CountyFile:
    """The same checks for values that were typed into a page.

    Raises
    ------
    CountyProblems
    """
    return _interpreted(dict(sheets), base, lang, lang, None, None, name)


def _interpreted(
    sheets: dict[str, Sheet], base: Scenario, lang: str, say: str, path: Path | None, book: Book | None, name: str = ""
) -> CountyFile:  # fmt: skip
    fields = {f.key: f for f in fields_of(base)}
    found = _read_fields(sheets, fields, lang, say)
    lists = read_lists(sheets, base, lang, say)
    problems = [*(book.problems if book else []), *found.problems, *lists.problems]
    problems += _sums(found, fields, say) + _dates(found, base, say)
    file = path.name if path else name
    own = at_own_anchor({**found.own, **lists.own})
    alternative = at_own_anchor({**found.alternative, **lists.alternative}, own)
    with_loans = book is not None and "loans" in book.titles and has_loans(book)
    n_loans, towns = 0, None
    if with_loans and book is not None and path is not None:
        n_loans, towns = _loans(path, book, base, own, found, problems, say)
    if problems:
        raise CountyProblems(file, problems, say)
    if not own and not alternative and not with_loans:
        return CountyFile(path, base, base, None, [], 0, _completeness(sheets, fields, found, lists, base, 0), lang)
    raw = built(base, own, file, with_loans=with_loans, towns=towns, n_accounts=lists.n_accounts)
    scenario = _checked(raw, found, fields, file, say)
    second = _checked(alternative_of(scenario, alternative), found, fields, file, say) if alternative else None
    return CountyFile(
        path, base, scenario, second, _changes(found, fields, lists, say), n_loans,
        _completeness(sheets, fields, found, lists, base, n_loans), lang,
        book.titles["loans"] if with_loans and book else "", "townships" in own,
    )  # fmt: skip


# --- cells -----------------------------------------------------------------------------------------------


def _read_fields(sheets: Mapping[str, Sheet], fields: Mapping[str, Field], lang: str, say: str) -> _Found:
    out = _Found()
    for key in ("county", "parameters"):
        if key not in sheets:
            continue
        seen: set[str] = set()
        for row in sheets[key].rows:
            _read_row(sheets[key], row, fields, seen, lang, say, out)
    return out


def _read_row(
    sheet: Sheet, row: Row, fields: Mapping[str, Field], seen: set[str], lang: str, say: str, out: _Found
) -> None:
    typed = {name: cell for name, cell in row.cells.items() if not cell.is_blank}
    f = fields.get(row.code)
    if typed and f is None:
        name, cell = next(iter(typed.items()))
        fault = Fault("not_here" if row.code else "code_missing")
        out.problems.append(of_fault(fault, cell, _where(sheet, row, name, None, say), say))
        return
    if f is None:
        return
    if row.code in seen:
        fault = Fault("code_twice", found=row.code)
        out.problems.append(of_fault(fault, Cell(), _where(sheet, row, "code", f, say), say))
        return
    seen.add(row.code)
    for name, cell in typed.items():
        out.at[f.key, name] = sheet, row
        value = value_of(cell, f, lang)
        if isinstance(value, Fault):
            out.problems.append(of_fault(value, cell, _where(sheet, row, name, f, say), say))
        else:
            (out.own if name == "own" else out.alternative)[f.key] = value


def _where(sheet: Sheet, row: Row, column: str, f: Field | None, say: str) -> tuple[str, str, str, str]:
    called = f.label[say] if f else text("heading.row", say, k=row.number)
    return sheet.title, sheet.at(row, column), called, text(f"heading.{column}", say)


# --- what must hold between cells ------------------------------------------------------------------------


def _sums(found: _Found, fields: Mapping[str, Field], say: str) -> list[Problem]:
    """Parts that must add up, blank ones with their default."""
    out = []
    for column, layers in (("own", [found.own]), ("alternative", [found.own, found.alternative])):
        for name in dict.fromkeys(f.adds_up for f in fields.values() if f.adds_up):
            members = [f for f in fields.values() if f.adds_up == name]
            first = next((f for f in members if f.key in layers[-1]), None)
            if first is None or any((f.key, column) in found.at and f.key not in layers[-1] for f in members):
                continue  # nothing typed, or a cell of the group is already listed
            values = [next((x[f.key] for x in reversed(layers) if f.key in x), f.default) for f in members]
            if abs(sum(values) - 1) > 1e-9:
                fault = Fault("adds_up", found=text("found.total", say, total=said(round(percent(sum(values)), 4))))
                where = _where(*found.at[first.key, column], column, first, say)
                out.append(of_fault(fault, Cell(), where, say))
    return out


def _dates(found: _Found, base: Scenario, say: str) -> list[Problem]:
    """The information date lies in the year before the sized year, or is 1 January of it."""
    out = []
    for column, layers in (("own", [found.own]), ("alternative", [found.own, found.alternative])):
        typed = [key for key in ("information_on", "sized_year") if key in layers[-1]]
        if not typed or any(
            (key, column) in found.at and key not in layers[-1] for key in ("information_on", "sized_year")
        ):
            continue
        merged = {key: value for layer in layers for key, value in layer.items()}
        year, day = merged.get("sized_year", base.sized_year), merged.get("information_on", base.information_on)
        if not dt.date(year - 1, 1, 1) <= day <= dt.date(year, 1, 1):
            f = next(f for f in fields_of(base) if f.key == "information_on")
            key = "information_on" if ("information_on", column) in found.at else "sized_year"
            fault = Fault("information_date", {"first": f"{year - 1}-01-01", "last": f"{year}-01-01"}, said(day))
            sheet, row = found.at[key, column]
            at = sheet.at(row, column)
            out.append(of_fault(fault, Cell(), (sheet.title, at, f.label[say], text(f"heading.{column}", say)), say))
    return out


def _loans(
    path: Path, book: Book, base: Scenario, own: Mapping[str, Any], found: _Found, problems: list[Problem], say: str
) -> tuple[int, list[str] | None]:  # fmt: skip
    """Open loans of the sheet, and the townships that it names where the file names none."""
    if ("information_on", "own") not in found.at:
        sheet = book.sheets.get("county")
        row = next((r for r in sheet.rows if r.code == "information_on"), None) if sheet else None
        if sheet is not None and row is not None:
            f = next(f for f in fields_of(base) if f.key == "information_on")
            problems.append(of_fault(Fault("book_date"), Cell(), _where(sheet, row, "own", f, say), say))
    lenders = [Lender.model_validate(x) for x in own["lenders"]] if "lenders" in own else base.lenders
    towns = own.get("townships")
    known = {t["key"]: (t["key"], *t["label"].values()) for t in towns} if towns else None
    on = own.get("information_on", base.information_on)
    rules = base.law().loan
    limits = (
        max(own.get("rules.loan.ceiling_yuan", rules.ceiling_yuan), rules.extra_ceiling_yuan or 0),
        own.get("rules.loan.term_max_months", rules.term_max_months),
    )
    ledger, listed = read_loans(path, book, limits, lenders, known, on, say)
    problems += listed
    if ledger is None:
        return 0, None
    held = ledger.loans[ledger.loans["balance_fen"] > 0]
    return len(held), None if towns else sorted(held["township"].unique())


# --- the scenario ----------------------------------------------------------------------------------------


def _checked(
    raw: dict[str, Any], found: _Found, fields: Mapping[str, Field], file: str, say: str
) -> Scenario:  # fmt: skip
    """The scenario as the model reads it; what only the model knows is told at the cell that it concerns."""
    try:
        scenario = Scenario.from_dict(raw, file)
        scenario.sub_accounts_yuan()
        scenario.law()
        return scenario
    except InputError as error:
        keys = [key for key in fields if error.field and _concerns(key, error.field)]
        typed = next(((key, c) for key in keys for c in ("own", "alternative") if (key, c) in found.at), None)
        if typed is None:
            where = (file, "", error.field, "")
        else:
            where = _where(*found.at[typed], typed[1], fields[typed[0]], say)
        raise CountyProblems(file, [Problem(*where, short(str(error.value)), error.allowed)], say) from error


def _concerns(key: str, named: str) -> bool:
    plain = key.removeprefix(RULES)
    return plain.startswith(named) or named.startswith(plain)


# --- the preview -----------------------------------------------------------------------------------------


def _changes(found: _Found, fields: Mapping[str, Field], lists: Lists, lang: str) -> list[Change]:
    out = []
    for key in dict.fromkeys(key for key, _ in found.at):
        f, (sheet, _) = fields[key], found.at.get((key, "own")) or found.at[key, "alternative"]
        texts = [
            said(shown(f, x, lang)) if x is not None else ""
            for x in (f.default, found.own.get(key), found.alternative.get(key))
        ]
        column = text("heading.own" if key in found.own else "heading.alternative", lang)
        out.append(Change(sheet.title, f.label[lang], column, text(f"unit.{f.unit}", lang), *texts))
    for title, row, column, unit, *cells in lists.changes:
        out.append(Change(title, row, column, unit, *(said(x) for x in cells)))
    return out


def _completeness(
    sheets: Mapping[str, Sheet], fields: Mapping[str, Field], found: _Found, lists: Lists, base: Scenario, n_loans: int
) -> dict[str, tuple[int, int]]:  # fmt: skip
    """Filled and asked by sheet: core fields, every lender's account, the townships' names, the loan book."""
    core = [f.key for f in fields.values() if f.is_core]
    rows: Sequence[Any] = lists.own.get("lenders", defaults("lenders", base, "zh"))
    return {
        "county": (sum(key in found.own for key in core), len(core)),
        "lenders": (len(rows) if lists.n_accounts else 0, len(rows)),
        "townships": (int("townships" in lists.own), 1),
        "loans": (int(n_loans > 0), 1),
    }
