"""A picture with everything that must travel with it: title, words for those who do not see it, data, source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import theme
from sim.estimate import Estimate

if TYPE_CHECKING:
    from dashboard.words import Words


@dataclass(frozen=True)
class Figure:
    """A picture of results.

    Title and source are drawn into the picture as well, so that a copy of it still says where it comes from. Texts
    here are plain: a page that shows them as HTML or Markdown escapes them.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    title : str
        What the picture shows, as a finding or a plain question.
    alt : str
        The same in words, with the numbers.
    table : DataFrame
        The picture's data, the unit in the name of each column.
    source : str
        Number of the result, rules, histories, seed; says so where the data are for demonstration.
    """

    figure: go.Figure
    title: str
    alt: str
    table: pd.DataFrame
    source: str


@dataclass(frozen=True)
class Value:
    """An estimate as read from an answer; ``reason`` where there is no value."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The interval, if it has one."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    def arms(self) -> tuple[float, float]:
        """How far the interval reaches above and below the value; 0 where there is none."""
        if self.value is None or self.low is None or self.high is None:
            return 0.0, 0.0
        return max(self.high - self.value, 0.0), max(self.value - self.low, 0.0)


def read(x: Any) -> Value:
    """A value of an answer: a number, an estimate, its dictionary, or nothing."""
    if isinstance(x, Estimate):
        x = x.as_dict()
    if not isinstance(x, Mapping):
        return Value(None if x is None else float(x))
    low, high = x.get("ci95") or (None, None)
    value = x.get("value")
    return Value(None if value is None else float(value), low, high, str(x.get("reason") or ""))


def source_of(about: Mapping[str, Any] | None, w: Words) -> str:
    """The footer: of an answer's data, or of any mapping with some of its keys."""
    if not about:
        return ""
    made = about.get("provenance") or {}
    number, rules, seed = made.get("result_number"), str(made.get("rules_sha256") or "")[:6], about.get("seed")
    mark = w("Demonstration data: not for a budget")
    parts = [f"【{mark}】" if w.lang == "zh" else f"[{mark}]"] if about.get("is_demonstration") else []
    parts += [w.outside(about["as_if"])] if about.get("as_if") else []
    parts += [w("result {number}", number=number)] if number else []
    parts += [w("rules {rules}", rules=rules)] if rules else []
    parts += [w("{n} histories", n=w.number(about["replications"]))] if about.get("replications") else []
    parts += [w("seed {seed}", seed=seed)] if seed is not None else []
    return " · ".join(parts)


def finished(
    figure: go.Figure, title: str, subtitle: str, alt: str, table: pd.DataFrame, source: str, **around: Any
) -> Figure:
    """The picture with its title, key, axis names and source; see `theme.dress`."""
    title = capital(title)
    theme.dress(figure, title, subtitle, source, **around)
    return Figure(figure, title, alt, table, source)


def nothing(title: str, reason: str, columns: Sequence[str], source: str, w: Words) -> Figure:
    """A picture that says why there is nothing to see."""
    why = w.reason(reason) if reason else w("there are no data for this picture")
    figure = go.Figure()
    figure.add_annotation(
        text=theme.lines_of(w("Nothing to show: {why}.", why=why), 76), xref="paper", yref="paper", x=0.5, y=0.5,
        font={"size": 15, "color": theme.MUTED},
    )  # fmt: skip
    hidden = {"visible": False, "range": [0, 1]}
    figure.update_layout(xaxis=hidden, yaxis=hidden)
    alt = w("{title} Nothing to show: {why}.", title=sentence(title, w), why=why)
    return finished(figure, title, "", alt, pd.DataFrame(columns=list(columns)), source)


def capital(text: str) -> str:
    """A text as it begins a line."""
    return text[:1].upper() + text[1:]


def sentence(text: str, w: Words) -> str:
    """A text as a sentence that others can follow."""
    text = capital(text.rstrip("。. "))
    if text.endswith(("?", "？")):
        return text
    return text + ("。" if w.lang == "zh" else ".")


def described(title: str, parts: Sequence[str], w: Words, items: Sequence[str] = ()) -> str:
    """Alternative text: the title, what there is to see sentence by sentence, then the marks in one list."""
    gap, stop, between = ("", "。", "；") if w.lang == "zh" else (" ", ".", "; ")
    told = [sentence(text, w) for text in (title, *parts) if text]
    return gap.join([*told, between.join(items) + stop] if items else told)
