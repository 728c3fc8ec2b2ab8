"""What a larger fund buys: fewer shortfalls and more idle money, and what it does when lending follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from dashboard.figures.figure import Figure, Value, described, finished, nothing, read, source_of
from dashboard.figures.measure import Measure

if TYPE_CHECKING:
    from dashboard.words import Words

_UPPER, _LOWER = (0.60, 1.0), (0.0, 0.42)  # parts of the height
_ROOM = 0.24  # of the width, for the name of a size


def frontier(data: Mapping[str, Any], w: Words, *, fund_yuan: float | None = None) -> Figure:
    """Sizes against the chance of a shortfall, the money then missing, and the money idle, with the knee.

    Parameters
    ----------
    data : mapping
        `Answer.data`, with ``frontier``: ``rows`` and ``knee_yuan``.
    fund_yuan : float, optional
        Chosen size; the advised one by default.
    """
    m, p, source = Measure("money", w), Measure("share", w), source_of(data, w)
    names = [w("shortfall chance"), w("mean gap if short"), w("idle money in a mean year")]
    columns = [m.column(w("size")), p.column(names[0]), m.column(names[1]), m.column(names[2])]
    found = data.get("frontier") or {}
    rows = found.get("rows") or []
    if not rows:
        question = w("What does each further yuan of the fund buy?")
        return nothing(question, str(found.get("reason") or ""), columns, source, w)
    size = float(data["advice"]["fund_yuan"] if fund_yuan is None else fund_yuan)
    x = [float(row["fund_yuan"]) for row in rows]
    chance, gap, idle = (
        [read(row.get(k)) for row in rows] for k in ("shortfall_chance", "mean_gap_if_short_yuan", "idle_yuan")
    )
    knee = found.get("knee_yuan")
    title, said = _frontier_title(x, chance, idle, knee, w)
    figure = go.Figure()
    _band(figure, m, p, x, chance, "y")
    _line(figure, m, p, x, chance, names[0], theme.BLUE, "circle", "y")
    _line(figure, m, m, x, gap, names[1], theme.SHORT, "diamond", "y2")
    _line(figure, m, m, x, idle, names[2], theme.TEAL, "square", "y2")
    marked: list[_Upright] = [(size, w("chosen size"), theme.INK, "solid")]
    if knee is not None and abs(knee - size) > 1e-6:
        marked.append((float(knee), w("knee"), theme.VIOLET, "dash"))
    _uprights(figure, m, marked, "y", max(*x, size))
    most = max([m.at(v.value) for v in (*gap, *idle) if v.value is not None], default=1.0)
    _panels(figure, m.axis(0, m.at(max(*x, size)) * 1.03, 8), p.axis(0, 105, 4), m.axis(0, most * 1.1 or 1.0, 4))
    theme.beside(figure, w("mean gap if short, idle money ({unit})", unit=w.money_unit), 62, _LOWER[1])
    alt = described(title, said, w, _at_steps(x, chance, gap, idle, w))
    cells = zip([m.cell(v) for v in x], [p.cell(v.value) for v in chance], [m.cell(v.value) for v in gap], [m.cell(v.value) for v in idle], strict=True)  # fmt: skip
    key = [("●", theme.BLUE, names[0]), ("◆", theme.SHORT, names[1]), ("■", theme.TEAL, names[2])]
    return finished(
        figure, title, "", alt, pd.DataFrame(list(cells), columns=columns), source, key=key, left=62, below=28,
        y_title=w("shortfall chance (%)"), x_title=w("size of the fund ({unit})", unit=w.money_unit),
    )  # fmt: skip


def _frontier_title(
    x: Sequence[float], chance: Sequence[Value], idle: Sequence[Value], knee: float | None, w: Words
) -> tuple[str, list[str]]:
    """The finding at the knee, and the same with the money that is idle there."""
    if knee is None:
        return w("What does each further yuan of the fund buy?"), []
    at = min(range(len(x)), key=lambda k: abs(x[k] - knee))
    title = w(
        "Beyond {knee} more money buys less: there the fund is short in {p} of years",
        knee=w.money(knee), p=w.percent(chance[at].value),
    )  # fmt: skip
    return title, [w("idle money there in a mean year: {idle}", idle=w.money(idle[at].value))]


def _at_steps(
    x: Sequence[float], chance: Sequence[Value], gap: Sequence[Value], idle: Sequence[Value], w: Words
) -> list[str]:
    """A few rows in words: a list of forty is no description."""
    out = []
    for k in _few(x):
        said = {"size": w.money(x[k]), "p": w.percent(chance[k].value), "idle": w.money(idle[k].value)}
        if gap[k].value is None:
            out.append(w("with {size}: short in {p}, {idle} idle", **said))
        else:
            gap_said = w.money(gap[k].value)
            out.append(w("with {size}: short in {p}, {gap} missing if short, {idle} idle", gap=gap_said, **said))
    return out


def _few(x: Sequence[float]) -> range:
    return range(0, len(x), max(len(x) // 5, 1))


def lending_curve(data: Mapping[str, Any], w: Words) -> Figure:
    """Credit granted and shortfalls at each size when lending follows the size: a smaller fund also lends less.

    Parameters
    ----------
    data : mapping
        `Answer.data`, with ``need_yuan_lending_reacts``.
    """
    m, p, source = Measure("money", w), Measure("share", w), source_of(data, w)
    found = data.get("need_yuan_lending_reacts") or {}
    rows = found.get("grid") or []
    columns = [m.column(w("size")), m.column(w("credit granted")), p.column(w("shortfall chance"))]
    if not rows:
        question = w("What does a smaller fund do when lending follows its size?")
        return nothing(question, str(found.get("reason") or ""), columns, source, w)
    x = [float(row["fund_yuan"]) for row in rows]
    credit, short = [read(row["credit_granted_yuan"]) for row in rows], [read(row["short_share"]) for row in rows]
    figure = go.Figure()
    _line(figure, m, m, x, credit, w("credit granted"), theme.TEAL, "square", "y")
    _line(figure, m, p, x, short, w("shortfall chance"), theme.BLUE, "circle", "y2")
    marked: list[_Upright] = []
    if found.get("value") is not None:
        marked.append((float(found["value"]), w("smallest that is enough"), theme.VIOLET, "dash"))
    if data.get("fund_yuan"):
        marked.append((float(data["fund_yuan"]), w("set size"), theme.INK, "solid"))
    _uprights(figure, m, marked, "y2", max(x))
    most = max(m.at(v.value or 0.0) for v in credit)
    _panels(figure, m.axis(0, m.at(max(x)) * 1.02, 8), m.axis(0, most * 1.1 or 1.0, 4), p.axis(0, 105, 4))
    theme.beside(figure, w("shortfall chance (%)"), 62, _LOWER[1])
    title = _lending_title(found, x, credit, w)
    said = [
        w("with {size}: {credit} of credit granted, short in {p}",
          size=w.money(x[k]), credit=w.money(credit[k].value), p=w.percent(short[k].value))
        for k in _few(x)
    ]  # fmt: skip
    alt = described(title, [], w, said)
    cells = zip(
        [m.cell(v) for v in x], [m.cell(v.value) for v in credit], [p.cell(v.value) for v in short], strict=True
    )
    key = [("■", theme.TEAL, w("credit granted")), ("●", theme.BLUE, w("shortfall chance"))]
    return finished(
        figure, title, "", alt, pd.DataFrame(list(cells), columns=columns), source, key=key, left=62, below=28,
        y_title=w("credit granted ({unit})", unit=w.money_unit), x_title=w("size of the fund ({unit})", unit=w.money_unit),
    )  # fmt: skip


def _lending_title(found: Mapping[str, Any], x: Sequence[float], credit: Sequence[Value], w: Words) -> str:
    value = found.get("value")
    if value is None:
        return w(
            "When lending follows the fund, no size up to {most} is enough, it and all larger ones",
            most=w.money(max(x)),
        )
    at = min(range(len(x)), key=lambda k: abs(x[k] - value))
    return w(
        "When lending follows the fund, {size} is enough, but only {credit} is lent, of {most}",
        size=w.money(value), credit=w.money(credit[at].value), most=w.money(max(v.value or 0.0 for v in credit)),
    )  # fmt: skip


# --- two panels over one axis ------------------------------------------------------------------------


def _line(
    figure: go.Figure, m: Measure, y: Measure, sizes: Sequence[float], values: Sequence[Value], name: str, colour: str,
    symbol: str, yaxis: str,
) -> None:  # fmt: skip
    """A line with marks; where there is no value it breaks."""
    figure.add_trace(go.Scatter(
        x=[m.at(s) for s in sizes], y=[None if v.value is None else y.at(v.value) for v in values], yaxis=yaxis, name=name,
        mode="lines+markers", line={"color": colour, "width": 2}, connectgaps=False, cliponaxis=False, hoverinfo="text",
        marker={"symbol": symbol, "size": 6, "color": colour},
        hovertext=[f"{m.say(s)}: {name} {y.say(v.value)}" for s, v in zip(sizes, values, strict=True)],
    ))  # fmt: skip


def _band(
    figure: go.Figure, m: Measure, y: Measure, sizes: Sequence[float], values: Sequence[Value], yaxis: str
) -> None:
    """Simulation error around a line."""
    known = [(m.at(s), y.at(v.bounds[0]), y.at(v.bounds[1])) for s, v in zip(sizes, values, strict=True) if v.bounds]
    if not known:
        return
    x = [k[0] for k in known]
    figure.add_trace(go.Scatter(
        x=x + x[::-1], y=[k[2] for k in known] + [k[1] for k in known][::-1], yaxis=yaxis, fill="toself", mode="lines",
        line={"width": 0}, fillcolor=theme.faded(theme.BLUE, 0.22), hoverinfo="skip",
    ))  # fmt: skip


_Upright = tuple[float, str, str, str]  # a size, its name, colour and dash


def _uprights(figure: go.Figure, m: Measure, found: Sequence[_Upright], named_in: str, right: float) -> None:
    """Sizes marked in both panels, named in the one that has room, on the side where there is room."""
    ordered = sorted(found)
    for k, (size, name, colour, dash) in enumerate(ordered):
        for panel in ("y", "y2"):
            figure.add_shape(
                type="line", x0=m.at(size), x1=m.at(size), y0=0, y1=1, xref="x", yref=f"{panel} domain",
                line={"color": colour, "width": 2, "dash": dash},
            )  # fmt: skip
        is_close = k + 1 < len(ordered) and ordered[k + 1][0] - size < _ROOM * right
        is_left = (is_close and size > _ROOM * right) or size > (1 - _ROOM) * right
        figure.add_annotation(
            text=f"<b>{theme.plain(name)}</b><br>{theme.plain(m.say(size))}", x=m.at(size), y=1, yref=f"{named_in} domain",
            xanchor="right" if is_left else "left", yanchor="top", xshift=-4 if is_left else 4,
            align="right" if is_left else "left", font={"color": colour, "size": 12}, bgcolor="rgba(255,255,255,0.8)",
        )  # fmt: skip


def _panels(figure: go.Figure, x: dict[str, Any], upper: dict[str, Any], lower: dict[str, Any]) -> None:
    figure.update_layout(
        xaxis=x | {"anchor": "y2"}, yaxis=upper | theme.FLOOR | {"domain": _UPPER}, yaxis2=lower | theme.FLOOR | {"domain": _LOWER, "anchor": "x"},
    )  # fmt: skip
