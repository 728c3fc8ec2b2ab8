"""Truth and report: what households repaid of what fell due, and what is reported of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from dashboard.figures.figure import Figure, Value, described, finished, nothing, read, source_of
from dashboard.figures.measure import Measure

if TYPE_CHECKING:
    from dashboard.words import Words

_ROWS = ("repaid_on_date_share", "repaid_by_households_share", "repayment_rate_reported")


def truth_and_report(data: Mapping[str, Any], w: Words) -> Figure:
    """Three shares of the principal due in the year: repaid by households on the date, by 31 December, and as reported.

    Parameters
    ----------
    data : mapping
        `Answer.data`, with ``truth_and_report``.
    """
    p, source = Measure("share", w), source_of(data, w)
    columns = [w("figure"), p.column(w("share")), p.column(w("interval from")), p.column(w("interval to"))]
    found = {key: read((data.get("truth_and_report") or {}).get(key)) for key in _ROWS}
    if any(v.value is None for v in found.values()):
        question = w("Is what is reported what happened?")
        return nothing(question, next((v.reason for v in found.values()), ""), columns, source, w)
    names = {key: w.label(key) for key in _ROWS}
    told, true = found["repayment_rate_reported"], found["repaid_by_households_share"]
    title = w("{told} is reported as repaid; households repaid {true}", told=w.percent(told.value), true=w.percent(true.value))  # fmt: skip
    subtitle = w("Shares of the principal due in the year, means of the simulated years; lines are 95% intervals.")
    key = [("\u25cf", theme.BLUE, w("what happened")), ("\u25c6", theme.OCHRE, w("what is reported"))]
    said = [w.named(names[k], w.bracketed(w.percent(v.value), p.interval(v))) for k, v in found.items()]
    table = pd.DataFrame([[names[k], p.cell(v.value), p.cell(v.low), p.cell(v.high)] for k, v in found.items()], columns=columns)  # fmt: skip
    return finished(
        _marks(found, names, p), title, subtitle, described(title, [], w, said), table, source, key=key, left=250, right=40,
        x_title=w("share of principal due (%)"),
    )  # fmt: skip


def _marks(found: Mapping[str, Value], names: Mapping[str, str], p: Measure) -> go.Figure:
    """One row a figure, what happened above what is reported."""
    figure = go.Figure()
    lowest = min(p.at(v.low if v.low is not None else v.value or 0.0) for v in found.values())
    for k, (key, v) in enumerate(found.items()):
        y, is_report = len(found) - 1 - k, key == _ROWS[-1]
        colour = theme.OCHRE if is_report else theme.BLUE
        above, below = v.arms()
        figure.add_trace(go.Scatter(
            x=[p.at(v.value or 0.0)], y=[y], mode="markers", hoverinfo="text", hovertext=[theme.plain(p.w.named(names[key], p.say(v.value)))],
            marker={"symbol": "diamond" if is_report else "circle", "size": 12, "color": colour, "line": {"color": theme.PAPER, "width": 1}},
            error_x={"type": "data", "array": [p.at(above)], "arrayminus": [p.at(below)], "color": colour, "thickness": 2.5, "width": 6},
        ))  # fmt: skip
        figure.add_annotation(
            text=theme.lines_of(names[key], 32), x=0, xref="paper", y=y, xanchor="right", xshift=-10, align="right"
        )
        figure.add_annotation(text=f"<b>{theme.plain(p.say(v.value))}</b>", x=p.at(v.value or 0.0), y=y, yshift=20)
    low = max(0.0, lowest - 0.25 * (100.0 - lowest) - 1.0)
    figure.update_layout(
        xaxis=p.axis(low, 100.0 + 0.03 * (100.0 - low), 6),
        yaxis={"range": [-0.6, len(found) - 0.25], "showticklabels": False, "showgrid": False},
    )  # fmt: skip
    return figure
