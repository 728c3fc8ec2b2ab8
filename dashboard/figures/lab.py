"""The policy lab's grid: how late the subsidy comes against how dry the year is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from dashboard.figures.figure import Figure, Value, described, finished, nothing, read, source_of
from dashboard.figures.measure import Measure, measure_of, name_of
from dashboard.words.labels import N_

if TYPE_CHECKING:
    from dashboard.words import Words

DROUGHTS = ("none", "light", "moderate", "severe")
MONTHS_LATE = tuple(range(7))
_DROUGHT_NAMES = {
    "none": N_("no drought"),
    "light": N_("light drought"),
    "moderate": N_("moderate drought"),
    "severe": N_("severe drought"),
}

Cell = tuple[str, int]  # drought, months late


def heat_table(
    cells: Sequence[Mapping[str, Any]], w: Words, *, metric: str = "shortfall_chance", about: Mapping[str, Any] | None = None,
    droughts: Sequence[str] = DROUGHTS, months_late: Sequence[int] = MONTHS_LATE,
) -> Figure:  # fmt: skip
    """Lateness against drought, each cell with its value and interval; cells that were not run are marked.

    Parameters
    ----------
    cells : sequence of mapping
        ``late_months``, ``drought`` and an estimate: ``value``, ``ci95``, ``reason``. Any part of the grid.
    metric : str
        What the values are; its name decides on unit and words.
    about : mapping, optional
    droughts, months_late : sequence
        The grid's rows and columns.
    """
    m, name, source = measure_of(metric, w), name_of(metric, w), source_of(about, w)
    columns = [
        w("drought"),
        w("months late"),
        *(m.column(x) for x in (name, w("interval from"), w("interval to"))),
        w("state"),
    ]
    grid: list[Cell] = [(d, k) for d in droughts for k in months_late]
    found = {(c["drought"], int(c["late_months"])): read(c) for c in cells}
    known = {at: found[at] for at in grid if at in found and found[at].value is not None}
    if not known:
        question = w("What do late subsidies and drought do to the figure: {figure}?", figure=name)
        return nothing(question, next((v.reason for v in found.values() if v.reason), ""), columns, source, w)
    title = _title(known, m, name, w)
    subtitle = w("Values in {unit}, in brackets the 95% interval.", unit=m.unit)
    if len(known) < len(grid):
        gap = "" if w.lang == "zh" else " "
        subtitle += gap + w("{k} of {n} cells have been run.", k=len(known), n=len(grid))
    said = [
        w.named(w.listed([_drought(d, w), _late(k, w)]), w.bracketed(m.say(found[d, k].value), m.interval(found[d, k])) if (d, k) in known else w("not run"))
        for d, k in grid
    ]  # fmt: skip
    rows = [[_drought(d, w), k, *_cells(found.get((d, k)), m), _state(found.get((d, k)), w)] for d, k in grid]
    return finished(
        _grid(grid, found, droughts, months_late, m, w), title, subtitle, described(title, [subtitle], w, said),
        pd.DataFrame(rows, columns=columns), source, left=96, right=14, below=28, x_title=w("months late"),
    )  # fmt: skip


def _title(known: Mapping[Cell, Value], m: Measure, name: str, w: Words) -> str:
    low, high = (f(known, key=lambda at: known[at].value or 0.0) for f in (min, max))
    if low == high:
        return w.named(name, m.say(known[low].value))
    return w(
        "{figure}: from {low} ({low_at}) to {high} ({high_at})",
        figure=name, low=m.say(known[low].value), low_at=_place(low, w), high=m.say(known[high].value), high_at=_place(high, w),
    )  # fmt: skip


def _place(at: Cell, w: Words) -> str:
    return w.listed([_drought(at[0], w), _late(at[1], w)])


def _late(k: int, w: Words) -> str:
    if k == 0:
        return w("in time")
    return w("1 month late") if k == 1 else w("{k} months late", k=k)


def _drought(key: str, w: Words) -> str:
    return w(_DROUGHT_NAMES[key]) if key in _DROUGHT_NAMES else key


def _cells(v: Value | None, m: Measure) -> list[float | None]:
    return [None, None, None] if v is None else [m.cell(v.value), m.cell(v.low), m.cell(v.high)]


def _state(v: Value | None, w: Words) -> str:
    if v is None:
        return w("not run")
    return w("run") if v.value is not None else w.reason(v.reason)


def _grid(
    grid: Sequence[Cell],
    found: Mapping[Cell, Value],
    droughts: Sequence[str],
    months_late: Sequence[int],
    m: Measure,
    w: Words,
) -> go.Figure:
    values = [v.value for v in found.values() if v.value is not None]
    low, high = min(0.0, *values), max(values)
    figure = go.Figure()
    x, y, texts, custom = [], [], [], []
    for drought, late in grid:
        at_x, at_y = list(months_late).index(late), len(droughts) - 1 - list(droughts).index(drought)
        v = found.get((drought, late))
        colour = theme.PAPER if v is None or v.value is None else theme.shade(v.value - low, high - low)
        _box(figure, at_x, at_y, colour, is_missing=v is None or v.value is None)
        figure.add_annotation(
            x=at_x, y=at_y, text=_cell_text(v, m, w), font={"size": 12, "color": theme.text_on(colour)}
        )
        x.append(at_x)
        y.append(at_y)
        custom.append(None if v is None else m.cell(v.value))
        texts.append(
            w.named(theme.plain(_place((drought, late), w)), theme.plain(m.say(v.value) if v else w("not run")))
        )
    figure.add_trace(go.Scatter(
        x=x, y=y, mode="markers", marker={"size": 30, "opacity": 0}, hovertext=texts, hoverinfo="text", customdata=custom
    ))  # fmt: skip
    figure.update_layout(
        xaxis={"range": [-0.5, len(months_late) - 0.5], "tickmode": "array", "tickvals": list(range(len(months_late))),
               "ticktext": [w.number(k) for k in months_late], "showgrid": False, "linewidth": 0, "exponentformat": "none"},
        yaxis={"range": [-0.5, len(droughts) - 0.5], "tickmode": "array", "tickvals": list(range(len(droughts))), "showgrid": False,
               "ticktext": [theme.lines_of(_drought(d, w), 12) for d in reversed(droughts)], "linewidth": 0, "exponentformat": "none"},
    )  # fmt: skip
    return figure


def _box(figure: go.Figure, x: int, y: int, colour: str, *, is_missing: bool) -> None:
    """A cell; one that was not run is empty, with a line across it, so that it is not taken for a low value."""
    line = {"color": theme.GREYED, "width": 1, "dash": "dot" if is_missing else "solid"}
    edges = {"x0": x - 0.48, "x1": x + 0.48, "y0": y - 0.47, "y1": y + 0.47, "layer": "below"}
    figure.add_shape(type="rect", fillcolor=colour, line=line, **edges)
    if is_missing:
        figure.add_shape(type="line", line={"color": theme.GRID, "width": 1}, **edges)


def _cell_text(v: Value | None, m: Measure, w: Words) -> str:
    if v is None:
        return theme.plain(w("not run"))
    if v.value is None:
        return "—"
    text = f"<b>{theme.plain(m.short(v.value))}</b>"
    if v.bounds is None:
        return text
    return f"{text}<br><span style='font-size:11px'>({theme.plain(w.interval(v.bounds, m.short))})</span>"
