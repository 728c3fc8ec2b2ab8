"""The fund through the months of the year, and how old the subsidy is that has not been paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from dashboard.figures.figure import Figure, Value, described, finished, nothing, read, source_of
from dashboard.figures.measure import Measure
from dashboard.words.labels import N_
from sim.estimate import Strata, mass_of, quantile_value
from sim.units import F64, FEN_PER_YUAN

if TYPE_CHECKING:
    from dashboard.words import Words

_BANDS = (0.025, 0.25, 0.5, 0.75, 0.975)  # of years: 19 of 20, the middle half, the middle one
_AGES = {
    "0_90_days": N_("up to 90 days"),
    "91_180_days": N_("91 to 180 days"),
    "181_365_days": N_("181 to 365 days"),
    "366_days_and_more": N_("more than a year"),
}
# light to dark, so that they stay apart in grey print; patterns would hide the numbers in them
_AGE_COLOURS = (theme.RAMP[1], theme.RAMP[2], theme.RAMP[3], theme.RAMP[5])


# --- balance -----------------------------------------------------------------------------------------


def balance_fan(
    data: Mapping[str, Any],
    months: pd.DataFrame,
    w: Words,
    *,
    is_ring_fenced: bool = True,
    strata: Strata | None = None,
) -> Figure:
    """Balance at each month's end of the sized year: the middle year, half of the years, 19 of 20 years.

    The bands are taken month by month; no single year needs to follow their edges.

    Parameters
    ----------
    data : mapping
        `Answer.data`.
    months : DataFrame
        ``replication``, ``month`` (since January 1970), ``lender``, ``fund_fen``.
    is_ring_fenced : bool
        True: each lender has its own sub-account, and the balance is their sum. False: all rows of a month show the
        one account.
    strata : Strata, optional
    """
    m, source, year = Measure("money", w), source_of(data, w), int(data["year"])
    names = [
        w("19 of 20 years, from"),
        w("half of the years, from"),
        w("middle year"),
        w("half of the years, to"),
        w("19 of 20 years, to"),
    ]
    columns = [w("month"), *(m.column(x) for x in names)]
    question = w("How does the fund's balance move through {year}?", year=year)
    balance = _balance(months, year, is_ring_fenced=is_ring_fenced)
    if balance is None:
        return nothing(question, "this run keeps no months", columns, source, w)
    mass = mass_of(np.zeros(len(balance)), strata)
    bands: F64 = np.array(
        [[float(quantile_value(balance[c].to_numpy(float), a, mass)) for c in balance.columns] for a in _BANDS]
    )
    calendar = [int(c) % 12 + 1 for c in balance.columns]
    lowest = int(np.argmin(bands[0]))
    title = w(
        "The balance is lowest at the end of {month}: {middle} in the middle year, {range} in 19 of 20 years",
        month=w.month(calendar[lowest]), middle=w.money(bands[2, lowest]), range=w.range_money((bands[0, lowest], bands[4, lowest])),
    )  # fmt: skip
    subtitle = w("Balance at each month's end of {year} with the fund as it is set today, {set}; bands month by month.", year=year, set=w.advised(float(data["fund_yuan"])))  # fmt: skip
    key = [
        ("━", theme.RAMP[5], w("middle year")),
        ("■", theme.RAMP[3], w("half of the years")),
        ("■", theme.RAMP[1], w("19 of 20 years")),
    ]
    said = [
        f"{w.month(k)}: " + w("{middle}, in 19 of 20 years {range}", middle=w.money(b[2]), range=w.range_money((b[0], b[4])))
        for k, b in zip(calendar, bands.T, strict=True)
    ]  # fmt: skip
    table = pd.DataFrame(
        [[w.month(k), *(m.cell(x) for x in b)] for k, b in zip(calendar, bands.T, strict=True)], columns=columns
    )
    return finished(
        _fan(m, bands, calendar), title, subtitle, described(title, [subtitle], w, said), table, source, key=key,
        y_title=w("balance ({unit})", unit=w.money_unit), left=62,
    )  # fmt: skip


def _balance(months: pd.DataFrame, year: int, *, is_ring_fenced: bool) -> pd.DataFrame | None:
    """One row a history, one column a month of the year [yuan]; None where the run keeps no months of it."""
    if months.empty or "fund_fen" not in months:
        return None
    first = 12 * (year - 1970)
    rows = months[(months["month"] >= first) & (months["month"] < first + 12)]
    if not is_ring_fenced:
        rows = rows[rows["lender"] == rows["lender"].min()]
    if rows.empty:
        return None
    return rows.pivot_table("fund_fen", "replication", "month", aggfunc="sum") / FEN_PER_YUAN


def _fan(m: Measure, bands: F64, calendar: list[int]) -> go.Figure:
    x = list(range(len(calendar)))
    y = [[m.at(float(v)) for v in band] for band in bands]
    figure = go.Figure()
    for low, high, colour in ((0, 4, theme.RAMP[1]), (1, 3, theme.RAMP[3])):
        edge = {"color": theme.RAMP[4], "width": 1, "dash": "dot" if low == 0 else "solid"}
        figure.add_trace(go.Scatter(x=x, y=y[high], mode="lines", line=edge, hoverinfo="skip"))
        figure.add_trace(
            go.Scatter(x=x, y=y[low], mode="lines", line=edge, fill="tonexty", fillcolor=colour, hoverinfo="skip")
        )
    figure.add_trace(go.Scatter(
        x=x, y=y[2], mode="lines+markers", line={"color": theme.RAMP[5], "width": 3}, marker={"size": 7}, hoverinfo="text",
        hovertext=[f"{m.w.month(k)}: {m.say(float(v))}" for k, v in zip(calendar, bands[2], strict=True)],
    ))  # fmt: skip
    bottom, top = min(0.0, *y[0]), max(0.0, *y[4])
    figure.update_layout(
        xaxis={"tickmode": "array", "tickvals": x, "ticktext": [theme.plain(m.w.month(k)) for k in calendar], "showgrid": False,
               "range": [-0.3, len(x) - 0.7]},
        yaxis=m.axis(bottom * 1.05, top * 1.06 if top > 0 else 1.0, 6) | theme.FLOOR | {"zerolinecolor": theme.INK},
    )  # fmt: skip
    return figure


# --- subsidy -----------------------------------------------------------------------------------------


def subsidy_ageing(
    data: Mapping[str, Any], w: Words, *, others: Mapping[str, Mapping[str, Any]] | None = None
) -> Figure:
    """Subsidy unpaid on 31 December by the days since its period ended, one bar a scenario.

    Parameters
    ----------
    data : mapping
        `Answer.data`.
    others : mapping, optional
        Answers of other scenarios by the name to show.
    """
    m, source = Measure("money", w), source_of(data, w)
    columns = [
        w("scenario"),
        w("age"),
        *(m.column(x) for x in (w("unpaid subsidy"), w("interval from"), w("interval to"))),
    ]
    answers = {str(data.get("scenario", "")): data, **(others or {})}
    found = {name: _ages(d) for name, d in answers.items()}
    question = w("How old is the subsidy that has not been paid?")
    known = {name: ages for name, ages in found.items() if ages}
    if not known:
        section = data.get("subsidy_unpaid_by_age_yuan") or {}
        return nothing(question, str(section.get("reason") or ""), columns, source, w)
    title = _ageing_title(next(iter(known.values())), m, w)
    subtitle = w("Mean of the simulated years on 31 December, by days since the end of the subsidy's period.")
    key = [("■", colour, w(text)) for colour, text in zip(_AGE_COLOURS, _AGES.values(), strict=True)]
    rows = [
        [name, w(_AGES[age]), m.cell(v.value), m.cell(v.low), m.cell(v.high)]
        for name, ages in known.items()
        for age, v in ages.items()
    ]
    said = [
        f"{name}: " + w.listed([f"{w(_AGES[age])} {m.say(v.value)}" for age, v in ages.items()])
        for name, ages in known.items()
    ]
    return finished(
        _ageing_bars(known, m, w), title, subtitle, described(title, [], w, said), pd.DataFrame(rows, columns=columns), source, key=key,
        left=168 if len(known) > 1 else 28, right=132, x_title=w("unpaid subsidy ({unit})", unit=w.money_unit),
    )  # fmt: skip


def _ages(data: Mapping[str, Any]) -> dict[str, Value]:
    section = data.get("subsidy_unpaid_by_age_yuan") or {}
    found = {age: read(section.get(age)) for age in _AGES if age in section}
    return {age: v for age, v in found.items() if v.value is not None}


def _ageing_title(ages: Mapping[str, Value], m: Measure, w: Words) -> str:
    total = sum(v.value or 0.0 for v in ages.values())
    old = total - (ages["0_90_days"].value or 0.0) if "0_90_days" in ages else total
    if total <= 0:
        return w("No subsidy is unpaid on 31 December")
    return w(
        "{total} of subsidy is unpaid on 31 December, {old} of it for more than 90 days",
        total=m.say(total), old=m.say(old),
    )  # fmt: skip


def _ageing_bars(known: Mapping[str, Mapping[str, Value]], m: Measure, w: Words) -> go.Figure:
    names = list(known)[::-1]  # the first on top
    totals = {name: sum(v.value or 0.0 for v in known[name].values()) for name in names}
    most = max(*totals.values(), 1e-9)
    figure = go.Figure()
    for age, colour in zip(_AGES, _AGE_COLOURS, strict=True):
        values = [known[name].get(age, Value(0.0)).value or 0.0 for name in names]
        figure.add_trace(go.Bar(
            y=list(range(len(names))), x=[m.at(v) for v in values], orientation="h", name=w(_AGES[age]), hoverinfo="text",
            hovertext=[f"{theme.plain(name)} · {w(_AGES[age])}: {m.say(v)}" for name, v in zip(names, values, strict=True)],
            text=[theme.plain(m.short(v)) if v > 0.08 * most else "" for v in values], textposition="inside", insidetextanchor="middle",
            textangle=0, textfont={"color": theme.text_on(colour), "size": theme.TEXT_SIZE}, constraintext="none",
            width=0.5 if len(names) > 1 else 0.42,
            marker={"color": colour, "line": {"color": theme.INK, "width": 0.8}},
        ))  # fmt: skip
    for k, name in enumerate(names):
        if len(names) > 1:
            figure.add_annotation(
                text=theme.lines_of(name, 19), x=0, xref="paper", y=k, xanchor="right", xshift=-8, align="right"
            )
        total = f"<b>{theme.plain(m.say(totals[name]))}</b>"
        figure.add_annotation(text=total, x=m.at(totals[name]), y=k, xanchor="left", xshift=6)
    figure.update_layout(
        barmode="stack", yaxis={"range": [-0.6, len(names) - 0.4], "showticklabels": False, "showgrid": False},
        xaxis=m.axis(0.0, m.at(most) * 1.02 if most > 1e-6 else 1.0, 7),
    )  # fmt: skip
    return figure
