"""Reads a bank's loan ledger: every row is either a checked loan or a listed problem, never mended."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration.cells import dates, half_up, is_blank, scaled
from calibration.columns import ID_CARD, Columns, is_heading, is_personal, match_columns, plain_heading, suggestions
from calibration.row_checks import Check, check_rows, name_key
from calibration.table_file import Table, read_table
from calibration.text import HINT, REASONS
from sim.clock import add_months
from sim.errors import InputError
from sim.streams import entity_id

CANONICAL = (
    *("loan_id", "household_id", "lender", "township", "product", "principal_fen", "balance_fen"),
    *("originated_on", "matures_on", "repaid_on", "overdue_since", "term_months", "rate_ppm", "filed_on"),
)
DATES = ("originated_on", "matures_on", "repaid_on", "overdue_since", "filed_on")
FEN = {"": 100.0, "元": 100.0, "万元": 1_000_000.0, "分": 1.0}
_MONTHS = {"": 1.0, "月": 1.0, "年": 12.0, "天": 12 / 365.25}
_TOTALS = ("合计", "总计", "小计", "total")
_MIN_TYPICAL_YUAN = 1_000
_MAX_HINTS = 200
_NAMED = 12  # names that an error line lists
WITHHELD = "(withheld)"


@dataclass(frozen=True)
class Ledger:
    """A bank's loan ledger after reading.

    Attributes
    ----------
    loans : DataFrame
        Good rows in file order, columns `CANONICAL`. ``loan_id`` and ``household_id`` int64; money int64
        [fen]; ``rate_ppm`` int64 [1e-6 a year]; ``term_months`` int64 [months]; dates datetime64[s], NaT
        where there is none.
    problems : DataFrame
        ``row`` (Excel row number), ``column`` (heading in the file), ``value`` (as read), ``reason``.
    dropped_columns : list of str
        Headings of columns with personal data; their cells appear in nothing that is returned.
    source_name : str
    n_rows : int
        Data rows that are not empty.
    sha256 : str
        Hash of the file.
    ignored_columns, absent_fields : list of str
        Headings with no use here; fields the file has no column for, so that their values are defaults.
    suggestions : dict of str to str
        Headings with no use that look like an absent field: heading to field.
    rows, numbers : (n,) int, (n,) str
        Excel row and the bank's number of each good loan, "" where it has none; in memory only.
    """

    loans: Any
    problems: Any
    dropped_columns: list[str]
    source_name: str
    n_rows: int
    sha256: str = ""
    ignored_columns: list[str] = field(default_factory=list)
    absent_fields: list[str] = field(default_factory=list)
    suggestions: dict[str, str] = field(default_factory=dict)
    rows: Any = None
    numbers: Any = None


def read_ledger(
    path: Path | str,
    *,
    lenders: Mapping[str, Iterable[str]] | None,
    townships: Mapping[str, Iterable[str]] | None,
    on: date,
    ceiling_yuan: float | None,
    term_max_months: int | None,
    lang: str = "en",
    sheet: str | None = None,
    needs_one_good: bool = True,
    columns_given: Mapping[str, str] | None = None,
    salt: str | None = None,
) -> Ledger:
    """Read, check and pseudonymise a loan ledger.

    Household numbers are hashed with a salt made from the file's own bytes, so ids are pseudonymous, not
    anonymous: whoever holds the file can make them again. The same holds where an ID-card column is the
    only sign of a household: it is hashed and its raw values are dropped. Ids of two files do not match.

    Parameters
    ----------
    path : Path or str
        .csv (utf-8, gb18030) or .xlsx, at most 50 MB, Chinese or English headings.
    lenders, townships : mapping of key to accepted spellings, or None
        None takes the names as they are. A ``*`` in a spelling stands for any characters.
    on : date
        Day the ledger was drawn up.
    ceiling_yuan : float or None [yuan]
        Highest principal allowed.
    term_max_months : int or None [months]
        Longest term allowed.
    lang : {"en", "zh"}
        Language of the reasons.
    sheet : str, optional
        The workbook's sheet with the loans; by default the one that looks like a ledger.
    needs_one_good : bool
        False lists the problems also where no row is good.
    columns_given : mapping of field to heading, optional
        See `calibration.columns.match_columns`.
    salt : str, optional
        For household numbers; by default made from the file's bytes. Files read with one salt can be matched.

    Returns
    -------
    Ledger
        Defaults where the file has no such column: balance = principal, or 0 once repaid; rate 0; product
        "microcredit"; township "unknown"; each loan its own household. A file without maturities gets
        them from the term, and the other way round.

    Raises
    ------
    InputError
        The file cannot be read; it is empty; a required column (lender, principal, date paid out, and
        maturity or term) is missing or there twice; a unit cannot be told; or no row is good.
    """
    source = Path(path)
    named = {plain_heading(text) for text in (columns_given or {}).values()}
    table = read_table(source, lambda text: is_heading(text) or plain_heading(text) in named, sheet)
    if salt is not None:
        table = replace(table, salt=salt)
    columns = match_columns(table, townships is not None, columns_given)
    raw = _raw(table, columns)
    skip = _not_loans(table)
    parsed, checks = _parse(table, columns, raw, lenders, townships)
    limits = {"on": on, "ceiling_yuan": ceiling_yuan, "term_max_months": term_max_months}
    checks += check_rows(parsed, columns.position.keys(), limits)
    problems, is_bad = _problems(table, columns, raw, skip, checks, lang, limits)
    if needs_one_good:
        _require_a_lender(table.name, raw, parsed, lenders)
        _require_one_good(table.name, problems, is_bad)
    loans = _loans(table, parsed[~is_bad], has_own_id="loan_no" in parsed)
    absent = [name for name in _FIELDS if name not in columns.position]
    numbers = parsed.loc[~is_bad, "loan_no"] if "loan_no" in parsed else pd.Series("", index=parsed.index[~is_bad])
    return Ledger(
        *(loans, problems, columns.dropped, table.name, len(table.rows), table.sha256),
        *(columns.ignored, absent, suggestions(columns)),
        rows=np.array(table.row_numbers)[~is_bad],
        numbers=numbers.to_numpy(),
    )


_FIELDS = (
    *("household_id", "township", "product", "balance", "matures_on", "term", "rate"),
    *("overdue_since", "repaid_on", "filed_on"),
)


def _require_a_lender(where: str, raw: Any, parsed: Any, lenders: Mapping[str, Iterable[str]] | None) -> None:
    """A ledger that calls every lender otherwise than the scenario: say how to tell which is which."""
    if lenders is None or parsed["lender"].notna().any() or is_blank(raw["lender"]).all():
        return
    found = ", ".join(WITHHELD if is_personal(x) else x for x in raw["lender"].value_counts().index[:_NAMED])
    own = {key: [name for name in names if name != key and "*" not in name] for key, names in lenders.items()}
    known = "; ".join(f"{key} ({', '.join(names)})" if names else key for key, names in own.items())
    allowed = f"a lender of the scenario: {known}; say which is which with --lender LENDER=NAME"
    raise InputError(where, "lender", found, allowed)


def _require_one_good(where: str, problems: Any, is_bad: Any) -> None:
    if is_bad.all():
        first = problems.iloc[0]
        found = f"{len(is_bad)} rows, all with problems; first: row {first['row']}, {first['column']}"
        raise InputError(where, "table", f"{found}, {first['reason']}", "at least one good row")


def _raw(table: Table, columns: Columns) -> Any:
    """(n, n_fields) DataFrame of text, one column a field; private columns stay behind."""
    at = dict(columns.position)
    if columns.id_card is not None:
        at["household_id"] = columns.id_card
    return pd.DataFrame({name: [row[i] for row in table.rows] for name, i in at.items()}, dtype=object)


def _not_loans(table: Table) -> dict[str, Any]:
    """(n,) bool masks of rows that are no loan at all, by reason."""
    is_total = [any(c.replace(" ", "").lower().startswith(_TOTALS) for c in row[:3]) for row in table.rows]
    is_long = [number in table.overlong for number in table.row_numbers]
    return {"total": np.array(is_total), "too_long": np.array(is_long)}


def _parse(
    table: Table,
    columns: Columns,
    raw: Any,
    lenders: Mapping[str, Iterable[str]] | None,
    townships: Mapping[str, Iterable[str]] | None,
) -> tuple[Any, list[Check]]:
    """Typed columns, NaN where unreadable, and what could not be read."""
    checks: list[Check] = []
    out = pd.DataFrame(index=raw.index)
    blank = {name: is_blank(raw[name]) for name in raw}

    def keep(name: str, column: str, values: Any, reason: str, optional: bool = False) -> None:
        out[column] = values.where(~blank[name])
        if not optional:
            checks.append(Check(name, blank[name], "missing"))
        checks.append(Check(name, ~blank[name] & out[column].isna(), reason))

    for name, spellings in (("lender", lenders), ("township", townships)):
        if name in raw:
            keys, hints = _canonical(table.name, name, raw[name], spellings)
            out[name] = keys.where(~blank[name])
            checks += [Check(name, blank[name], "missing")]
            checks += [Check(name, ~blank[name] & keys.isna(), "unknown_name", hints)]
    for name in ("lender", "township", "product"):
        if name in raw:  # the only text that is kept as it stands
            has_person = raw[name].map({text: is_personal(text) for text in raw[name].unique()})
            checks.append(Check(name, has_person & ~blank[name], "personal"))
    for name in DATES:
        if name in raw:
            is_optional = name not in ("originated_on", "matures_on")
            keep(name, name, dates(raw[name]), "date", is_optional)
    for name in ("principal", "balance"):
        if name in raw:
            keep(name, f"{name}_fen", _fen(table, columns, raw, name), "number", name == "balance")
    if "term" in raw:
        months = scaled(raw["term"], columns.unit["term"], _MONTHS)
        is_days = columns.unit["term"] == "天"
        is_whole = is_days | raw["term"].str.contains("天|日|day") | (months == np.floor(months))
        checks.append(Check("term", months.notna() & ~is_whole & ~blank["term"], "whole_months"))
        keep("term", "term_months", half_up(months), "number")
    if "rate" in raw:
        keep("rate", "rate_ppm", _rate_ppm(columns, raw["rate"]), "number")
    for name in ("household_id", "loan_id", "contract_id"):
        if name in raw:
            out[name] = raw[name]
            checks.append(Check(name, blank[name], "missing"))
    if columns.id_card is not None:
        is_card = raw["household_id"].map(lambda text: bool(ID_CARD.fullmatch(text)))
        checks.append(Check("household_id", ~blank["household_id"] & ~is_card, "id_card"))
        out["household_id"] = out["household_id"].str.upper()
    out["is_balance_blank"] = blank.get("balance", False)
    if "product" in raw:
        out["product"] = raw["product"].where(~blank["product"], "microcredit")
    number = "loan_id" if "loan_id" in raw else "contract_id"
    if number in raw:
        out["loan_no"] = raw[number].where(~blank[number])
    return out, checks


def _canonical(
    where: str, field_name: str, names: Any, spellings: Mapping[str, Iterable[str]] | None
) -> tuple[Any, Any]:
    """Keys of names (None where unknown) and the nearest valid name for each unknown one."""
    if spellings is None:
        return names, pd.Series("", index=names.index, dtype=object)
    key_of: dict[str, str] = {}
    shown: dict[str, str] = {}
    for key, accepted in spellings.items():
        for spelling in (key, *accepted):
            plain = name_key(spelling)
            if key_of.setdefault(plain, key) != key:
                raise InputError(where, field_name, spelling, f"one meaning; now {key_of[plain]} and {key}")
            if "*" not in spelling:
                shown[plain] = spelling
    patterns = [(plain, key) for plain, key in key_of.items() if "*" in plain]
    unique = {name: key_of.get(name_key(name)) or _by_pattern(name_key(name), patterns) for name in names.unique()}
    # A file of nothing but wrong names must not take minutes: the first two hundred get a hint.
    unknown = [name for name, key in unique.items() if key is None][:_MAX_HINTS]
    hint_of = dict.fromkeys(unique, "")
    for name in unknown:
        for found in difflib.get_close_matches(name_key(name), list(shown), 1, 0.4):
            hint_of[name] = shown[found]
    return names.map(unique).astype(object), names.map(hint_of)


def _by_pattern(name: str, patterns: list[tuple[str, str]]) -> str | None:
    """The one key of which a pattern fits; none where two do."""
    found = {key for pattern, key in patterns if fnmatchcase(name, pattern)}
    return found.pop() if len(found) == 1 else None


def _fen(table: Table, columns: Columns, raw: Any, name: str) -> Any:
    text, unit = raw[name], columns.unit[name]
    values = scaled(text, unit, FEN)
    bare = values[~text.str.contains(r"\D$", regex=True)].median()
    if name == "principal" and not unit and bare < _MIN_TYPICAL_YUAN * 100:
        typical = f"typical loan {bare / 100:g} yuan, no unit"
        heading = table.headers[columns.position[name]]
        raise InputError(table.name, heading, typical, "a heading with its unit, for example 贷款金额(万元)")
    return half_up(values)


def _rate_ppm(columns: Columns, text: Any) -> Any:
    """Yearly rates in parts per million.

    Without any unit a column whose rates are all at most 0.24 is taken as fractions, else as per cents.
    """
    unit = columns.unit["rate"]
    scales = {"": np.nan, "%": 1e4, "‰": 1e3, "ppm": 1.0}
    if unit == "":
        plain = pd.to_numeric(text, errors="coerce")
        scales[""] = 1e6 if plain.max() <= 0.24 else 1e4
    return half_up(scaled(text, unit, scales) * (12 if columns.is_monthly_rate else 1))


def _problems(
    table: Table,
    columns: Columns,
    raw: Any,
    skip: dict[str, Any],
    checks: list[Check],
    lang: str,
    limits: Mapping[str, Any],
) -> tuple[Any, Any]:
    """The list of problems, sorted by row and column, and the (n,) mask of bad rows."""
    numbers = np.array(table.row_numbers)
    skipped = np.zeros(len(numbers), dtype=bool)
    found: list[tuple[int, int, str, str, str]] = []
    for code, mask in skip.items():
        rows = np.flatnonzero(mask & ~skipped)
        found += [(int(numbers[i]), -1, "(row)", "", REASONS[code][lang]) for i in rows]
        skipped |= mask
    is_bad = skipped.copy()
    private = {row[i] for i in columns.dropped_at for row in table.rows}
    words = {key: f"{value:,.10g}" for key, value in limits.items() if isinstance(value, int | float)}
    for check in checks:
        mask = np.asarray(check.mask, dtype=bool) & ~skipped
        is_bad |= mask
        position = columns.position.get(check.field, columns.id_card)
        assert position is not None
        texts = list(raw[check.field])
        hints = None if check.hints is None else list(check.hints)
        for i in np.flatnonzero(mask):
            text = str(texts[i])
            is_hidden = position == columns.id_card or text in private or is_personal(text)
            name = "" if hints is None else hints[i]
            hint = HINT[lang].format(name=name) if name else ""
            reason = REASONS[check.reason][lang].format(hint=hint, on=limits["on"], limit=words.get(check.limit, ""))
            shown = WITHHELD if is_hidden and text else text
            found.append((int(numbers[i]), position, table.headers[position], shown, reason))
    listed = [(row, heading, value, reason) for row, _, heading, value, reason in sorted(found)]
    return pd.DataFrame(listed, columns=["row", "column", "value", "reason"]), is_bad


def _loans(table: Table, parsed: Any, has_own_id: bool) -> Any:
    """Good rows in canonical form."""
    good = parsed.copy()
    for name, default in (("township", "unknown"), ("product", "microcredit"), ("rate_ppm", 0)):
        if name not in good:
            good[name] = default
    for name in DATES:
        if name not in good:
            good[name] = pd.NaT
        good[name] = good[name].astype("datetime64[s]")
    _fill_terms(good)
    _fill_balances(good)
    whole = ["principal_fen", "balance_fen", "rate_ppm", "term_months"]
    good[whole] = good[whole].astype(np.int64)
    if "household_id" in good:
        households = [entity_id("household", table.salt, text) for text in good["household_id"]]
        good["household_id"] = np.array(households, dtype=np.int64)
    if has_own_id:
        keys = zip(good["lender"], good["loan_no"], strict=True)
    else:
        first = ["household_id"] if "household_id" in good else []
        by = [*first, "lender", "originated_on", "principal_fen"]
        good["ordinal"] = good.groupby(by, sort=False).cumcount()
        keys = zip(*(good[name] for name in [*by, "ordinal"]), strict=True)
    good["loan_id"] = np.array([entity_id("loan", *key) for key in keys], dtype=np.int64)
    if "household_id" not in good:
        own = [entity_id("household", table.salt, "loan", loan) for loan in good["loan_id"]]
        good["household_id"] = np.array(own, dtype=np.int64)
    text = ["lender", "township", "product"]
    good[text] = good[text].astype(str)
    return good[list(CANONICAL)].reset_index(drop=True)


def _fill_terms(good: Any) -> None:
    started = good["originated_on"].to_numpy().astype("datetime64[D]").astype(np.int64)
    if good["matures_on"].isna().any():  # the file has no such column: an empty cell would be a problem
        ends = add_months(started, good["term_months"].to_numpy().astype(np.int64))
        good["matures_on"] = ends.astype("datetime64[D]").astype("datetime64[s]")
    if "term_months" not in good:
        ends = good["matures_on"].to_numpy().astype("datetime64[D]").astype(np.int64)
        good["term_months"] = np.maximum(1, half_up((ends - started) * 12 / 365.25))


def _fill_balances(good: Any) -> None:
    unpaid = good["principal_fen"].where(good["repaid_on"].isna(), 0)
    good["balance_fen"] = good["balance_fen"].fillna(0) if "balance_fen" in good else unpaid
