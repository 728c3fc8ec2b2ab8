"""A forecast's intervals against what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from dashboard.figures.figure import Figure, described, finished, nothing, source_of
from dashboard.words import Words

_BEYOND = 0.2  # of an interval's length: what lies farther off is drawn there, its number beside it


def forecast_and_fact(rows: Sequence[Mapping[str, Any]], w: Words, *, about: Mapping[str, Any] | None = None) -> Figure:
    """Interval of nine tenths of each figure and what happened, every interval drawn equally long.

    Parameters
    ----------
    rows : sequence of mapping
        ``name``, ``low``, ``middle``, ``high``, ``actual``, ``is_inside``, and ``say``, how a number is written.
    about : mapping, optional
    """
    source = source_of(about, w)
    columns = [w("quantity"), w("interval from"), w("forecast"), w("interval to"), w("happened"), w("inside")]
    question = w("Did it come as forecast?")
    if not rows:
        return nothing(question, "", columns, source, w)
    inside = sum(bool(row["is_inside"]) for row in rows)
    title = w("{inside} of {n} figures came within the forecast's interval", inside=inside, n=len(rows))
    subtitle = w("Bar: nine in ten forecast histories, each bar as long as the others; line: their middle; mark: what happened.")  # fmt: skip
    key = [("●", theme.BLUE, w("inside the interval")), ("◆", theme.OCHRE, w("outside"))]
    said = [w.named(str(row["name"]), _words(row, w)) for row in rows]
    table = pd.DataFrame(
        [[row["name"], *(row[k] for k in ("low", "middle", "high", "actual")), w("yes") if row["is_inside"] else w("no")] for row in rows],
        columns=columns,
    )  # fmt: skip
    return finished(
        _bars(rows, w), title, subtitle, described(title, [], w, said), table, source, key=key, left=290, right=150
    )


def _words(row: Mapping[str, Any], w: Words) -> str:
    say = row["say"]
    return w(
        "forecast {low} to {high}, happened {actual}",
        low=say(row["low"]), high=say(row["high"]), actual=say(row["actual"]),
    )  # fmt: skip


def _at(x: float, row: Mapping[str, Any]) -> float:
    """Where a number stands if the interval reaches from 0 to 1; far ones just beyond it."""
    low, high = float(row["low"]), float(row["high"])
    if high == low:
        return 0.5 if x == low else -_BEYOND if x < low else 1 + _BEYOND
    return min(max((x - low) / (high - low), -_BEYOND), 1 + _BEYOND)


def _bars(rows: Sequence[Mapping[str, Any]], w: Words) -> go.Figure:
    figure, n = go.Figure(), len(rows)
    for k, row in enumerate(rows):
        y, say = n - 1 - k, row["say"]
        figure.add_shape(
            type="rect", x0=0, x1=1, y0=y - 0.22, y1=y + 0.22, fillcolor=theme.GRID, line={"color": theme.GREYED, "width": 1}, layer="below"
        )  # fmt: skip
        middle = _at(row["middle"], row)
        figure.add_shape(type="line", x0=middle, x1=middle, y0=y - 0.22, y1=y + 0.22, line={"color": theme.INK, "width": 1.5})  # fmt: skip
        figure.add_annotation(
            text=theme.lines_of(str(row["name"]), 40), x=0, xref="paper", y=y, xanchor="right", xshift=-10, align="right"
        )  # fmt: skip
        figure.add_annotation(
            text=f"<b>{theme.plain(say(row['actual']))}</b>", x=1, xref="paper", y=y, xanchor="left", xshift=10, align="left",
        )  # fmt: skip
        for x, end, anchor in ((0, "low", "left"), (1, "high", "right")):
            figure.add_annotation(
                text=theme.plain(say(row[end])),
                x=x,
                y=y - 0.36,
                xanchor=anchor,
                font={"size": 11, "color": theme.MUTED},
            )
    for met, symbol, colour in ((True, "circle", theme.BLUE), (False, "diamond", theme.OCHRE)):
        at = [k for k, row in enumerate(rows) if bool(row["is_inside"]) == met]
        figure.add_trace(go.Scatter(
            x=[_at(rows[k]["actual"], rows[k]) for k in at], y=[n - 1 - k for k in at], mode="markers", hoverinfo="text",
            hovertext=[theme.plain(w.named(str(rows[k]["name"]), _words(rows[k], w))) for k in at],
            marker={"symbol": symbol, "size": 13, "color": colour, "line": {"color": theme.PAPER, "width": 1}},
        ))  # fmt: skip
    figure.update_layout(
        xaxis={"visible": False, "range": [-_BEYOND - 0.05, 1 + _BEYOND + 0.05]},
        yaxis={"range": [-0.7, n - 0.5], "showticklabels": False, "showgrid": False, "zeroline": False},
    )
    return figure
