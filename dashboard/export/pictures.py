"""The pictures of the exports as plain numbers in the reader's unit: slides and pages draw the same ones.

Dots and curve are those of `dashboard.figures`; here they lose the library that draws them on the pages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from dashboard import figures
from dashboard.export.report import Report
from dashboard.words import Words


@dataclass(frozen=True)
class Dots:
    """Equally likely years as dots (x, y) stacked over their need; those beyond the size are short."""

    title: str
    alt: str
    enough: list[tuple[float, float]]
    short: list[tuple[float, float]]
    size: float
    size_name: str
    counted: tuple[str, str]  # enough, short
    right: float
    top: float


@dataclass(frozen=True)
class Curve:
    """Share of years [%] that need more than each size, and the sizes to choose from."""

    title: str
    alt: str
    points: list[tuple[float, float]]
    marks: list[tuple[str, float, float]]


@dataclass(frozen=True)
class Bars:
    """Bars from where they begin to where they end, with a label each; or side by side."""

    title: str
    alt: str
    names: list[str]
    begins: list[float]
    ends: list[float]
    labels: list[str]
    levels: list[bool]  # a bar that stands on the ground: a total, not a step


@dataclass(frozen=True)
class Pairs:
    """Two figures for each of several cases, side by side."""

    title: str
    alt: str
    names: list[str]
    series: list[tuple[str, list[float]]]


def dots(r: Report) -> Dots:
    """Next years as dots; a column begins at the size, so that no dot stands on its wrong side."""
    w, size = r.w, float(r.data["advice"]["fund_yuan"])
    f = figures.dots(r.data, r.sample.frame, w, strata=r.sample.strata)
    at, needs = w.in_unit(size), [float(x) for x in f.table.iloc[:, 1]]
    right = max([*needs, at, 1e-9]) * 1.08
    step = right / (13 if len(needs) <= 20 else 32)
    stacked: Counter[int] = Counter()
    enough: list[tuple[float, float]] = []
    short: list[tuple[float, float]] = []
    for need in needs:
        column = -int(-(need - at) // step) - 1
        stacked[column] += 1
        (short if need > at else enough).append((at + (column + 0.5) * step, stacked[column] - 0.5))
    top = max(max(stacked.values(), default=1) + 1.5, 6.0)
    return Dots(
        f.title, f.alt, enough, short, at, w("size {size}", size=w.advised(size)),
        w.counted(r.data["advice"]["shortfall_chance"]["value"], r.data), right + step, top
    )  # fmt: skip


def curve(r: Report) -> Curve:
    """How often each size is too small, with the sizes of the options on it."""
    w = r.w
    f = figures.exceedance(r.data, r.sample.frame, w, strata=r.sample.strata)
    points = [(float(x), float(y)) for x, y in zip(f.table.iloc[:, 0], f.table.iloc[:, 1], strict=True)]
    marks = [(w.advised(o.fund_yuan), w.in_unit(o.fund_yuan), 100 * o.chance) for o in r.options]
    right = max([x for x, _ in points] + [x for _, x, _ in marks], default=1.0)
    if points and points[-1][0] < right:  # a size beyond all needs is never too small
        points.append((right, 0.0))
    return Curve(f.title, f.alt, _steps(points), marks)


def _steps(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners of a line that falls only at the needs."""
    out = points[:1]
    for (_, before), (x, y) in pairwise(points):
        out += [(x, before), (x, y)]
    return out


def claims(r: Report) -> Bars:
    """Where the year's claimable losses go: from the total down to what the fund pays."""
    w, rows = r.w, r.claims
    total = float(rows[0].estimate["value"] or 0.0) if rows else 0.0
    names, begins, ends, levels, labels = [], [], [], [], []
    left = total
    for k, row in enumerate(rows):
        value = float(row.estimate["value"] or 0.0)
        names.append(row.name)
        labels.append(w.number(w.in_unit(value), 1 if w.lang == "zh" else 2))
        levels.append(k == 0)
        begins.append(0.0 if k == 0 else w.in_unit(max(left - value, 0.0)))
        ends.append(w.in_unit(total if k == 0 else left))
        left -= 0.0 if k == 0 else value
    paid = r.data["waterfall"]["fund_paid_yuan"]["value"]
    title = w(
        "Of {total} that may be claimed, the fund pays {paid} in the year",
        total=w.money(total),
        paid=w.money(paid or 0.0),
    )
    return Bars(title, _told(title, names, labels, w), names, begins, ends, labels, levels)


def cases(r: Report) -> Pairs:
    """The need under other assumptions: the estimate and the conservative figure."""
    w, rows = r.w, r.cases
    names = [row.name for row in rows]
    series = [
        (w("estimate"), [w.in_unit(row.estimate["value"]) for row in rows]),
        (w.term("conservative"), [w.in_unit(row.estimate.get("conservative", row.estimate["value"])) for row in rows]),
    ]
    anchors = [row for row in rows if row.key in ("anchor.low", "anchor.high")]
    if len(anchors) == 2:
        low, high = (w.money(row.estimate["value"]) for row in anchors)
        title = w("From {low} to {high}, by how often loans go bad", low=low, high=high)
    else:
        title = w("The need under other assumptions")
    return Pairs(title, _told(title, names, [w.money(row.estimate["value"]) for row in rows], w), names, series)


def _told(title: str, names: list[str], labels: list[str], w: Words) -> str:
    """A picture in words."""
    items = w.joined_clauses([f"{name} {label}" for name, label in zip(names, labels, strict=True)])
    return w("{title}: {items}.", title=title, items=items)
