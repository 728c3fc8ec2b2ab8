"""The sheet on which a planner tries a size: yellow cells go in, live formulas say how often it is short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.export.book import Book
from dashboard.export.live import Cell, Live

_FACTORS = (0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)  # of the size in the yellow cell
_POINTS = 41  # of the curve


def calculation(b: Book, live: Live) -> str:
    """Write the sheet; returns the address of the need in the reader's unit, for other sheets."""
    sheet = b.sheet(b.w("Calculation"), [58, 20, 20, 20, 20, 20])
    row = b.top(sheet, b.w("How much is enough: calculation"))
    row = _inputs(b, sheet, row, live)
    row = _need(b, sheet, row + 1, live)
    row = _size(b, sheet, row + 1, live)
    row = _sizes(b, sheet, row + 1, live)
    _curve(b, sheet, row + 1, live)
    return f"'{b.w('Calculation')}'!{live.cells['need']}"


def _put(
    b: Book, sheet: Any, row: int, live: Live, key: str, name: str, value: Any, look: str, unit: str, note: str = ""
) -> int:
    """A line of the calculation: name, value, unit, remark; its address is kept under a key."""
    b.row(sheet, row, [name, value, unit, note], ["box", look if "input" in look else f"box {look}", "unit", "small"])
    live.cells[key] = f"$B${row + 1}"
    return row + 1


def _inputs(b: Book, sheet: Any, row: int, live: Live) -> int:
    w, d = b.w, b.r.data
    b.text(sheet, row, 0, w("Yellow cells may be changed"), "bold")
    unit, row = w.money_unit, row + 1
    size, carried = w.in_unit(d["advice"]["fund_yuan"]), w.in_unit(d["carried_over_yuan"])
    row = _put(b, sheet, row, live, "size", w("size to judge"), size, "money input", unit, w("first: the advised size"))
    row = _put(
        b, sheet, row, live, "carried", w.label("carried_over_yuan"), carried, "money input", unit, w("mean of the run")
    )
    row = _put(
        b,
        sheet,
        row,
        live,
        "grant",
        w("grant from the upper level"),
        0.0,
        "money input",
        unit,
        w("not in the run: fill in"),
    )
    accepted = round(1 - d["assurance"], 12)
    row = _put(b, sheet, row, live, "accepted", w("shortfall chance that is accepted"), accepted, "share input", "")
    sheet.data_validation(live.cells["accepted"], {"validate": "decimal", "criteria": "between", "minimum": 0.0001, "maximum": 0.9999})  # fmt: skip
    return row


def _need(b: Book, sheet: Any, row: int, live: Live) -> int:
    """The need at the accepted chance, its interval, and the advised size."""
    w, d, a = b.w, b.r.data, b.r.data["assurance"]
    b.text(sheet, row, 0, w("What is needed"), "bold")
    row = _put(b, sheet, row + 1, live, "n", w("histories"), live.count(), "whole", "")
    rank = live.rank(a)
    row = _put(
        b,
        sheet,
        row,
        live,
        "rank",
        w("rank of the year that decides, from the smallest need"),
        rank,
        "whole",
        "",
        w("assurance times histories, rounded up"),
    )
    unit = w.money_unit
    need = live.need_cell(int(float(rank.value)))
    row = _put(b, sheet, row, live, "need", w.label("need_yuan"), need, "money bold", unit)
    low, high, upper = _bounds(live, d)
    row = _put(b, sheet, row, live, "low", w("interval from"), low, "money", unit, w("95%, simulation error"))
    row = _put(b, sheet, row, live, "high", w("interval to"), high, "money", unit)
    note = w("95% sure not to be too low")
    row = _put(b, sheet, row, live, "conservative", w.term("conservative"), upper, "money", unit, note)
    low_yuan, high_yuan = d["need_yuan"]["ci95"]
    step, note = live.step(low_yuan, high_yuan), w("not finer than the simulation error")
    row = _put(b, sheet, row, live, "step", w("step of rounding"), step, "money", unit, note)
    advised = live.advised(d["need_yuan"]["conservative"], float(step.value) * live.unit)
    return _put(b, sheet, row, live, "advised", w.label("advice"), advised, "money bold", unit, w("rounded up"))


def _bounds(live: Live, data: dict[str, Any]) -> Sequence[Any]:
    """Live for equally likely histories; numbers of the run for weighted ones, whose error no worksheet function knows."""
    if live.is_plain:
        return live.bounds(data["assurance"])
    found = data["need_yuan"]
    return [live.r.w.in_unit(x) for x in (*found["ci95"], found["conservative"])]


def _size(b: Book, sheet: Any, row: int, live: Live) -> int:
    """How often the size in the yellow cell is short, what is then missing, what it costs."""
    w, d = b.w, b.r.data
    yuan = float(d["advice"]["fund_yuan"])
    b.text(sheet, row, 0, w("What the size to judge does"), "bold")
    size = f"({live.cells['size']}*{_unit(b):.0f})"
    chance = live.chance(size, yuan)
    row = _put(b, sheet, row + 1, live, "chance", w("shortfall chance"), chance, "share bold", "")
    short, enough = _counted(live, float(chance.value))
    name = w("short, of 20 equally likely next years")
    row = _put(b, sheet, row, live, "short", name, short, "whole right", "")
    row = _put(b, sheet, row, live, "enough", w("enough, of 20"), enough, "whole right", "")
    missing, idle = live.missing(size, yuan, live.cells["chance"]), live.idle(size, yuan)
    unit = w.money_unit
    row = _put(b, sheet, row, live, "missing", w.label("mean_gap_if_short_yuan"), missing, "money right", unit)
    row = _put(b, sheet, row, live, "idle", w("idle money in a mean year"), idle, "money", unit)
    own = max(w.in_unit(yuan) - w.in_unit(d["carried_over_yuan"]), 0.0)
    needed = Cell(f"=MAX({live.cells['size']}-{live.cells['carried']}-{live.cells['grant']},0)", own)
    return _put(b, sheet, row, live, "own", w("the county's own money"), needed, "money bold", w.money_unit, w("size less balance less grant; what one account has too much does not help another"))  # fmt: skip


def _counted(live: Live, chance: float) -> tuple[Cell, Cell]:
    """How many of 20 years are short and enough; a chance that rounds to no year is said in words, never as none."""
    w, at, short = live.r.w, live.cells["chance"], _half_up(20 * chance)
    is_few, seldom = f"({at}>0)*(ROUND(20*{at},0)=0)", chance > 0 and short == 0
    few, most = w("fewer than 1"), w("at least 19")
    return (
        Cell(f'=IF({is_few},"{few}",ROUND(20*{at},0))', few if seldom else float(short)),
        Cell(f'=IF({is_few},"{most}",20-ROUND(20*{at},0))', most if seldom else float(20 - short)),
    )


def _sizes(b: Book, sheet: Any, row: int, live: Live) -> int:
    """Eight sizes around the one in the yellow cell."""
    w, unit = b.w, b.w.money_unit
    heads = [w("part of the size to judge"), w.bracketed(w("size"), unit), w("shortfall chance"), w.bracketed(w("mean gap if short"), unit), w.bracketed(w("idle money in a mean year"), unit)]  # fmt: skip
    b.row(sheet, row, heads, "head")
    shown = w.in_unit(b.r.data["advice"]["fund_yuan"])
    for factor in _FACTORS:
        row += 1
        address, yuan = f"$B${row + 1}", shown * factor * _unit(b)
        size = f"({address}*{_unit(b):.0f})"
        cells = [
            factor, Cell(f"={live.cells['size']}*$A${row + 1}", shown * factor), live.chance(size, yuan),
            live.missing(size, yuan, f"$C${row + 1}"), live.idle(size, yuan),
        ]  # fmt: skip
        b.row(sheet, row, cells, ["box share", "box money", "box share", "box money right", "box money"])
    return row + 1


def _curve(b: Book, sheet: Any, row: int, live: Live) -> None:
    """The curve of the chart, its points as formulas, and the size to judge as a line that follows the yellow cell."""
    w, name = b.w, b.w("Calculation")
    top = float(live.need.max()) * 1.05
    begin = row + 22
    b.row(
        sheet,
        begin - 1,
        [w("points of the chart"), w.bracketed(w("size"), w.money_unit), w("years that need more")],
        "head",
    )
    largest = f"MAX({live.c.of(live.c.need)})*1.05"
    for k in range(_POINTS):
        at = begin + k
        yuan = top * k / (_POINTS - 1)
        size = Cell(f"={largest}*$A${at + 1}/{_POINTS - 1}/{_unit(b):.0f}", yuan / _unit(b))
        b.row(sheet, at, [k, size, live.chance(f"($B${at + 1}*{_unit(b):.0f})", yuan)], ["whole", "money", "share"])
    end = begin + _POINTS
    for k, y in enumerate((0.0, 1.0)):
        cell = Cell(f"={live.cells['size']}", w.in_unit(b.r.data["advice"]["fund_yuan"]))
        b.row(sheet, end + k, [w("size to judge"), cell, y], ["plain", "money", "share"])
    chart = b.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for title, first, last, colour in (
        (w("years that need more"), begin, end - 1, "#1F5AA6"), (w("size to judge"), end, end + 1, "#B3261E"),
    ):  # fmt: skip
        chart.add_series({
            "name": title, "categories": [name, first, 1, last, 1], "values": [name, first, 2, last, 2],
            "line": {"color": colour, "width": 2.25}, "marker": {"type": "none"},
        })  # fmt: skip
    chart.set_title({"name": w("How often would each size be too small?"), "name_font": {"size": 13}})
    chart.set_x_axis({"name": w("size of the fund ({unit})", unit=w.money_unit), "min": 0, "num_format": "#,##0" if w.lang == "zh" else "0.0", "major_gridlines": {"visible": True, "line": {"color": "#E3E7EC"}}})  # fmt: skip
    chart.set_y_axis({"name": w("years that need more"), "min": 0, "max": 1, "num_format": "0%", "major_gridlines": {"visible": True, "line": {"color": "#E3E7EC"}}})  # fmt: skip
    chart.set_legend({"position": "top"})
    chart.set_size({"width": 1000, "height": 400})
    sheet.set_h_pagebreaks([row])
    sheet.print_area(0, 0, begin - 2, 5)
    sheet.insert_chart(row, 0, chart, {"description": w("How often would each size be too small?")})


def sentence(live: Live) -> Cell:
    """The headline as a formula: it follows the yellow cells."""
    w, cells, yuan = live.r.w, live.cells, float(live.r.data["advice"]["fund_yuan"])
    sheet = f"'{w('Calculation')}'!"
    chance, digits = float(live.chance("", yuan).value), 1 if w.lang == "zh" else 2
    short = _half_up(20 * chance)
    at_least = int(20 * live.r.data["assurance"] + 1e-9)
    parts = {
        "\1": (f'TEXT({sheet}{cells["size"]},"#,##0.{"0" * digits}")', w.number(w.in_unit(yuan), digits)),
        "\2": (f"{sheet}{cells['enough']}", str(20 - short)),
        "\3": (f"{sheet}{cells['short']}", str(short)),
        "\4": (f'TEXT({sheet}{cells["chance"]},"0.0%")', f"{_percent(chance)}%"),
        "\5": (f"INT(20*(1-{sheet}{cells['accepted']})+1E-9)", str(at_least)),
    }
    said = {"size": "\1", "unit": w.money_unit, "enough": "\2", "short": "\3", "chance": "\4", "at_least": "\5"}
    some = _joined(w("With {size} {unit} in the fund: enough in about {enough} of 20 equally likely next years, short in {short} (shortfall chance {chance}).", **said), parts)  # fmt: skip
    none = _joined(w("With {size} {unit} in the fund: enough in at least {at_least} of 20 equally likely next years (short in {chance} of the simulated ones).", **said), parts)  # fmt: skip
    return Cell(f"=IF(ROUND(20*{sheet}{cells['chance']},0)=0,{none[0]},{some[0]})", (some if short else none)[1])


def _joined(text: str, parts: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """A text with signs in place of values: as a formula that joins pieces, and as it reads."""
    pieces, value, plain = [], "", ""
    for sign in text:
        if sign in parts:
            pieces += [f'"{plain}"'] if plain else []
            pieces.append(parts[sign][0])
            value, plain = value + parts[sign][1], ""
        else:
            value, plain = value + sign, plain + sign
    return "&".join([*pieces, f'"{plain}"']), value


def _percent(share: float) -> str:
    """A share in per cent with one decimal, as TEXT writes it."""
    return f"{_half_up(share * 1000) / 10:.1f}"


def _half_up(x: float) -> int:
    """Halves away from nothing, as ROUND does."""
    return int(x + 0.5 + 1e-9)


def _unit(b: Book) -> float:
    """Yuan in the reader's unit of money."""
    return 1 / b.w.in_unit(1.0)
