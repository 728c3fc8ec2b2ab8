"""What a figure is measured in: its place on an axis, its words, and axes whose numbers people can read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboard.figures.figure import Value
from dashboard.figures.theme import plain
from dashboard.words.labels import LABELS, N_
from dashboard.words.numbers import MINUS, NOTHING, between

if TYPE_CHECKING:
    from dashboard.words import Words

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_OTHER_NAMES = {
    "defaulted_households": N_("households that default"),
    "bad_years_yuan": N_("need in the bad years"),
    "default_share_quantile": N_("default share in a bad year"),
}


@dataclass(frozen=True)
class Measure:
    """Money [yuan], shares, or counts, as one language shows them.

    Parameters
    ----------
    kind : {"money", "share", "count"}
    w : Words
    """

    kind: str
    w: Words

    @property
    def unit(self) -> str:
        """Unit of the axis and of the table's columns."""
        return {"money": self.w.money_unit, "share": "%", "count": self.w("number")}[self.kind]

    def at(self, x: float) -> float:
        """Where a value stands on the axis."""
        return self.w.in_unit(x) if self.kind == "money" else x * 100 if self.kind == "share" else x

    def cell(self, x: float | None) -> float | None:
        """The value for a table, in the unit and without the noise of floats."""
        return None if x is None else round(self.at(x), 6)

    def say(self, x: float | None) -> str:
        """A value with its unit."""
        if self.kind == "money":
            return self.w.money(x)
        return self.w.percent(x) if self.kind == "share" else self.w.number(x, 1)

    def change(self, x: float) -> str:
        """A difference with its sign; of shares in percentage points."""
        if self.kind == "money":
            text = self.w.money(x)
        elif self.kind == "share":
            text = self.w("{x} points", x=self.w.number(x * 100, 2))
        else:
            text = self.w.number(x, 1)
        return text if x <= 0 or text.startswith((MINUS, NOTHING)) else f"+{text}"

    def interval(self, v: Value) -> str:
        """The interval of a level, empty where there is none."""
        if v.bounds is None:
            return ""
        return self.w.interval(v.bounds, None if self.kind == "money" else self.say)

    def change_interval(self, v: Value) -> str:
        """The interval of a difference, the unit once, empty where there is none."""
        if v.bounds is None:
            return ""
        if self.kind == "money":
            return self.w.range_money(v.bounds)
        digits = 2 if self.kind == "share" else 1
        low, high = (self.w.number(self.at(x), digits) for x in v.bounds)
        return between(low, high, self.w.lang)

    def short(self, x: float, *, is_fine: bool = False) -> str:
        """A number of the axis without its unit, for crowded places; finer for differences."""
        at = self.at(x)
        if self.kind == "money":
            size = abs(at)
            return self.w.number(at, 2 if size < 10 and self.w.lang == "en" else 1 if size < 100 else 0)
        return self.w.number(at, 2 if is_fine and self.kind == "share" else 1)

    def column(self, name: str) -> str:
        """A table's heading with its unit."""
        return f"{name} [{self.unit}]"

    def axis(self, low: float, high: float, most: int = 6) -> dict[str, Any]:
        """An axis from one value to another [unit of the axis]; the marks are written here, never as k or M."""
        return axis(low, high, self.w, most)


def measure_of(metric: str, w: Words) -> Measure:
    """The measure of a figure by its name in an answer."""
    if metric.endswith("_yuan") or "_yuan_" in metric:
        return Measure("money", w)
    return Measure("share" if "share" in metric or "chance" in metric else "count", w)


def name_of(metric: str, w: Words) -> str:
    """A figure's name in words, short enough for a title."""
    if metric == "need_yuan":
        return w.term("fund_need")
    if metric in LABELS:
        return w.label(metric)
    return w(_OTHER_NAMES.get(metric, metric.replace("{", "{{").replace("}", "}}")))


def axis(low: float, high: float, w: Words, most: int = 6) -> dict[str, Any]:
    """A linear axis with round marks, written in the reader's language."""
    marks = ticks(low, high, most)
    step = marks[1] - marks[0] if len(marks) > 1 else 1.0
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    digits += 1 if not _is_whole(step * 10**digits) else 0
    return {
        "tickmode": "array", "tickvals": marks, "ticktext": [plain(w.number(x, digits)) for x in marks],
        "range": [low, high], "exponentformat": "none", "tickformat": f",.{digits}f",
    }  # fmt: skip


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most so many round numbers between two ends."""
    span = high - low
    if not span > 0:
        return [low]
    rough = span / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in _STEPS if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def _is_whole(x: float) -> bool:
    return abs(x - round(x)) < 1e-6
