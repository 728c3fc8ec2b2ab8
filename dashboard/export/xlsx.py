"""The planner's workbook: the answer, its last arithmetic in live formulas, the histories, and where values come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from xlsxwriter.utility import xl_col_to_name

from dashboard.export.book import Book
from dashboard.export.calculation import calculation, sentence
from dashboard.export.live import Columns, Live
from dashboard.export.report import Report, Row, yuan_of

_FIRST = 6  # row of the first history, from 1
_LOOKS = {"money": "money", "share": "share", "count": "yuan", "months": "yuan", "days": "yuan"}


def write(r: Report, path: Path) -> Path:
    """Write the workbook of an answer."""
    b, w = Book(r, path), r.w
    columns = _columns(r, w("Histories"))
    live = Live(r, columns)
    answer = b.sheet(w("Conclusion"), [120])
    calculated = calculation(b, live)
    _scenarios(b, calculated)
    _further(b)
    _histories(b, columns)
    _sources(b)
    _checked(
        b, w("Calibration"), w("Targets and the fitted model"), r.calibration, [60, 12, 12, 12, 12, 20, 12, 12, 12]
    )
    _checked(b, w("Forecast and fact"), w("Forecast and fact"), r.backtest, [50, 16, 24, 16, 10, 10, 16])
    _notes(b)
    _answer(b, answer, live)
    answer.activate()
    b.close()
    return path


def _columns(r: Report, sheet: str) -> Columns:
    """Places of the histories: number, need, need by account, what was paid, what went bad, drought, weights."""
    k = r.parts.size
    names = [xl_col_to_name(i) for i in range(7 + k)]
    last = _FIRST + len(r.sample) - 1
    return Columns(f"'{sheet}'", _FIRST, last, names[1], names[2 : 2 + k], names[5 + k], names[6 + k])


# --- sheets ------------------------------------------------------------------------------------------


def _answer(b: Book, sheet: Any, live: Live) -> None:
    """The headline as a formula of the calculation's cells, and the answer as the programme says it."""
    r, w = b.r, b.w
    row = b.top(sheet, r.heading)
    said = sentence(live)
    sheet.write_formula(row, 0, said.formula, b.look("answer"), said.value)
    sheet.set_row(row, 48)
    b.text(sheet, row + 1, 0, w("The sentence above follows the yellow cells of the sheet {sheet}; those below are the answer of the run.", sheet=w("Calculation")), "small")  # fmt: skip
    for k, text in enumerate(r.sentences):
        b.text(sheet, row + 3 + k, 0, text, "wrap bold" if k == 0 else "wrap")
        sheet.set_row(row + 3 + k, 34 if k == 0 else 20)
    b.text(sheet, row + 4 + len(r.sentences), 0, w("Unit: {unit}", unit=w.money_unit), "small")


def _scenarios(b: Book, need_cell: str) -> None:
    """The need under other assumptions, each beside this answer; the figures of the answer; the lenders."""
    r, w = b.r, b.w
    sheet = b.sheet(w("Scenarios"), [52, 18, 18, 18, 18, 30])
    row = b.top(sheet, w("The need under other assumptions"))
    unit = w.money_unit
    heads = [
        w("case"),
        w("estimate"),
        w("interval from"),
        w("interval to"),
        w.term("conservative"),
        w("less this answer"),
    ]
    b.row(sheet, row, [heads[0], *(b.w.bracketed(h, unit) for h in heads[1:])], "head")
    sheet.freeze_panes(row + 1, 1)
    for k, case in enumerate(r.cases):
        low, high = case.estimate.get("ci95") or (None, None)
        values = [case.estimate["value"], low, high, case.estimate.get("conservative")]
        cells = [None if x is None else w.in_unit(x) for x in values]
        at = row + 1 + k
        b.row(sheet, at, [case.name, *cells], ["box", *["box money"] * 4])
        own = r.data["need_yuan"]["value"]
        sheet.write_formula(at, 5, f"=B{at + 1}-{need_cell}", b.look("box money"), (cells[0] or 0.0) - w.in_unit(own))
    _case_chart(b, sheet, row, len(r.cases))
    row += len(r.cases) + 20
    row = _figures(b, sheet, row, w("Figures of the answer"), r.figures)
    row = _figures(b, sheet, row + 1, w("Where the year's claimable losses stand on 31 December (means)"), r.claims)
    _lenders(b, sheet, row + 1)


def _case_chart(b: Book, sheet: Any, row: int, n: int) -> None:
    chart, name = b.workbook.add_chart({"type": "bar"}), b.w("Scenarios")
    for column, colour in ((1, "#1F5AA6"), (4, "#8A6100")):
        chart.add_series({
            "name": [name, row, column], "categories": [name, row + 1, 0, row + n, 0],
            "values": [name, row + 1, column, row + n, column], "fill": {"color": colour}, "gap": 45,
        })  # fmt: skip
    chart.set_y_axis({"reverse": True, "crossing": "max", "interval_unit": 1})
    chart.set_x_axis({"num_format": "#,##0.##", "major_gridlines": {"visible": True, "line": {"color": "#E3E7EC"}}})
    chart.set_legend({"position": "top"})
    chart.set_size({"width": 1000, "height": 340})
    sheet.insert_chart(row + n + 2, 0, chart, {"description": b.w("The need under other assumptions")})


def _figures(b: Book, sheet: Any, row: int, title: str, rows: list[Row]) -> int:
    """A table of figures; where there is no value the reason stands."""
    w = b.w
    b.row(sheet, row, [title, w("estimate"), w("interval from"), w("interval to"), w("unit"), w("remark")], "head")
    for figure in rows:
        row += 1
        e, form = figure.estimate, "box money" if figure.is_money else "box share"
        low, high = e.get("ci95") or (None, None)
        values = [None if x is None else (w.in_unit(x) if figure.is_money else x) for x in (e["value"], low, high)]
        reason = w.reason(str(e.get("reason") or ""))
        unit = w.money_unit if figure.is_money else w("share")
        b.row(sheet, row, [figure.name, *values, unit, reason], ["box", form, form, form, "box unit", "box small"])
    return row + 1


def _lenders(b: Book, sheet: Any, row: int) -> None:
    w = b.w
    heads = [w.term("lender"), w("sub-account"), w.label("need"), w.label("shortfall_chance"), w("unit")]
    b.row(sheet, row, heads, "head")
    for name, account, need, chance in b.r.by_lender:
        row += 1
        cells = [name, w.in_unit(account), None if need is None else w.in_unit(need), chance, w.money_unit]
        b.row(sheet, row, cells, ["box", "box money", "box money", "box share", "box unit"])


def _further(b: Book) -> None:
    """Truth and report, lenders, years ahead and what else the scenario has; money in the reader's unit."""
    w, blocks = b.w, b.r.blocks
    widest = max((len(block.columns) for block in blocks), default=1)
    sheet = b.sheet(w("Further figures"), [58, *[18] * max(widest, 3), 12])
    row = b.top(sheet, w("Further figures"))
    for block in blocks:
        has_interval = len(block.columns) == 1
        columns = [*block.columns, w("interval from"), w("interval to")] if has_interval else list(block.columns)
        b.row(sheet, row, [block.title, *columns, w("unit")], "head")
        for line in block.lines:
            row += 1
            form, unit = _LOOKS[line.unit], w.money_unit if line.unit == "money" else _unit_name(line.unit, w)
            found = [e.get("value") for e in line.estimates]
            found += list(line.estimates[0].get("ci95") or (None, None)) if has_interval else []
            values = [None if x is None else w.in_unit(x) if line.unit == "money" else x for x in found]
            b.row(sheet, row, [line.name, *values, unit], ["box", *[f"box {form}"] * len(values), "box unit"])
        row += 1
        if block.note:
            b.text(sheet, row, 0, block.note, "small")
            row += 1
        row += 1


def _unit_name(unit: str, w: Any) -> str:
    return {"share": w("share"), "count": w("number"), "months": w("months"), "days": w("days")}[unit]


def _histories(b: Book, c: Columns) -> None:
    """One row a simulated year, from the smallest need to the largest [yuan]."""
    r, w, h = b.r, b.w, b.r.sample
    k = r.parts.size
    sheet = b.sheet(w("Histories"), [12, *[20] * (6 + k)])
    b.text(sheet, 0, 0, w("Simulated years, from the smallest need to the largest (yuan)"), "title")
    b.text(sheet, 1, 0, "  ".join(r.warnings), "mark")
    b.text(sheet, 2, 0, r.stamp, "small")
    accounts = r.lenders if k > 1 else [w("all")]
    heads = [w("history"), w("need of the year"), *(w("need of {lender}", lender=name) for name in accounts),
             w("paid by the fund"), w("defaulted principal"), w("dry opening"), w("weight"), w("weight so far")]  # fmt: skip
    b.row(sheet, _FIRST - 2, heads[: 5 + k] if h.is_plain else heads, "head")
    sheet.freeze_panes(_FIRST - 1, 1)
    sheet.repeat_rows(_FIRST - 2)
    sheet.autofilter(_FIRST - 2, 0, _FIRST - 2 + len(h), 4 + k)
    shown = [h["replication"], yuan_of(h["need_fen"]), *(yuan_of(h[f"need_{i}_fen"]) for i in range(k)),
             yuan_of(h["payout_fen"]), yuan_of(h["defaulted_fen"]), h["dry_opening"].astype(float)]  # fmt: skip
    looks = ["whole", *["yuan"] * (3 + k), "whole"]
    if not h.is_plain:
        shown, looks = [*shown, r.mass, np.cumsum(r.mass)], [*looks, "plain", "plain"]
    for i, (values, look) in enumerate(zip(shown, looks, strict=True)):
        sheet.write_column(_FIRST - 1, i, values.tolist(), b.look(look))


def _sources(b: Book) -> None:
    """The rules in force and the scenario's values: what is law, what is data, what is assumed."""
    r, w = b.r, b.w
    sheet = b.sheet(w("Parameters and sources"), [44, 30, 16, 90])
    row = b.top(sheet, w("Parameters and sources"))
    b.row(sheet, row, [w("rule"), w("value"), w("unit"), w("article or assumption")], "head")
    sheet.freeze_panes(row + 1, 0)
    for k, rule in enumerate(r.rules):
        b.row(sheet, row + 1 + k, rule, ["box wrap", "box wrap", "box wrap", "box wrap"])
    row += len(r.rules) + 2
    b.row(sheet, row, [w("fields of the scenario"), w("kind"), "", w("why")], "head")
    for k, (fields, kind, why) in enumerate(r.sources):
        b.row(sheet, row + 1 + k, [fields, kind, "", why], "box wrap")
    row += len(r.sources) + 2
    for k, name in enumerate(r.townships):
        b.row(sheet, row + k, [w("townships") if k == 0 else "", name], "plain")


def _checked(
    b: Book, name: str, title: str, found: tuple[list[str], list[list[str]], list[str]], widths: list[float]
) -> None:
    """A sheet on which something known stands beside the model; none where there is nothing."""
    heads, rows, texts = found
    if not rows:
        return
    sheet = b.sheet(name, widths)
    row = b.top(sheet, title)
    b.row(sheet, row, heads, "head")
    for k, cells in enumerate(rows):
        b.row(sheet, row + 1 + k, cells, "box wrap")
    for k, text in enumerate(texts):
        b.row(sheet, row + len(rows) + 2 + k, [text], "plain")


def _notes(b: Book) -> None:
    """How the result was made, what it is not, and how to get the same number again."""
    from dashboard.export.reproduce import command, snippet

    r, w = b.r, b.w
    sheet = b.sheet(w("Notes"), [30, 110])
    row = b.top(sheet, w("Notes"))
    for name, value in r.made:
        b.row(sheet, row, [name, value], ["bold", "wrap"])
        row += 1
    for text in r.limits:
        row += 1
        b.text(sheet, row, 1, text, "wrap")
    row += 2
    lines = [(w("command line"), command(r.answer)), ("Python", snippet(r.answer))]
    for name, text in lines:
        b.row(sheet, row, [name, text], ["bold", "wrap"])
        sheet.set_row(row, 16 * (text.count("\n") + len(text) // 110 + 1))
        row += 1
