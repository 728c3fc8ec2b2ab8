"""What makes the need: drivers of default from none to all, and scenarios against their base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from dashboard.figures.figure import Figure, Value, described, finished, nothing, read, source_of
from dashboard.figures.measure import Measure, measure_of, name_of
from dashboard.words.labels import LABELS

if TYPE_CHECKING:
    from dashboard.words import Words

_LEVELS = {"need_mean_yuan": "mean", "need_yuan": "need", "need_tail_mean_yuan": "tail_mean"}


# --- drivers -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Step:
    """One bar: from where it starts to where it ends, and the interval of the difference."""

    name: str
    begin: float
    change: Value
    is_level: bool = False

    @property
    def end(self) -> float:
        return self.begin + (self.change.value or 0.0)


def drivers_waterfall(
    data: Mapping[str, Any], w: Words, *, metric: str = "need_yuan", attribution: Mapping[str, Any] | None = None
) -> Figure:
    """From no driver of default to all of them, step by step, with the interval of each step.

    Two readings. Without ``attribution`` each driver stands with what it does alone, and a last bar with what they
    make together beyond that. With it each has its Shapley share, which spreads that surplus over them.

    Parameters
    ----------
    data : mapping
        `Answer.data`.
    metric : str
        One of ``data["drivers"]["effects"]``, or of the attribution.
    attribution : mapping, optional
        As `sim.answers.attribution.attribution` gives it.
    """
    m, name, source = measure_of(metric, w), name_of(metric, w), source_of(data, w)
    columns = [
        w("step"),
        *(m.column(x) for x in (w("begins at"), w("changes by"), w("interval from"), w("interval to"), w("ends at"))),
    ]
    question = w("What makes the figure: {figure}?", figure=name)
    steps, reason = _shares(data, attribution, metric, w) if attribution else _alone(data, metric, w)
    if not steps:
        return nothing(question, reason, columns, source, w)
    title = _drivers_title(steps, m, name, w, is_shared=bool(attribution))
    subtitle = _reading(w, is_shared=bool(attribution)) + _left_out(data, w)
    figure = _waterfall(steps, m, w)
    said = [
        w.named(s.name, m.say(s.end) if s.is_level else w.bracketed(m.change(s.change.value or 0.0), m.change_interval(s.change)))
        for s in steps
    ]  # fmt: skip
    table = pd.DataFrame(
        [[s.name, m.cell(s.begin), m.cell(s.change.value), m.cell(s.change.low), m.cell(s.change.high), m.cell(s.end)] for s in steps],
        columns=columns,
    )  # fmt: skip
    alt = described(title, [subtitle], w, said)
    return finished(figure, title, subtitle, alt, table, source, y_title=m.unit, below=44)


def _alone(data: Mapping[str, Any], metric: str, w: Words) -> tuple[list[_Step], str]:
    """Each driver alone, then the interaction."""
    found = data.get("drivers") or {}
    effects, here = (found.get("effects") or {}).get(metric, {}), found.get("present") or []
    none = read(found.get("arms", {}).get("none", {}).get(metric))
    total = read(effects.get("all"))
    if not here or none.value is None or total.value is None:
        return [], none.reason or total.reason
    changes = [(_driver(d, w), read(effects[d]["alone"])) for d in here]
    if len(here) > 1:
        changes.append((w("interaction"), read(effects["interaction"])))
    return _stepped(none, changes, w), ""


def _shares(data: Mapping[str, Any], attribution: Mapping[str, Any], metric: str, w: Words) -> tuple[list[_Step], str]:
    """Shapley shares, which leave nothing over."""
    found = attribution.get(metric) or {}
    if read(found.get("total")).value is None:
        return [], str(attribution.get("reason") or read(found.get("total")).reason)
    none = read((attribution.get("levels_yuan") or {}).get("none", {}).get(_LEVELS.get(metric, "")))
    if none.value is None:
        none = read((data.get("drivers") or {}).get("arms", {}).get("none", {}).get(metric))
    return _stepped(none, [(_driver(d, w), read(v)) for d, v in found["shares"].items()], w), ""


def _stepped(none: Value, changes: Sequence[tuple[str, Value]], w: Words) -> list[_Step]:
    """Bars that each begin where the last one ended; without a known level they begin at nothing."""
    begin = none.value or 0.0
    steps = [_Step(w("no driver"), 0.0, none, is_level=True)] if none.value is not None else []
    for name, change in changes:
        steps.append(_Step(name, begin, change))
        begin = steps[-1].end
    last = w("all drivers") if none.value is not None else w("all together")
    return [*steps, _Step(last, 0.0, Value(begin), is_level=True)]


def _driver(key: str, w: Words) -> str:
    return w.label(f"driver.{key}") if f"driver.{key}" in LABELS else key


def _drivers_title(steps: Sequence[_Step], m: Measure, name: str, w: Words, *, is_shared: bool) -> str:
    drivers = [s for s in steps if not s.is_level and s.name != w("interaction")]
    most = max(drivers, key=lambda s: abs(s.change.value or 0.0))
    values = {"figure": name, "driver": most.name, "change": m.change(most.change.value or 0.0)}
    if is_shared:
        return w("{figure}: {driver} has the largest share, {change} (Shapley shares)", **values)
    return w("{figure}: {driver} does most, {change} (each driver alone)", **values)


def _reading(w: Words, *, is_shared: bool) -> str:
    if is_shared:
        return w("Share: mean over all orders of switching the drivers on; lines are 95% intervals.")
    return w("Each driver alone; interaction is what they make together beyond the sum; lines are 95% intervals.")


def _left_out(data: Mapping[str, Any], w: Words) -> str:
    """Drivers that the scenario does not have."""
    absent = (data.get("drivers") or {}).get("absent") or {}
    if not absent:
        return ""
    gap = "" if w.lang == "zh" else " "
    return gap + w("Not switched: {drivers}.", drivers=w.listed([_driver(d, w) for d in absent]))


def _waterfall(steps: Sequence[_Step], m: Measure, w: Words) -> go.Figure:
    figure = go.Figure()
    zero = [not s.is_level and _includes_zero(s.change) for s in steps]
    colours = [
        theme.SLATE if s.is_level else theme.GREYED if z else theme.OCHRE if (s.change.value or 0) > 0 else theme.TEAL
        for s, z in zip(steps, zero, strict=True)
    ]
    figure.add_trace(go.Bar(
        x=list(range(len(steps))), base=[m.at(s.begin) for s in steps], y=[m.at(s.end) - m.at(s.begin) for s in steps],
        hoverinfo="text", hovertext=[f"{theme.plain(s.name)}: {_bar_text(s, m)}" for s in steps],
        marker={"color": colours, "line": {"color": theme.INK, "width": 0.5},
                "pattern": {"shape": ["" if s.is_level else "." if z else "/" for s, z in zip(steps, zero, strict=True)],
                            "fillmode": "overlay", "fgcolor": theme.PAPER, "size": 7, "solidity": 0.18}},
    ))  # fmt: skip
    for k, s in enumerate(steps[:-1]):
        figure.add_shape(type="line", x0=k, x1=k + 1, y0=m.at(s.end), y1=m.at(s.end), layer="below",
                         line={"color": theme.MUTED, "width": 1, "dash": "dot"})  # fmt: skip
    up, down = ([s.change.arms()[k] for s in steps] for k in (0, 1))
    whiskers = [k for k, s in enumerate(steps) if s.change.bounds is not None]
    figure.add_trace(go.Scatter(
        x=whiskers, y=[m.at(steps[k].end) for k in whiskers], mode="markers", hoverinfo="skip",
        marker={"size": 1, "color": theme.INK},
        error_y={"type": "data", "array": [m.at(up[k]) for k in whiskers], "arrayminus": [m.at(down[k]) for k in whiskers],
                 "color": theme.INK, "thickness": 1.6, "width": 6},
    ))  # fmt: skip
    tops = [max(s.begin, s.end + u) for s, u in zip(steps, up, strict=True)]
    for k, (s, top) in enumerate(zip(steps, tops, strict=True)):
        figure.add_annotation(
            x=k, y=m.at(top), text=_bar_text(s, m, "<br>"), yanchor="bottom", yshift=3, font={"size": 12},
            bgcolor="rgba(255,255,255,0.8)",
        )  # fmt: skip
    bottom = min(0.0, *(min(s.begin, s.end - d) for s, d in zip(steps, down, strict=True)))
    high = max(*tops, 0.0)
    room = (high - bottom) or 1.0
    units = 15 if len(steps) > 4 else 24
    figure.update_layout(
        xaxis={"tickmode": "array", "tickvals": list(range(len(steps))), "range": [-0.6, len(steps) - 0.4], "showgrid": False,
               "ticktext": [theme.lines_of(s.name, units) for s in steps]},
        yaxis=m.axis(m.at(bottom) - (0.0 if bottom == 0 else m.at(room) * 0.06), m.at(high + room * 0.2), 6) | theme.FLOOR,
    )  # fmt: skip
    return figure


def _bar_text(s: _Step, m: Measure, gap: str = " ") -> str:
    if s.is_level:
        return f"<b>{theme.plain(m.say(s.end))}</b>"
    sign = "+" if (s.change.value or 0.0) > 0 else ""
    text = f"<b>{sign}{theme.plain(m.short(s.change.value or 0.0, is_fine=True))}</b>"
    if s.change.bounds is None or s.change.bounds == (0.0, 0.0):
        return text
    interval = m.w.interval(s.change.bounds, lambda x: m.short(x, is_fine=True))
    return f"{text}（{theme.plain(interval)}）" if m.w.lang == "zh" else f"{text}{gap}({theme.plain(interval)})"


def _includes_zero(v: Value) -> bool:
    """Without an interval nothing is known about the sign."""
    return v.bounds is None or v.bounds[0] <= 0 <= v.bounds[1]


# --- scenarios ---------------------------------------------------------------------------------------


def differences(
    rows: Sequence[Mapping[str, Any]], metric: str, w: Words, *, about: Mapping[str, Any] | None = None,
    names: Mapping[str, str] | None = None,
) -> Figure:  # fmt: skip
    """Paired differences of scenarios to their base; what cannot be told apart from none is grey and says so.

    Parameters
    ----------
    rows : sequence of mapping
        As `Results.compare` gives them; ``difference`` may be an estimate or its dictionary.
    metric : str
        The metric to show.
    about : mapping, optional
        For the source: ``seed``, ``replications``, ``is_demonstration``, ``provenance``.
    names : mapping, optional
        How scenarios are called; by default their own names.
    """
    m, figure_name, source = measure_of(metric, w), name_of(metric, w), source_of(about, w)
    parts = [w("base"), w("scenario value"), w("difference"), w("interval from"), w("interval to")]
    columns = [w("scenario"), *(m.column(x) for x in parts), w("reading")]
    question = w("Which scenario changes {figure}?", figure=figure_name)
    mine = [row for row in rows if row["metric"] == metric and read(row["difference"]).value is not None]
    if not mine:
        reasons = [read(row["difference"]).reason for row in rows if row["metric"] == metric]
        return nothing(question, next(iter(reasons), ""), columns, source, w)
    called = [(names or {}).get(row["scenario"], row["scenario"]) for row in mine]
    found = [read(row["difference"]) for row in mine]
    title = _differences_title(called, found, m, figure_name, w)
    subtitle = w(
        "Difference to the base on the same random numbers, with its 95% interval. Base: {base}.",
        base=m.say(mine[0]["base"]),
    )
    figure = _difference_dots(called, found, m, w)
    table = pd.DataFrame(
        [[name, m.cell(row["base"]), m.cell(row["other"]), m.cell(v.value), m.cell(v.low), m.cell(v.high), verdict(v, w)]
         for name, row, v in zip(called, mine, found, strict=True)],
        columns=columns,
    )  # fmt: skip
    said = [w.named(name, _words_of(v, m, w)) for name, v in zip(called, found, strict=True)]
    key = [("●", theme.BLUE, w("can be told apart")), ("○", theme.GREYED, w("cannot be told apart"))]
    unit = m.unit if m.kind != "share" else w("percentage points")
    return finished(
        figure, title, subtitle, described(title, [subtitle], w, said), table, source, key=key, left=168, right=190,
        x_title=w("difference to the base ({unit})", unit=unit),
    )  # fmt: skip


def _differences_title(names: Sequence[str], found: Sequence[Value], m: Measure, figure: str, w: Words) -> str:
    apart = [(name, v) for name, v in zip(names, found, strict=True) if not _includes_zero(v)]
    if not apart:
        return w("{figure}: no scenario can be told apart from the base", figure=figure)
    name, v = max(apart, key=lambda pair: abs(pair[1].value or 0.0))
    return w(
        "{figure}: {scenario} changes it most, by {change}",
        figure=figure,
        scenario=name,
        change=m.change(v.value or 0.0),
    )


def verdict(v: Value, w: Words) -> str:
    """Can a difference be told from none?"""
    if v.value == 0 and v.bounds in (None, (0.0, 0.0)):
        return w("no difference")
    return w("cannot be told apart") if _includes_zero(v) else w("can be told apart")


def _words_of(v: Value, m: Measure, w: Words) -> str:
    text = w.bracketed(m.change(v.value or 0.0), m.change_interval(v)) if v.bounds else m.change(v.value or 0.0)
    return (
        text if not _includes_zero(v) else f"{text}, {verdict(v, w)}" if w.lang == "en" else f"{text}，{verdict(v, w)}"
    )


def _difference_dots(names: Sequence[str], found: Sequence[Value], m: Measure, w: Words) -> go.Figure:
    figure = go.Figure()
    rows = list(range(len(found)))[::-1]  # the first scenario on top
    for grey in (False, True):
        at = [k for k, v in enumerate(found) if _includes_zero(v) == grey]
        colour = theme.GREYED if grey else theme.BLUE
        figure.add_trace(go.Scatter(
            x=[m.at(found[k].value or 0.0) for k in at], y=[rows[k] for k in at], mode="markers", hoverinfo="text",
            hovertext=[w.named(theme.plain(names[k]), _words_of(found[k], m, w)) for k in at],
            marker={"size": 13, "color": theme.PAPER if grey else colour, "line": {"color": colour, "width": 2.5}},
            error_x={"type": "data", "array": [m.at(found[k].arms()[0]) for k in at], "color": colour, "width": 7,
                     "arrayminus": [m.at(found[k].arms()[1]) for k in at], "thickness": 2.5},
        ))  # fmt: skip
    for name, v, y in zip(names, found, rows, strict=True):
        ink = theme.MUTED if _includes_zero(v) else theme.INK
        figure.add_annotation(
            text=theme.lines_of(name, 19), x=0, xref="paper", y=y, xanchor="right", xshift=-10, align="right", font={"color": ink}
        )  # fmt: skip
        first = f"<b>{theme.plain(m.change(v.value or 0.0))}</b>"
        second = verdict(v, w) if _includes_zero(v) else m.change_interval(v)
        figure.add_annotation(
            text=f"{first}<br>{theme.plain(second)}", x=1, xref="paper", y=y, xanchor="left", xshift=10, align="left",
            font={"color": ink, "size": 12},
        )  # fmt: skip
    ends = [m.at(x) for v in found for x in (v.low, v.high, v.value, 0.0) if x is not None]
    span = (max(ends) - min(ends)) or 1.0
    figure.add_shape(
        type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line={"color": theme.INK, "width": 1.5}, layer="below"
    )
    figure.update_layout(
        xaxis=m.axis(min(ends) - 0.06 * span, max(ends) + 0.06 * span, 6),
        yaxis={"range": [-0.6, len(found) - 0.4], "showticklabels": False, "showgrid": False},
    )  # fmt: skip
    return figure
