"""Townships beside each other: a grid of equal squares, or outlines where the county has them. No tiles from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from dashboard.figures.figure import Figure, Value, described, finished, nothing, read, source_of
from dashboard.figures.measure import Measure
from sim import estimate
from sim.estimate import Strata
from sim.units import F64

if TYPE_CHECKING:
    from dashboard.words import Words

Ring = Sequence[Sequence[float]]

# Colours by multiples of the county's share, so that small differences do not look large: the middle one is "as usual".
_EDGES = (0.0, 0.4, 0.8, 1.2, 1.6)
_COLOURS = (theme.RAMP[0], theme.RAMP[1], theme.RAMP[2], theme.RAMP[3], theme.RAMP[5])


def township_map(
    townships: pd.DataFrame, names: Sequence[str], w: Words, *, about: Mapping[str, Any] | None = None,
    keys: Sequence[str] = (), geometry: Mapping[str, Any] | None = None, strata: Strata | None = None,
) -> Figure:  # fmt: skip
    """Share of the principal due that defaults, township by township.

    Parameters
    ----------
    townships : DataFrame
        ``replication``, ``township`` (position in ``names``), ``due_fen``, ``defaulted_fen``.
    names : sequence of str
        Townships as people call them, in the scenario's order.
    about : mapping, optional
        `Answer.data`, for the source.
    keys : sequence of str, optional
        The townships' keys in the same order, to find their outlines; the names by default.
    geometry : mapping, optional
        GeoJSON: a collection of polygons whose property ``key`` (or ``name``) is a township's. Without it each township
        is a square of one size, in the scenario's order: near squares need not be neighbours.
    strata : Strata, optional
    """
    p, source = Measure("share", w), source_of(about, w)
    columns = [w("township"), p.column(w("default share")), p.column(w("interval from")), p.column(w("interval to"))]
    question = w("Where do loans go bad?")
    shares = [_share(townships, k, strata) for k in range(len(names))]
    known = [(name, v) for name, v in zip(names, shares, strict=True) if v.value is not None]
    if townships.empty or not known:
        return nothing(question, "nothing to divide by in the sized year", columns, source, w)
    middle = float(townships["defaulted_fen"].sum() / townships["due_fen"].sum())
    title = _title(known, w)
    outlines = _outlines(geometry, keys or names)
    figure = _drawn(outlines, names, shares, middle, w) if outlines else _squares(names, shares, middle, w)
    subtitle = w("Share of the principal due in the year that is unpaid on day 90; mean of the simulated years.")
    if not outlines:
        gap = "" if w.lang == "zh" else " "
        subtitle += gap + w("A square is a township, not its place on a map.")
    key = [("■", colour, text) for colour, text in _steps(middle, w)]
    said = [w.named(name, w.bracketed(w.percent(v.value), w.interval(v.bounds, w.percent))) for name, v in known]
    said += [w.named(name, w("no loans due")) for name, v in zip(names, shares, strict=True) if v.value is None]
    rows = [[name, p.cell(v.value), p.cell(v.low), p.cell(v.high)] for name, v in zip(names, shares, strict=True)]
    return finished(
        figure, title, subtitle, described(title, [], w, said), pd.DataFrame(rows, columns=columns), source, key=key, left=14, right=14,
        below=6,
    )  # fmt: skip


def _share(townships: pd.DataFrame, k: int, strata: Strata | None) -> Value:
    """Defaulted over due in all histories together: in a small township many a single year has nothing due."""
    rows = townships[townships["township"] == k]
    due, bad = rows["due_fen"].to_numpy(float), rows["defaulted_fen"].to_numpy(float)
    if due.sum() <= 0:
        return Value(None)
    mean_due = estimate.mean(due, strata).value or 1.0
    ratio = (estimate.mean(bad, strata).value or 0.0) / mean_due
    error = read(estimate.mean((bad - ratio * due) / mean_due, strata))  # of a ratio of two means
    if error.bounds is None:
        return Value(ratio)
    return Value(ratio, max(ratio + error.bounds[0], 0.0), ratio + error.bounds[1])


def _title(known: Sequence[tuple[str, Value]], w: Words) -> str:
    (top, most), (bottom, least) = (f(known, key=lambda pair: pair[1].value or 0.0) for f in (max, min))
    if len(known) == 1:
        return w("{township}: {p} of the principal due goes bad", township=top, p=w.percent(most.value))
    separate = most.bounds and least.bounds and most.bounds[0] > least.bounds[1]
    if not separate:
        return w(
            "Townships cannot be told apart: {low} to {high} of the principal due goes bad",
            low=w.percent(least.value),
            high=w.percent(most.value),
        )
    return w(
        "Most goes bad in {top} ({most} of the principal due), least in {bottom} ({least})",
        top=top, most=w.percent(most.value), bottom=bottom, least=w.percent(least.value),
    )  # fmt: skip


def _colour(v: Value, middle: float) -> str:
    if v.value is None:
        return theme.PAPER
    return _COLOURS[max(sum(v.value >= edge * middle for edge in _EDGES) - 1, 0)]


def _steps(middle: float, w: Words) -> list[tuple[str, str]]:
    """The colours and what they stand for."""
    digits = 1 if middle >= 0.01 else 2
    edges = [100 * middle * edge for edge in _EDGES]
    texts = [w.interval(pair, lambda x: w.number(x, digits)) + "%" for pair in pairwise(edges)]
    return list(zip(_COLOURS, [*texts, w("{p}% and more", p=w.number(edges[-1], digits))], strict=True))


# --- squares -----------------------------------------------------------------------------------------


def _squares(names: Sequence[str], shares: Sequence[Value], middle: float, w: Words) -> go.Figure:
    across = max(math.ceil(math.sqrt(len(names) * 2.6)), 1)  # the plot is wider than high
    down = math.ceil(len(names) / across)
    figure = go.Figure()
    x, y = [k % across for k in range(len(names))], [down - 1 - k // across for k in range(len(names))]
    for k, (name, v) in enumerate(zip(names, shares, strict=True)):
        colour = _colour(v, middle)
        figure.add_shape(
            type="rect", x0=x[k] - 0.47, x1=x[k] + 0.47, y0=y[k] - 0.47, y1=y[k] + 0.47, fillcolor=colour, layer="below",
            line={"color": theme.GREYED, "width": 1, "dash": "dot" if v.value is None else "solid"},
        )  # fmt: skip
        figure.add_annotation(
            x=x[k], y=y[k], text=_label(name, v, w), font={"color": theme.text_on(colour), "size": 14}
        )
    figure.add_trace(_touch(x, y, names, shares, w))
    figure.update_layout(
        xaxis={"visible": False, "range": [-0.5, across - 0.5], "constrain": "domain"},
        yaxis={"visible": False, "range": [-0.5, down - 0.5], "scaleanchor": "x", "scaleratio": 1, "constrain": "domain"},
    )  # fmt: skip
    return figure


def _label(name: str, v: Value, w: Words) -> str:
    value = w("no loans due") if v.value is None else w.percent(v.value)
    return f"{theme.lines_of(name, 13)}<br><b>{theme.plain(value)}</b>"


def _touch(
    x: Sequence[float], y: Sequence[float], names: Sequence[str], shares: Sequence[Value], w: Words
) -> go.Scatter:
    """Marks that nobody sees: they carry what a pointer reads, and the values."""
    texts = [
        w.named(theme.plain(n), w.bracketed(w.percent(v.value), w.interval(v.bounds, w.percent)) if v.value is not None else w("no loans due"))
        for n, v in zip(names, shares, strict=True)
    ]  # fmt: skip
    return go.Scatter(
        x=list(x), y=list(y), mode="markers", marker={"size": 40, "opacity": 0}, hovertext=texts, hoverinfo="text",
        customdata=[None if v.value is None else round(100 * v.value, 6) for v in shares],
    )  # fmt: skip


# --- outlines ----------------------------------------------------------------------------------------


def _outlines(geometry: Mapping[str, Any] | None, keys: Sequence[str]) -> dict[int, list[Ring]]:
    """Outer rings of each township's polygons, by its position."""
    out: dict[int, list[Ring]] = {}
    for feature in (geometry or {}).get("features", []):
        properties, shape = feature.get("properties") or {}, feature.get("geometry") or {}
        name = next((properties[k] for k in ("key", "name") if properties.get(k) in keys), None)
        if name is None:
            continue
        polygons = [shape["coordinates"]] if shape.get("type") == "Polygon" else shape.get("coordinates", [])
        out.setdefault(list(keys).index(name), []).extend(polygon[0] for polygon in polygons)
    return out


def _drawn(
    outlines: Mapping[int, Sequence[Ring]], names: Sequence[str], shares: Sequence[Value], middle: float, w: Words
) -> go.Figure:
    figure = go.Figure()
    every: F64 = np.array([point[:2] for rings in outlines.values() for ring in rings for point in ring], dtype=float)
    middles = {}
    for k, rings in outlines.items():
        v = shares[k]
        colour = _colour(v, middle)
        for ring in rings:
            figure.add_trace(go.Scatter(
                x=[float(q[0]) for q in ring], y=[float(q[1]) for q in ring], mode="lines", fill="toself", fillcolor=colour,
                line={"color": theme.INK, "width": 1}, hoverinfo="skip",
            ))  # fmt: skip
        middles[k] = np.asarray(max(rings, key=len), dtype=float)[:, :2].mean(axis=0)
        figure.add_annotation(
            x=float(middles[k][0]), y=float(middles[k][1]), text=_label(names[k], v, w), font={"color": theme.text_on(colour), "size": 12}
        )  # fmt: skip
    at = list(middles)
    figure.add_trace(_touch([float(middles[k][0]) for k in at], [float(middles[k][1]) for k in at], [names[k] for k in at], [shares[k] for k in at], w))  # fmt: skip
    (west, south), (east, north) = every.min(axis=0), every.max(axis=0)
    narrow = math.cos(math.radians((south + north) / 2))  # a degree of longitude is shorter than one of latitude
    figure.update_layout(
        xaxis={"visible": False, "range": [west, east], "constrain": "domain"},
        yaxis={"visible": False, "range": [south, north], "scaleanchor": "x", "scaleratio": 1 / narrow, "constrain": "domain"},
    )  # fmt: skip
    return figure
