"""A back-test of a stored run as tables, sentences and a picture's rows, for pages, exports and the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calibration.actuals import Backtest, Compared
from calibration.scoring import Joint
from dashboard.words import Words
from dashboard.words.labels import N_

DOUBT, CONTRADICTED = 0.05, 0.01
FEW = 9  # rows of a short table: as many as the county can have
ITEMS = {
    "payout_yuan": N_("payments due to banks"), "recovered_yuan": N_("recovered"), "compensable_yuan": N_("compensable principal"),
    "due_yuan": N_("principal due"), "defaulted_yuan": N_("principal in default"), "due_loans": N_("loans due"),
    "defaulted_loans": N_("loans in default"), "default_share_of_loans": N_("share of loans in default"),
    "default_share_of_money": N_("share of principal in default"),
}  # fmt: skip


def heads(w: Words) -> list[str]:
    """Columns of `county_rows` and `township_rows`."""
    return [w("quantity"), w("forecast"), w("nine in ten"), w("happened"), w("inside"), "PIT", "CRPS"]


def county_rows(found: Backtest, w: Words) -> list[list[str]]:
    """Each figure of the county: forecast, interval, what happened, scores."""
    return [_row(w(ITEMS[c.item]), c, w) for c in found.county]


def township_rows(found: Backtest, names: dict[str, str], w: Words) -> list[list[str]]:
    """Share of loans in default of each township."""
    return [_row(names.get(key, key), c, w) for key, c in found.townships.items()]


def named_townships(found: Backtest, names: dict[str, str], w: Words) -> list[list[str]]:
    """The same where a row must say by itself what it is."""
    return [[_default_share(row[0], w), *row[1:]] for row in township_rows(found, names, w)]


def short(found: Backtest, names: dict[str, str], w: Words) -> tuple[list[str], list[list[str]]]:
    """Heads and rows without the scores: the county's figures; or, where it has none, the townships farthest from the forecast."""
    rows = county_rows(found, w)
    if not rows:
        far = sorted(found.townships, key=lambda key: -abs(found.townships[key].pit - 0.5))[:FEW]
        rows = [_row(_default_share(names.get(key, key), w), found.townships[key], w) for key in far]
    return heads(w)[:5], [row[:5] for row in rows]


def source(found: Backtest, actuals: str, w: Words) -> str:
    """Which forecast was held against which table."""
    return w("{year}, {n} histories, held against {name}", year=found.year, n=w.number(found.n_histories), name=actuals)


def _default_share(township: str, w: Words) -> str:
    return w("{township}: share of loans in default", township=township)


def _row(name: str, c: Compared, w: Words) -> list[str]:
    form = form_of(c, w)
    inside = w("yes") if c.is_inside else w("no")
    return [name, form(c.middle), w.interval((c.low, c.high), None if c.item.endswith("_yuan") else form), form(c.actual), inside, f"{c.pit:.2f}", form(c.crps)]  # fmt: skip


def form_of(c: Compared, w: Words) -> Callable[[float], str]:
    """How the numbers of a figure are written: money, counts, and shares, which townships have as well."""
    if c.item.endswith("_yuan"):
        return w.money
    return w.number if c.item.endswith("_loans") and not c.item.startswith("default_share") else w.percent


def picture_rows(found: Backtest, names: dict[str, str], w: Words) -> list[dict[str, Any]]:
    """Rows of `figures.forecast_and_fact`: the county's figures, then townships."""
    named = [(w(ITEMS[c.item]), c) for c in found.county]
    named += [(_default_share(names.get(k, k), w), c) for k, c in found.townships.items()]  # fmt: skip
    return [
        {"name": name, "low": c.low, "middle": c.middle, "high": c.high, "actual": c.actual, "is_inside": c.is_inside,
         "say": form_of(c, w)}
        for name, c in named
    ]  # fmt: skip


def sentences(found: Backtest, w: Words) -> list[str]:
    """What the back-test says, in words."""
    out = []
    if found.county:
        inside = sum(c.is_inside for c in found.county)
        out.append(w("{inside} of {n} figures of the county lie inside the forecast's interval of nine tenths.", inside=inside, n=len(found.county)))  # fmt: skip
    if found.joint is not None:
        out.append(_joint(found.joint, w))
    if found.updated is not None and found.before is not None:
        out.append(_sentence(w(
            "Long-run share of loans in default: before {a} to {b}, after {c} to {d} (nine in ten), middle {middle}",
            a=f"{found.before[0]:.1%}", b=f"{found.before[1]:.1%}", c=f"{found.updated.p05:.1%}", d=f"{found.updated.p95:.1%}",
            middle=f"{found.updated.p50:.1%}",
        ), w))  # fmt: skip
    return [*out, w("One year is one observation: an interval hit or missed says little by itself.")]


def _joint(j: Joint, w: Words) -> str:
    said = w("Townships taken together: the forecast is {verdict}", verdict=verdict(min(j.p_level, j.p_spread), w))
    how = w(
        "{missed} of {n} outside their interval, chance of as many {p}; they are worth about {k} independent ones: level p = {a}, spread p = {b}",
        missed=j.missed, n=j.n, p=f"{j.p_missed:.2f}", k=f"{j.n_effective:.0f}", a=f"{j.p_level:.3f}", b=f"{j.p_spread:.3f}",
    )  # fmt: skip
    return _sentence(w.bracketed(said, how), w)


def verdict(p: float, w: Words) -> str:
    """What a p-value of a forecast's test is called."""
    if p < CONTRADICTED:
        return w("contradicted by what happened")
    return w("in doubt") if p < DOUBT else w("not contradicted")


def _sentence(text: str, w: Words) -> str:
    return f"{text}。" if w.lang == "zh" else f"{text}."


def explained(w: Words) -> str:
    """What the two scores mean."""
    return w("PIT: where what happened lies in the forecast, from 0 (below all histories) to 1 (above all); near 0 or 1 is rare. CRPS: distance between forecast and fact in the figure's own unit; smaller is better.")  # fmt: skip
