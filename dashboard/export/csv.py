"""Tables for other programs: UTF-8 with the mark that spreadsheets look for, text cells that cannot become formulas."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from dashboard.export.report import Report, Row, yuan_of
from dashboard.export.text import guarded
from dashboard.words import Words

_UNITS: dict[str, Callable[[Words], str]] = {
    "money": lambda w: w("yuan"), "share": lambda w: w("share"), "count": lambda w: w("number"),
    "months": lambda w: w("months"), "days": lambda w: w("days"),
}  # fmt: skip


def write(r: Report, path: Path) -> Path:
    """Figures, long: how the result was made, its sentences, its figures; money in yuan, shares as parts of one."""
    w = r.w
    head = [w("part"), w("key"), w("name"), w("value"), w("interval from"), w("interval to"), w.term("conservative"), w("unit"), w("remark")]  # fmt: skip
    rows: list[list[Any]] = [[w("mark"), "", text] for text in r.warnings]
    rows += [[w("made by"), "", name, value] for name, value in r.made]
    rows += [[w("answer"), "", text] for text in r.sentences]
    for part, figures in ((w("figures"), r.figures), (w("cases"), r.cases), (w("claims of the year"), r.claims)):
        rows += [[part, *_figure(row, r)] for row in figures]
    for name, account, need, chance in r.by_lender:
        rows.append([w.term("lender"), "sub_account_yuan", name, account, None, None, None, w("yuan")])
        rows.append([w.term("lender"), "need_yuan", name, need, None, None, None, w("yuan")])
        rows.append([w.term("lender"), "shortfall_chance", name, chance, None, None, None, w("share")])
    for block in r.blocks:
        rows += [
            [block.title, line.key, line.name if len(block.columns) == 1 else w.named(line.name, column), e.get("value"), *(e.get("ci95") or (None, None)), None, _UNITS[line.unit](w)]
            for line in block.lines for column, e in zip(block.columns, line.estimates, strict=True)
        ]  # fmt: skip
    rows += [[w("townships"), t.key, name] for t, name in zip(r.answer.scenario.townships, r.townships, strict=True)]
    rows += [[w("sources"), kind, fields, why] for fields, kind, why in r.sources]
    return _written(path, head, (row + [None] * (len(head) - len(row)) for row in rows))


def write_histories(r: Report, path: Path) -> Path:
    """One row a simulated year, with the number of the result in each: rows get copied elsewhere."""
    w, h, d = r.w, r.sample, r.data
    accounts = r.lenders if r.parts.size > 1 else [w("all")]
    money = [
        (w("need of the year"), "need_fen"), *((w("need of {lender}", lender=name), f"need_{i}_fen") for i, name in enumerate(accounts)),
        (w("paid by the fund"), "payout_fen"), (w("defaulted principal"), "defaulted_fen"),
    ]  # fmt: skip
    head = [w("history"), *(w.bracketed(name, w("yuan")) for name, _ in money), w("dry opening"), w("weight"), w("result number"), w("seed"), w("version"), w("mark")]  # fmt: skip
    made = [r.number, d["seed"], d["provenance"]["version"], r.mark]
    columns = [
        h["replication"].tolist(),
        *(yuan_of(h[c]).tolist() for _, c in money),
        h["dry_opening"].astype(int).tolist(),
        r.mass.tolist(),
    ]
    return _written(path, head, ([*row, *made] for row in zip(*columns, strict=True)))


def _figure(row: Row, r: Report) -> list[Any]:
    e = row.estimate
    low, high = e.get("ci95") or (None, None)
    unit = r.w("yuan") if row.is_money else r.w("share")
    return [
        row.key,
        row.name,
        e.get("value"),
        low,
        high,
        e.get("conservative"),
        unit,
        r.w.reason(str(e.get("reason") or "")),
    ]


def _written(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """Write a table; numbers stay numbers, a negative one keeps its sign."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        for row in ([*head], *rows):
            out.writerow([guarded(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row])
    return path
