"""What next year may need: equally likely years as dots, and the chance that any size is too small."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from dashboard.figures.figure import Figure, Value, described, finished, nothing, read, source_of
from dashboard.figures.measure import Measure
from sim import estimate
from sim.estimate import Strata, mass_of
from sim.units import F64, FEN_PER_YUAN

if TYPE_CHECKING:
    from dashboard.words import Words

_BINS = {20: 13, 100: 32}  # columns of dots: wide enough for a dot at 700 px
_DOT_PX = {20: 27.0, 100: 12.0}
_FLOORS = {20: 7.6, 100: 16.0}  # dots that fit on top of each other at 420 px
_HIGH_PX = 220  # of the plot at 420 px
_POINTS = 160  # of the curve; a screen shows no more


# --- dots --------------------------------------------------------------------------------------------


def dots(
    data: Mapping[str, Any], histories: pd.DataFrame, w: Words, *, fund_yuan: float | None = None,
    strata: Strata | None = None,
) -> Figure:  # fmt: skip
    """Equally likely next years as dots along what each needs, those that the size does not cover set apart.

    The number of dots is that of the answer's sentence, 20 or 100, so that a page has one denominator. A dot carries
    the number of its history (`customdata`), so that one can ask what happened in that year.

    Parameters
    ----------
    data : mapping
        `Answer.data`.
    histories : DataFrame
        `Answer.histories()`: ``replication``, ``need_fen``.
    fund_yuan : float, optional
        Size to judge; the advised one by default.
    strata : Strata, optional
        Where histories were chosen by strata (`RunFolder.strata`).
    """
    m, source, columns = Measure("money", w), source_of(data, w), _dot_columns(w)
    size = float(data["advice"]["fund_yuan"] if fund_yuan is None else fund_yuan)
    question = w("What may next year need?")
    if histories.empty:
        return nothing(question, "", columns, source, w)
    need = histories["need_fen"].to_numpy(float) / FEN_PER_YUAN
    if not need.max() > 0:
        return nothing(question, str(data["need_yuan"].get("reason") or ""), columns, source, w)
    chance = read(estimate.weighted_share(need > size, strata))
    n_dots = _denominator(data)
    at = _equally_likely(need, n_dots, strata)
    x, is_short = need[at], need[at] > size
    n_short = int(is_short.sum())
    title = _dots_title(size, n_short, n_dots, chance, w)
    subtitle = w("Each dot is one of {n} equally likely next years, placed by what it needs.", n=n_dots)
    figure, right = _dot_plot(m, x, is_short, histories["replication"].to_numpy()[at], size, n_dots, w)
    _size_line(figure, m.at(size), w("size {size}", size=w.advised(size)), is_near=m.at(size) < 0.12 * right)
    counted = w.counted(chance.value or 0.0, data)
    _counts(figure, m.at(size), counted, w, is_near=m.at(size) < 0.2 * right)
    alt = described(title, [
        subtitle,
        w("{k} of {n} dots need more than {size}", k=n_short, n=n_dots, size=w.advised(size)),
        w("the dots reach from {low} to {high}", low=w.money(float(x.min())), high=w.money(float(x.max()))),
        w("chance that it is too small: {p} (simulation error {interval})", p=w.percent(chance.value), interval=w.interval(chance.bounds, w.percent)),
    ], w)  # fmt: skip
    table = pd.DataFrame(dict(zip(columns, (
        range(1, n_dots + 1), [m.cell(v) for v in x], histories["replication"].to_numpy()[at].tolist(),
        [w("short") if s else w("enough") for s in is_short],
    ), strict=True)))  # fmt: skip
    name = w("need of the year ({unit})", unit=w.money_unit)
    figure.update_layout(xaxis=m.axis(0.0, right, 8) | {"showgrid": False, "showline": True})
    return finished(figure, title, subtitle, alt, table, source, left=28, above=30, x_title=name)


def veiled(data: Mapping[str, Any], w: Words) -> Figure:
    """The same number of years before anybody is told which of them are short: for a room that guesses first."""
    n, across = _denominator(data), 10
    figure = go.Figure(go.Scatter(
        x=[k % across for k in range(n)], y=[-(k // across) for k in range(n)], mode="markers+text", text=["?"] * n,
        textfont={"color": theme.INK, "size": 18}, hoverinfo="skip",
        marker={"symbol": "circle", "size": 34, "color": theme.RAMP[1], "line": {"color": theme.GREYED, "width": 1}},
    ))  # fmt: skip
    figure.update_layout(
        xaxis={"visible": False, "range": [-0.6, across - 0.4]},
        yaxis={"visible": False, "range": [-(n / across) + 0.4, 0.6]},
    )
    title = w("{n} equally likely next years: which of them are short is not shown yet", n=n)
    table = pd.DataFrame({w("dot"): range(1, n + 1)})
    return finished(figure, title, "", title, table, source_of(data, w))


def _dot_columns(w: Words) -> list[str]:
    return [w("dot"), Measure("money", w).column(w("need of the year")), w("history"), w("with this size")]


def _denominator(data: Mapping[str, Any]) -> int:
    """The sentence's: 20 where one year in twenty may be short, else a hundred."""
    return 20 if 20 * (1 - data["assurance"]) > 1 - 1e-9 else 100


def _equally_likely(need: F64, n_dots: int, strata: Strata | None) -> F64:
    """Positions of the order statistics in the middle of each of so many equally likely parts.

    A part that ends in the middle goes to the larger need, so that the dots beyond a size are its chance, rounded as
    the sentence rounds it.
    """
    order = np.argsort(need, kind="stable")
    below = np.cumsum(mass_of(need, strata)[order])
    wanted = (np.arange(n_dots) + 0.5) / n_dots * below[-1]
    found: F64 = order[np.minimum(np.searchsorted(below, wanted + 1e-7, side="left"), need.size - 1)]
    return found


def _dots_title(size: float, n_short: int, n_dots: int, chance: Value, w: Words) -> str:
    money, p = w.advised(size), w.percent(chance.value)
    if chance.value == 0:
        most = w.percent(chance.high)
        return w(
            "{size} is enough in every simulated year (a shortfall chance of up to {p} cannot be ruled out)",
            size=money,
            p=most,
        )
    if n_short == 0:
        return w(
            "{size} is enough in at least {k} of {n} equally likely next years (short in {p})",
            size=money, k=n_dots - 1, n=n_dots, p=p,
        )  # fmt: skip
    if n_short == n_dots:
        return w("{size} is not enough in any of {n} equally likely next years", size=money, n=n_dots)
    return w(
        "{size} is enough in {k} of {n} equally likely next years (short in {p})",
        size=money, k=n_dots - n_short, n=n_dots, p=p,
    )  # fmt: skip


def _dot_plot(
    m: Measure, x: F64, is_short: F64, history: F64, size: float, n_dots: int, w: Words
) -> tuple[go.Figure, float]:
    """Dots stacked in columns that begin at the size, so that none stands on the wrong side of it."""
    values, at = [m.at(v) for v in x], m.at(size)
    right = max(*values, at) * 1.02
    right = max(right, at + 0.28 * right)  # room for the count beyond the size
    step = right / _BINS.get(n_dots, 13)
    column = [math.ceil((v - at) / step - 1e-12) - 1 for v in values]
    stacked: Counter[int] = Counter()
    height = []
    for c in column:
        stacked[c] += 1
        height.append(stacked[c] - 0.5)
    right = max(right, at + (max(column) + 1.1) * step)
    top = max(_FLOORS.get(n_dots, 9.0), max(stacked.values()) + 1.6)
    across = min(_DOT_PX.get(n_dots, 12.0), _HIGH_PX / top)
    figure = go.Figure()
    for short, symbol, colour, name in (
        (False, "circle", theme.BLUE, w("enough")),
        (True, "diamond", theme.SHORT, w("short")),
    ):
        mine = np.flatnonzero(np.asarray(is_short, dtype=bool) == short)
        figure.add_trace(go.Scatter(
            x=[at + (column[i] + 0.5) * step for i in mine], y=[height[i] for i in mine], mode="markers", name=name,
            customdata=[int(history[i]) for i in mine], hovertext=[f"{w.money(float(x[i]))} · {name}" for i in mine],
            hoverinfo="text", cliponaxis=False,
            marker={"symbol": symbol, "size": across * (0.9 if short else 1.0), "color": colour,
                    "line": {"color": theme.PAPER, "width": 1}},
        ))  # fmt: skip
    figure.update_layout(yaxis={"range": [0, top], "visible": False})
    return figure, right


def _size_line(figure: go.Figure, at: float, text: str, *, is_near: bool) -> None:
    """The chosen size, over the whole height, named above it."""
    figure.add_shape(type="line", x0=at, x1=at, y0=0, y1=1, yref="y domain", line={"color": theme.INK, "width": 2})
    figure.add_annotation(
        text=f"<b>{theme.plain(text)}</b>", x=at, y=1, yref="y domain", yanchor="bottom", yshift=2,
        xanchor="left" if is_near else "center",
    )  # fmt: skip


def _counts(figure: go.Figure, at: float, counted: tuple[str, str], w: Words, *, is_near: bool) -> None:
    """How many on each side, so that nobody has to count dots or subtract; near the left edge both to the right."""
    for text, anchor, colour in (
        (w("{count} enough", count=counted[0]), "left" if is_near else "right", theme.BLUE),
        (w("{count} short", count=counted[1]), "left", theme.SHORT),
    ):
        figure.add_annotation(
            text=f"<b>{theme.plain(text)}</b>", x=at, y=0.98, yref="y domain", yanchor="top", xanchor=anchor,
            xshift=-8 if anchor == "right" else 8, yshift=-24 if is_near and colour == theme.BLUE else 0,
            font={"size": 15, "color": colour},
        )  # fmt: skip


# --- the curve ---------------------------------------------------------------------------------------


def exceedance(
    data: Mapping[str, Any], histories: pd.DataFrame, w: Words, *, fund_yuan: float | None = None,
    strata: Strata | None = None,
) -> Figure:  # fmt: skip
    """The share of years that need more than each size, with its simulation error point by point.

    Where the parameters are not known, a bar at the wanted assurance shows how far the need moves with them.

    Parameters
    ----------
    data, histories, fund_yuan, strata
        As in `dots`.
    """
    m, p, source = Measure("money", w), Measure("share", w), source_of(data, w)
    size = float(data["advice"]["fund_yuan"] if fund_yuan is None else fund_yuan)
    columns = [
        m.column(w("size")),
        p.column(w("years that need more")),
        p.column(w("interval from")),
        p.column(w("interval to")),
    ]
    question = w("How often would each size be too small?")
    if histories.empty or not (histories["need_fen"] > 0).any():
        reason = "" if histories.empty else str(data["need_yuan"].get("reason") or "")
        return nothing(question, reason, columns, source, w)
    need = histories["need_fen"].to_numpy(float) / FEN_PER_YUAN
    sizes = _sizes(need, size)
    shares = [read(estimate.weighted_share(need > s, strata)) for s in sizes]
    here = shares[int(np.flatnonzero(sizes == size)[0])]
    title = w("{size} would be too small in {p} of years", size=w.advised(size), p=w.percent(here.value))
    key = [
        ("━", theme.BLUE, w("share of the simulated years that need more")),
        ("■", theme.RAMP[2], w("simulation error, 95%")),
    ]
    figure = _curve(m, sizes, shares, _nearest(need, histories["replication"].to_numpy(), sizes))
    parameters = data.get("uncertainty", {}).get("need_over_parameters_yuan", {})
    said = _over_parameters(figure, m, parameters, 1 - data["assurance"], w)
    if said:
        key.append(
            (
                "┃",
                theme.OCHRE,
                w("need at {p}, over parameters that are not known", p=w.percent(1 - data["assurance"], 0)),
            )
        )
    right = m.at(max(float(need.max()), size * 1.12, parameters.get("p95", 0.0)))
    _mark(figure, m, size, here, w, right)
    figure.update_layout(xaxis=m.axis(0.0, right * 1.04, 8), yaxis=_percent_axis(w) | theme.FLOOR)
    alt = described(title, [
        w("simulation error {interval}", interval=w.interval(here.bounds, w.percent)),
        _half_and_wanted(need, data, w, strata), said,
    ], w)  # fmt: skip
    rows = zip([m.cell(s) for s in sizes], *_cells(shares, p), strict=True)
    return finished(
        figure, title, "", alt, pd.DataFrame(list(rows), columns=columns), source, key=key, below=28, left=58, above=30,
        x_title=w("size of the fund ({unit})", unit=w.money_unit),
    )  # fmt: skip


def _sizes(need: F64, size: float) -> F64:
    """Sizes at which the curve is drawn: nothing, the chosen one, and quantiles of the need."""
    found = np.unique(need)
    if found.size > _POINTS:
        tail = found[-40:]  # each year of the tail shows
        found = np.union1d(found[np.linspace(0, found.size - 1, _POINTS).round().astype(int)], tail)
    return np.union1d(found, [0.0, size])


def _nearest(need: F64, numbers: F64, sizes: F64) -> list[int]:
    """The history whose need is nearest to each size: a point of the curve can be asked for its year."""
    order = np.argsort(need, kind="stable")
    at = np.clip(np.searchsorted(need[order], sizes), 1, need.size - 1) if need.size > 1 else np.zeros(sizes.size, int)
    if need.size > 1:
        at = at - (sizes - need[order][at - 1] < need[order][at] - sizes)
    return [int(x) for x in numbers[order][at]]


def _curve(m: Measure, sizes: F64, shares: list[Value], histories: list[int]) -> go.Figure:
    """Steps: between two needs nothing changes."""
    x = [m.at(s) for s in sizes]
    low, high = [100 * (v.low or 0.0) for v in shares], [100 * (v.high or 0.0) for v in shares]
    step = {"shape": "hv", "width": 0}
    figure = go.Figure()
    figure.add_trace(go.Scatter(x=x, y=high, mode="lines", line=step, hoverinfo="skip"))
    figure.add_trace(go.Scatter(
        x=x, y=low, mode="lines", line=step, fill="tonexty", fillcolor=theme.faded(theme.BLUE, 0.25), hoverinfo="skip",
    ))  # fmt: skip
    figure.add_trace(go.Scatter(
        x=x, y=[100 * (v.value or 0.0) for v in shares], mode="lines+markers", customdata=histories,
        line={"shape": "hv", "width": 2.5, "color": theme.BLUE}, marker={"size": 8, "opacity": 0},
        hovertext=[f"{m.say(float(s))}: {m.w.percent(v.value)}" for s, v in zip(sizes, shares, strict=True)], hoverinfo="text",
    ))  # fmt: skip
    return figure


def _mark(figure: go.Figure, m: Measure, size: float, here: Value, w: Words, right: float) -> None:
    """The chosen size on the curve."""
    is_far = m.at(size) > 0.62 * right
    _size_line(figure, m.at(size), w("size {size}", size=w.advised(size)), is_near=m.at(size) < 0.12 * right)
    figure.add_trace(go.Scatter(
        x=[m.at(size)], y=[100 * (here.value or 0.0)], mode="markers", hoverinfo="skip",
        cliponaxis=False, marker={"symbol": "diamond", "size": 13, "color": theme.SHORT, "line": {"color": theme.PAPER, "width": 1.5}},
    ))  # fmt: skip
    if (here.value or 0.0) > 0.5:
        return  # here the curve itself fills the place; the title says it
    text = w("{p} of years need more", p=w.percent(here.value))
    figure.add_annotation(
        text=f"<b>{theme.plain(text)}</b>", x=m.at(size),
        y=0.96, yref="y domain", xanchor="right" if is_far else "left", yanchor="top", xshift=-8 if is_far else 8,
        font={"size": 15, "color": theme.SHORT}, bgcolor="rgba(255,255,255,0.85)",
    )  # fmt: skip


def _over_parameters(figure: go.Figure, m: Measure, found: Mapping[str, Any], level: float, w: Words) -> str:
    """How far the need at the assurance moves with the parameters, drawn and said; nothing where it is not known."""
    if "p05" not in found:
        return ""
    figure.add_trace(go.Scatter(
        x=[m.at(found[k]) for k in ("p05", "p50", "p95")], y=[100 * level] * 3, mode="lines+markers", hoverinfo="skip",
        line={"color": theme.OCHRE, "width": 4}, marker={"symbol": "line-ns", "size": 14, "line": {"color": theme.OCHRE, "width": 3}},
    ))  # fmt: skip
    return w(
        "over parameters that are not known, the need at {p} lies between {range} in nine of ten cases",
        p=w.percent(level, 0), range=w.range_money((found["p05"], found["p95"])),
    )  # fmt: skip


def _half_and_wanted(need: F64, data: Mapping[str, Any], w: Words, strata: Strata | None) -> str:
    mass = mass_of(need, strata)
    half, wanted = (float(estimate.quantile_value(need, a, mass)) for a in (0.5, data["assurance"]))
    return w(
        "half of the years need more than {half}, {p} need more than {wanted}",
        half=w.money(half), p=w.percent(1 - data["assurance"], 0), wanted=w.money(wanted),
    )  # fmt: skip


def _percent_axis(w: Words) -> dict[str, Any]:
    marks = (0, 20, 40, 60, 80, 100)
    texts = [w.percent(k / 100, 0) for k in marks]
    return {
        "tickmode": "array",
        "tickvals": list(marks),
        "ticktext": texts,
        "range": [0, 104],
        "exponentformat": "none",
    }


def _cells(values: list[Value], p: Measure) -> list[list[float | None]]:
    return [[p.cell(getattr(v, part)) for v in values] for part in ("value", "low", "high")]
