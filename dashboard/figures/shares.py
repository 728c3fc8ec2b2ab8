"""Shares against what they are held to: defaults by the number of other debts, and targets against the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from dashboard.figures.figure import Figure, Value, described, finished, nothing, read, source_of
from dashboard.figures.measure import Measure, axis
from dashboard.words.numbers import MINUS

if TYPE_CHECKING:
    from dashboard.words import Words


# --- other debts -------------------------------------------------------------------------------------


def default_by_debts(data: Mapping[str, Any], w: Words) -> Figure:
    """Share of due loans that default, by how many other debts the household has.

    Parameters
    ----------
    data : mapping
        `Answer.data`, with ``households``.
    """
    p, source = Measure("share", w), source_of(data, w)
    columns = [w("other debts"), p.column(w("default share")), p.column(w("interval from")), p.column(w("interval to"))]
    households = data.get("households") or {}
    found = {k: read(v) for k, v in (households.get("default_share_by_other_debts") or {}).items()}
    known = {k: v for k, v in found.items() if v.value is not None}
    if not known:
        question = w("Do other debts make defaults more common?")
        reason = str(households.get("reason") or next((v.reason for v in found.values()), ""))
        return nothing(question, reason, columns, source, w)
    last = max(known, key=int)
    names = {k: _debts(int(k), w, is_last=k == last) for k in known}
    title = _debts_title(known, names, w)
    subtitle = w("Loans unpaid on day 90, share of those due (by count); lines are 95% intervals.")
    figure = go.Figure()
    values = list(known.values())
    figure.add_trace(go.Scatter(
        x=list(range(len(values))), y=[p.at(v.value or 0.0) for v in values], mode="markers", hoverinfo="text",
        hovertext=[w.named(names[k], w.percent(v.value)) for k, v in known.items()],
        marker={"size": 9, "color": theme.BLUE, "line": {"color": theme.PAPER, "width": 1}},
        error_y={"type": "data", "array": [p.at(v.arms()[0]) for v in values], "arrayminus": [p.at(v.arms()[1]) for v in values],
                 "color": theme.BLUE, "thickness": 2.5, "width": 8},
    ))  # fmt: skip
    for k, v in enumerate(values):
        text = f"<b>{theme.plain(w.percent(v.value))}</b><br>{theme.plain(p.interval(v))}"
        figure.add_annotation(
            x=k, y=p.at(v.value or 0.0), text=text, xanchor="left", xshift=16, align="left", font={"size": 12}
        )
    high = max(p.at(v.high if v.high is not None else v.value or 0.0) for v in values)
    figure.update_layout(
        xaxis={"tickmode": "array", "tickvals": list(range(len(values))), "ticktext": [theme.plain(n) for n in names.values()],
               "range": [-0.5, len(values) - 0.4], "showgrid": False},
        yaxis=p.axis(0.0, high * 1.15 or 1.0, 6) | theme.FLOOR,
    )  # fmt: skip
    said = [w.named(names[k], w.bracketed(w.percent(v.value), p.interval(v))) for k, v in known.items()]
    table = pd.DataFrame(
        [[names[k], p.cell(v.value), p.cell(v.low), p.cell(v.high)] for k, v in known.items()], columns=columns
    )
    return finished(
        figure, title, subtitle, described(title, [], w, said), table, source, y_title=w("default share (%)"), left=54
    )


def _debts(k: int, w: Words, *, is_last: bool) -> str:
    if k == 0:
        return w("no other debt")
    if is_last:
        return w("{k} or more", k=k)
    return w("1 other debt") if k == 1 else w("{k} other debts", k=k)


def _debts_title(known: Mapping[str, Value], names: Mapping[str, str], w: Words) -> str:
    first, last = min(known, key=int), max(known, key=int)
    a, b = known[first], known[last]
    if first == last or not (a.bounds and b.bounds and b.bounds[0] > a.bounds[1]):
        return w("Do other debts make defaults more common?")
    return w(
        "Defaults rise with other debts: {low} ({few}), {high} ({many})",
        low=w.percent(a.value), few=names[first], high=w.percent(b.value), many=names[last],
    )  # fmt: skip


# --- targets -----------------------------------------------------------------------------------------


def calibration_dots(rows: Sequence[Mapping[str, Any]], w: Words, *, about: Mapping[str, Any] | None = None) -> Figure:
    """What the model gives against what is known, each as a deviation from its target; the largest on top.

    Parameters
    ----------
    rows : sequence of mapping
        ``name``, ``target``, ``low``, ``high``, ``model``, ``model_low``, ``model_high``; ends of intervals may be None.
        ``unit`` (optional) stands behind the numbers, ``share`` for shares. Names of the rows are shown as they are.
    about : mapping, optional
    """
    source = source_of(about, w)
    columns = [w("figure"), w("target"), w("interval from"), w("interval to"), w("model"), w("model from"), w("model to"),
               w("deviation [%]"), w("unit")]  # fmt: skip
    question = w("Does the model meet what is known?")
    known = [row for row in rows if row.get("target") and row.get("model") is not None]
    if not known:
        reason = w("no target has a value that the model can be held to") if rows else ""
        return nothing(question, reason, columns, source, w)
    known.sort(key=lambda row: -abs(_deviation(row["model"], row)))
    met = sum(_is_met(row) for row in known)
    title = w("Intervals of model and target meet in {met} of {n} cases", met=met, n=len(known))
    subtitle = w("Deviation of the model from each target; grey: what is known about the target, 95%.")
    left_out = [str(row["name"]) for row in rows if row not in known]
    if left_out:
        gap = "" if w.lang == "zh" else " "
        subtitle += gap + w("Without a value to compare: {names}.", names=w.listed(left_out))
    key = [
        ("■", theme.GRID, w("target's interval")), ("●", theme.BLUE, w("model, met")),
        ("◆", theme.OCHRE, w("model, not met")),
    ]  # fmt: skip
    table = pd.DataFrame([_target_row(row, w) for row in known], columns=columns)
    said = [w.named(row["name"], _target_words(row, w)) for row in known]
    return finished(
        _target_dots(known, w), title, subtitle, described(title, [], w, said), table, source, key=key, left=330, right=190,
        x_title=w("deviation from the target (%)"),
    )  # fmt: skip


def _deviation(x: float, row: Mapping[str, Any]) -> float:
    """Per cent from the target."""
    target = float(row["target"])
    return 100 * (float(x) - target) / abs(target)


def _is_met(row: Mapping[str, Any]) -> bool:
    """The two intervals meet; a missing one is a point."""
    low, high = row.get("low"), row.get("high")
    model_low, model_high = row.get("model_low"), row.get("model_high")
    below = row["model"] if model_low is None else model_low
    above = row["model"] if model_high is None else model_high
    return bool(below <= (row["target"] if high is None else high) and above >= (row["target"] if low is None else low))


def _told(x: float | None, row: Mapping[str, Any], w: Words) -> str:
    """A number of a row with its unit."""
    if row.get("unit") == "share":
        return w.percent(x)
    if row.get("unit") == "yuan":
        return w.money(x)
    size = abs(float(row["target"]))
    text = w.number(x, 0 if size >= 100 else 1 if size >= 10 else 2)
    return f"{text} {row['unit']}" if row.get("unit") else text


def _signed(x: float, w: Words) -> str:
    text = w.number(x, 0 if abs(x) >= 10 else 1)
    return f"{text}%" if text.startswith(MINUS) or x == 0 else f"+{text}%"


def _target_words(row: Mapping[str, Any], w: Words) -> str:
    return w(
        "target {target}, model {model}, deviation {deviation}",
        target=_told(row["target"], row, w), model=_told(row["model"], row, w), deviation=_signed(_deviation(row["model"], row), w),
    )  # fmt: skip


def _target_row(row: Mapping[str, Any], w: Words) -> list[Any]:
    ends = ("target", "low", "high", "model", "model_low", "model_high")
    return [row["name"], *(row.get(k) for k in ends), round(_deviation(row["model"], row), 2), row.get("unit") or ""]


def _target_dots(known: Sequence[Mapping[str, Any]], w: Words) -> go.Figure:
    figure = go.Figure()
    n = len(known)
    ends = [0.0]
    for k, row in enumerate(known):
        y = n - 1 - k
        low, high = (_deviation(row[e], row) if row.get(e) is not None else 0.0 for e in ("low", "high"))
        figure.add_shape(
            type="rect", x0=low, x1=high, y0=y - 0.3, y1=y + 0.3, fillcolor=theme.GRID, line={"color": theme.GREYED, "width": 1}, layer="below"
        )  # fmt: skip
        ends += [low, high]
        words = f"{_told(row['target'], row, w)} → {_told(row['model'], row, w)}"
        figure.add_annotation(
            text=theme.lines_of(str(row["name"]), 46),
            x=0,
            xref="paper",
            y=y,
            xanchor="right",
            xshift=-10,
            align="right",
        )
        figure.add_annotation(
            text=f"<b>{theme.plain(_signed(_deviation(row['model'], row), w))}</b><br>{theme.plain(words)}", x=1, xref="paper", y=y,
            xanchor="left", xshift=10, align="left", font={"size": 12},
        )  # fmt: skip
    for met, symbol, colour in ((True, "circle", theme.BLUE), (False, "diamond", theme.OCHRE)):
        at = [k for k, row in enumerate(known) if _is_met(row) == met]
        arms = [_arms(known[k]) for k in at]
        figure.add_trace(go.Scatter(
            x=[_deviation(known[k]["model"], known[k]) for k in at], y=[n - 1 - k for k in at], mode="markers", hoverinfo="text",
            hovertext=[w.named(theme.plain(str(known[k]["name"])), theme.plain(_target_words(known[k], w))) for k in at],
            marker={"symbol": symbol, "size": 12, "color": colour, "line": {"color": theme.PAPER, "width": 1}},
            error_x={"type": "data", "array": [a for a, _ in arms], "arrayminus": [b for _, b in arms], "color": colour,
                     "thickness": 2.5, "width": 6},
        ))  # fmt: skip
        ends += [_deviation(known[k]["model"], known[k]) + a for k, (a, _) in zip(at, arms, strict=True)]
        ends += [_deviation(known[k]["model"], known[k]) - b for k, (_, b) in zip(at, arms, strict=True)]
    span = (max(ends) - min(ends)) or 1.0
    figure.add_shape(
        type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line={"color": theme.INK, "width": 1.5}, layer="below"
    )
    figure.update_layout(
        xaxis=axis(min(ends) - 0.06 * span, max(ends) + 0.06 * span, w, 6),
        yaxis={"range": [-0.6, n - 0.4], "showticklabels": False, "showgrid": False},
    )  # fmt: skip
    return figure


def _arms(row: Mapping[str, Any]) -> tuple[float, float]:
    """How far the model's interval reaches to both sides [%]."""
    at = _deviation(row["model"], row)
    low, high = (at if row.get(k) is None else _deviation(row[k], row) for k in ("model_low", "model_high"))
    return max(high - at, 0.0), max(at - low, 0.0)
