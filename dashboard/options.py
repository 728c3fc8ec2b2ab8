"""Sizes to choose from: one definition of lean, advised and safe for pages, presentation and exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.words import Words
from sim import estimate
from sim.answers.outlook import at_size
from sim.answers.sample import Sample
from sim.estimate import Estimate, rounded_up
from sim.units import F64

Row = dict[str, Any]


@dataclass(frozen=True)
class Option:
    """One size: how often it is short, what is then missing, what is idle otherwise.

    Attributes
    ----------
    key : {"lean", "advised", "safe", "set"}
    name : str
    row : dict
        As `at_size` gives it.
    """

    key: str
    name: str
    row: Row

    @property
    def fund_yuan(self) -> float:
        """Size of the fund [yuan]."""
        return float(self.row["fund_yuan"])

    @property
    def chance(self) -> float:
        """Chance that it is short."""
        return float(self.row["shortfall_chance"]["value"])

    def chance_said(self, w: Words) -> str:
        """The chance; where no history was short, how high it may still be."""
        interval = self.row["shortfall_chance"].get("ci95")
        return w("up to {p}", p=w.percent(interval[1])) if self.chance == 0 and interval else w.percent(self.chance)

    @property
    def gap_yuan(self) -> float | None:
        """What is then missing on average [yuan]."""
        found: float | None = self.row["mean_gap_if_short_yuan"]["value"]
        return found

    @property
    def idle_yuan(self) -> float:
        """What a mean year leaves over [yuan]."""
        return float(self.row["idle_yuan"]["value"])


def options(data: Mapping[str, Any], sample: Sample, parts: F64, w: Words) -> list[Option]:
    """The advised size between a leaner and a safer one, and the size that is set.

    Lean is the need where twice as many shortfalls are accepted, rounded up as the advice is. Safe is the advice for the
    highest of a few assurances that the histories can answer; without one it is left out.
    """
    advised = float(data["advice"]["fund_yuan"])
    lean, safe = max(1 - 2 * (1 - data["assurance"]), 0.5), _safe(data["assurance"], len(sample))
    sizes = [("lean", w("lean"), _rounded(need_at(sample, lean), is_upper=False)), ("advised", w("advised"), advised)]
    if safe is not None:
        sizes.append(("safe", w("safe"), advised_at(sample, safe)))
    sizes.append(("set", w("set today"), float(data["fund_yuan"])))
    return [Option(key, name, at_size(sample, parts, yuan)) for key, name, yuan in sizes if yuan > 0]


def explained(found: list[Option], data: Mapping[str, Any], w: Words) -> str:
    """What the names of the sizes mean, in one line."""
    a = data["assurance"]
    said = {
        "lean": w("lean: accepts twice as many shortfalls, {p}", p=w.percent(min(2 * (1 - a), 0.5), 0)),
        "safe": w("safe: accepts {p}", p=w.percent(1 - (_safe(a, data["replications"]) or 1.0), 0)),
        "set": w("set today: as the rules say"),
    }
    return w.joined_clauses([said[o.key] for o in found if o.key in said])


def need_at(sample: Sample, assurance: float) -> Estimate:
    """The need at an assurance.

    Raises
    ------
    TooFewHistories
    """
    return sample.quantile_yuan("need_fen", assurance)


def advised_at(sample: Sample, assurance: float) -> float:
    """The advised size at an assurance, rounded up as `Answer` rounds it."""
    return _rounded(need_at(sample, assurance), is_upper=True)


def _rounded(need: Estimate, *, is_upper: bool) -> float:
    low, high = need.ci95 or (0.0, 0.0)
    return float(rounded_up((need.conservative if is_upper else need.value) or 0.0, (high - low) / 2))


def _safe(assurance: float, n: int) -> float | None:
    fitting = (a for a in (0.99, 0.98) if a > assurance and n >= estimate.needed_histories(a))
    return next(fitting, None)
