"""The sheets of lenders and townships: lists that a county keeps, or replaces by its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from calibration.county_file import values
from calibration.county_file.form import money, percent, said, set_sizes
from calibration.county_file.problems import Problem, of_fault, short
from calibration.county_file.texts import text
from calibration.county_file.values import Cell, Fault
from calibration.county_file.workbook import Row, Sheet
from calibration.row_checks import name_key
from sim.scenario import Scenario

MAX_HOUSEHOLDS = 1_000_000
BLANK_ROWS = {"lenders": 8, "townships": 40}  # rows of the template, with those of the scenario

Read = Callable[[Cell], Any]


@dataclass
class Lists:
    """What the two sheets say.

    Attributes
    ----------
    own, alternative : dict of str to object
        Changed fields: ``lenders``, ``townships``, ``opening.balance_yuan``.
    changes : list of tuple
        Sheet, row, column, unit, default, own, alternative of every filled cell, as shown.
    problems : list of Problem
    n_accounts : int
        Lenders whose own sub-account was given.
    """

    own: dict[str, Any] = field(default_factory=dict)
    alternative: dict[str, Any] = field(default_factory=dict)
    changes: list[tuple[str, str, str, str, Any, Any, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    n_accounts: int = 0


def read_lists(sheets: dict[str, Sheet], base: Scenario, lang: str, say: str) -> Lists:
    """Read both sheets; ``lang`` is the file's, ``say`` the reader's."""
    out = Lists()
    if "lenders" in sheets:
        _lenders(sheets["lenders"], base, lang, say, out)
    if "townships" in sheets:
        _townships(sheets["townships"], base, lang, say, out)
    return out


def defaults(key: str, base: Scenario, lang: str) -> list[dict[str, Any]]:
    """The scenario's own rows of a sheet, as their cells show them."""
    if key == "lenders":
        sizes = set_sizes(base)
        balances = {**sizes, **(base.opening.balance_yuan or {})}
        return [
            {
                "default_name": x.label.get(lang),
                "default_account": money(sizes[x.key], lang) if x.key in sizes else "",
                "default_balance": money(balances[x.key], lang) if x.key in balances else "",
            }
            for x in base.lenders
        ]
    shares = base.township_shares()
    return [
        {
            "default_name": t.label.get(lang),
            "default_share": percent(share),
            "default_households": t.households or "",
        }
        for t, share in zip(base.townships, shares, strict=True)
    ]


class _Table:
    """One sheet: its cells read and checked, its rows chosen."""

    def __init__(self, sheet: Sheet, base: Scenario, lang: str, say: str, reads: dict[str, Read], out: Lists) -> None:
        self.sheet, self.say, self.out = sheet, say, out
        self.shown = defaults(sheet.key, base, lang)
        self.lang = lang
        self.found: dict[int, dict[str, Any]] = {}  # place in the list: what was typed and read
        self.rows: dict[int, Row] = {}
        self.n_typed = 0
        for row in sheet.rows:
            self._take(row, reads)

    def _take(self, row: Row, reads: dict[str, Read]) -> None:
        typed = {name: cell for name, cell in row.cells.items() if not cell.is_blank}
        place = row.code.removeprefix(f"{self.sheet.key}.")
        if not place.isdigit() or not 1 <= int(place) <= 500:
            if typed:
                self.refuse(row, next(iter(typed)), Fault("code_missing"))
            return
        k = int(place) - 1
        if k in self.rows:
            self.refuse(row, "code", Fault("code_twice", found=row.code))
            return
        self.rows[k], self.found[k] = row, {}
        for name, cell in typed.items():
            self.n_typed += 1
            value = values.unusable(cell) or reads[name](cell)
            if isinstance(value, Fault):
                self.refuse(row, name, value)
                self.found[k][name] = None
            else:
                self.found[k][name] = value

    def refuse(self, row: Row, column: str, fault: Fault) -> None:
        """List a problem with a cell of this sheet."""
        cell = row.cells.get(column, Cell())
        at = self.sheet.at(row, column)
        heading = text(f"heading.{column}", self.say)
        self.out.problems.append(of_fault(fault, cell, (self.sheet.title, at, self.name(row), heading), self.say))

    def name(self, row: Row) -> str:
        """What the row is called."""
        place = row.code.removeprefix(f"{self.sheet.key}.")
        key = "heading.lender_row" if self.sheet.key == "lenders" else "heading.township_row"
        if not place.isdigit():
            return text("heading.row", self.say, k=row.number)
        k = int(place) - 1
        own = self.found.get(k, {}).get("own_name")
        shown = own or (self.shown[k]["default_name"] if k < len(self.shown) else "")
        called = text(key, self.say, k=place)
        return f"{called} {short(shown)}" if shown else called

    def chosen(self) -> list[int]:
        """Places in the list: the own rows where there are own names, else the scenario's."""
        named = sorted(k for k, typed in self.found.items() if "own_name" in typed)
        self.has_own_names = bool(named)
        for k, typed in sorted(self.found.items()):
            needs_name = bool(named) or k >= len(self.shown)
            if typed and needs_name and "own_name" not in typed:
                self.refuse(self.rows[k], "own_name", Fault("name_missing"))
        return named or list(range(len(self.shown)))

    def check_names(self, names: dict[int, str]) -> None:
        """Two rows of one name cannot be told apart."""
        seen: set[str] = set()
        for k, name in names.items():
            if name_key(name) in seen:
                self.refuse(self.rows[k], "own_name", Fault("name_twice"))
            seen.add(name_key(name))

    def value(self, k: int, column: str) -> Any:
        """What was typed, None where nothing was."""
        return self.found.get(k, {}).get(column)

    def changed(self, names: Sequence[tuple[str, str, str, str, Callable[[Any], Any]]]) -> None:
        """Note the filled cells for the preview: default, own and alternative column, unit, how a value is shown."""
        for k, row in sorted(self.rows.items()):
            for default, own, alternative, unit, show in names:
                typed = [self.value(k, own), self.value(k, alternative)]
                if all(x is None for x in typed):
                    continue
                was = self.shown[k][default] if k < len(self.shown) else ""
                seen = ["" if x is None else show(x) for x in typed]
                seen[1] = "" if own == alternative else seen[1]  # a name has no alternative
                heading = text(f"heading.{own if typed[0] is not None else alternative}", self.say)
                words = text(f"unit.{unit}", self.lang) if unit else ""
                self.out.changes.append((self.sheet.title, self.name(row), heading, words, was, seen[0], seen[1]))


def _lenders(sheet: Sheet, base: Scenario, lang: str, say: str, out: Lists) -> None:
    def read_yuan(cell: Cell) -> Any:
        return values.amount(cell, lang)

    money_columns = ("own_account", "own_balance", "alternative_account", "alternative_balance")
    table = _Table(sheet, base, lang, say, {"own_name": values.name_of, **dict.fromkeys(money_columns, read_yuan)}, out)
    places = table.chosen()
    keys = {k: base.lenders[k].key if k < len(base.lenders) else f"bank{k + 1}" for k in places}
    sizes = set_sizes(base)
    for k in places:
        if table.value(k, "own_account") is None and keys[k] not in sizes and k in table.rows:
            table.refuse(table.rows[k], "own_account", Fault("account_missing"))
    table.check_names({k: name for k in places if (name := table.value(k, "own_name"))})
    own = [_lender(k, keys[k], base, table, "own_account") for k in places]
    if any(table.value(k, column) is not None for k in places for column in ("own_name", "own_account")):
        out.own["lenders"] = own
    out.n_accounts = sum(table.value(k, "own_account") is not None for k in places)
    out.n_accounts = out.n_accounts if out.n_accounts == len(places) else 0
    if any(table.value(k, "alternative_account") is not None for k in places):
        out.alternative["lenders"] = [_lender(k, keys[k], base, table, "alternative_account") for k in places]
    _balances(places, keys, {**sizes, **{x["key"]: x["sub_account_yuan"] for x in own if x["sub_account_yuan"] is not None}},
              base, table, out)  # fmt: skip
    table.changed([
        ("default_name", "own_name", "own_name", "", str),
        ("default_account", "own_account", "alternative_account", "money", lambda x: money(x, lang)),
        ("default_balance", "own_balance", "alternative_balance", "money", lambda x: money(x, lang)),
    ])  # fmt: skip


def _lender(k: int, key: str, base: Scenario, table: _Table, column: str) -> dict[str, Any]:
    given = base.lenders[k] if k < len(base.lenders) else None
    name = table.value(k, "own_name")
    label = {"zh": name, "en": name} if name else given.label.model_dump() if given else {"zh": key, "en": key}
    yuan = next((x for c in (column, "own_account") if (x := table.value(k, c)) is not None), None)
    return {
        "key": key,
        "label": label,
        "sub_account_yuan": yuan if yuan is not None else given and given.sub_account_yuan,
    }


def _balances(places: list[int], keys: dict[int, str], sizes: dict[str, int], base: Scenario, table: _Table,
              out: Lists) -> None:  # fmt: skip
    """What is in the accounts now; of lenders that say nothing, the scenario's figure or the set size."""
    kept = base.opening.balance_yuan or {}

    def of(columns: tuple[str, ...]) -> dict[str, int]:
        rest = {k: kept.get(keys[k], sizes.get(keys[k], 0)) for k in places}
        return {
            keys[k]: next((int(x) for c in columns if (x := table.value(k, c)) is not None), rest[k]) for k in places
        }

    if any(table.value(k, "own_balance") is not None for k in places) or (kept and "lenders" in out.own):
        out.own["opening.balance_yuan"] = of(("own_balance",))
    if any(table.value(k, "alternative_balance") is not None for k in places):
        out.alternative["opening.balance_yuan"] = of(("alternative_balance", "own_balance"))


def _townships(sheet: Sheet, base: Scenario, lang: str, say: str, out: Lists) -> None:
    def read_households(cell: Cell) -> Any:
        return values.whole(cell, 1, MAX_HOUSEHOLDS, text("unit.households", lang))

    reads: dict[str, Read] = {
        "own_name": values.name_of, "own_share": values.share, "alternative_share": values.share,
        "own_households": read_households,
    }  # fmt: skip
    table = _Table(sheet, base, lang, say, reads, out)
    places = table.chosen()
    table.check_names({k: name for k in places if (name := table.value(k, "own_name"))})
    shares = _shares(places, "own_share", base, table)
    columns = ("own_name", "own_share", "own_households")
    if any(table.value(k, column) is not None for k in places for column in columns):
        out.own["townships"] = [_township(k, base, table, shares) for k in places]
    if any(table.value(k, "alternative_share") is not None for k in places):
        shares = _shares(places, "alternative_share", base, table)
        out.alternative["townships"] = [_township(k, base, table, shares) for k in places]
    table.changed([
        ("default_name", "own_name", "own_name", "", str),
        ("default_share", "own_share", "alternative_share", "share", percent),
        ("default_households", "own_households", "own_households", "households", int),
    ])  # fmt: skip


def _township(k: int, base: Scenario, table: _Table, shares: dict[int, float | None]) -> dict[str, Any]:
    given = base.townships[k] if k < len(base.townships) else None
    name = table.value(k, "own_name")
    label = {"zh": name, "en": name} if name else given.label.model_dump() if given else {"zh": "", "en": ""}
    own = table.value(k, "own_households")
    key = given.key if given else f"t{k + 1:02d}"
    return {"key": key, "label": label, "share": shares[k],
            "households": own if own is not None else None if name or given is None else given.households}  # fmt: skip


def _shares(places: list[int], column: str, base: Scenario, table: _Table) -> dict[int, float | None]:
    """Shares of the list, which must add up; equal ones where none is given."""
    typed = {k: table.value(k, column) for k in places}
    first = next((k for k in places if typed[k] is not None), None)
    if first is None:
        kept = None if table.has_own_names else [t.share for t in base.townships]
        return {k: kept[k] if kept else None for k in places}
    if table.has_own_names:
        for k in places:
            if typed[k] is None and column not in table.found[k]:
                table.refuse(table.rows[k], column, Fault("shares_all"))
    else:
        typed = {k: x if x is not None else base.township_shares()[k] for k, x in typed.items()}
    total = sum(x for x in typed.values() if x is not None)
    if all(x is not None for x in typed.values()) and abs(total - 1) > 1e-9:
        found = text("found.total", table.say, total=said(round(percent(total), 4)))
        table.refuse(table.rows[first], column, Fault("adds_up", found=found))
    return typed
