"""What pages read off stored histories without simulating: one size, several options, what stands behind a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard import library
from dashboard.library import Stored
from dashboard.shell import View
from dashboard.words import Words
from dashboard.words.sentence import years_of
from sim import Answer, estimate
from sim.answers.outlook import at_size
from sim.estimate import Estimate, rounded_up

_NEEDED_FOR_HUNDREDTH = 10_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Option:
    """One size that may be chosen."""

    name: str
    row: Row
    is_advised: bool

    @property
    def yuan(self) -> float:
        """Size of the fund [yuan]."""
        return float(self.row["fund_yuan"])


def row_at(stored: Stored, yuan: float) -> Row:
    """Shortfall, what is missing and what is idle at a size."""
    return at_size(stored.sample, stored.parts, yuan)


def need_at(stored: Stored, assurance: float) -> Estimate:
    """The need at an assurance.

    Raises
    ------
    TooFewHistories
    """
    return stored.sample.quantile_yuan("need_fen", assurance)


def advised_at(stored: Stored, assurance: float) -> float:
    """The advised size at an assurance, rounded up as `Answer` rounds it."""
    need = need_at(stored, assurance)
    low, high = need.ci95 or (0.0, 0.0)
    return float(rounded_up(need.conservative or 0.0, (high - low) / 2))


def askable(n: int) -> list[str]:
    """Shortfalls that so many histories can answer; one in a hundred needs ten thousand."""
    from dashboard.shell import ACCEPTED

    return [
        key for key, a in ACCEPTED.items()
        if n >= estimate.needed_histories(a) and (a < 0.985 or n >= _NEEDED_FOR_HUNDREDTH)
    ]  # fmt: skip


def options(v: View) -> list[Option]:
    """A lean, a middle and a safe size; the middle one is the advice."""
    if v.answer is None or v.run is None:
        return []
    w, data = v.w, v.answer.data
    kept = library.stored(v.answer, v.run.sha)
    advised = float(data["advice"]["fund_yuan"])
    wanted = [(w("lean"), _lean(data["assurance"])), (w("advised"), None), (w("safe"), _safe(data, len(kept.sample)))]
    out = []
    for name, assurance in wanted:
        if assurance == 0.0:
            continue
        if assurance is None:
            yuan = advised
        elif assurance < data["assurance"]:  # an option, not an advice: the need itself
            yuan = float(rounded_up(need_at(kept, assurance).value or 0.0, 1.0))
        else:
            yuan = advised_at(kept, assurance)
        out.append(Option(name, row_at(kept, yuan), assurance is None))
    return out


def _lean(assurance: float) -> float:
    """Twice as many shortfalls as the advice accepts."""
    return max(1 - 2 * (1 - assurance), 0.5)


def _safe(data: Row, n: int) -> float:
    """The largest of a few assurances that the histories can answer; 0 where none is above the wanted one."""
    for a in (0.99, 0.98):
        if a > data["assurance"] and n >= estimate.needed_histories(a):
            return a
    return 0.0


def told_data(v: View) -> Row:
    """The answer's data, with what is missing on average at the advised size, so that the sentences speak of one size."""
    assert v.answer is not None and v.run is not None
    data = v.answer.data
    row = row_at(library.stored(v.answer, v.run.sha), float(data["advice"]["fund_yuan"]))
    return {**data, "advice": {**data["advice"], "mean_gap_if_short_yuan": row["mean_gap_if_short_yuan"]}}


def counted(row: Row, data: Row, w: Words) -> str:
    """How often a size is short, in the page's denominator."""
    chance = row["shortfall_chance"]["value"]
    counts = years_of(chance, 1 - data["assurance"], data["replications"])
    if counts is None:
        return w.percent(chance)
    short, years = counts
    if short == 0:
        return w("fewer than 1 of {years}", years=years)
    return w("{short} of {years}", short=short, years=years)


def or_dash(x: Row, w: Words) -> str:
    """An amount, a dash where there is none."""
    return w.money(x.get("value"))


def chain(answer: Answer, w: Words) -> list[tuple[str, str]]:
    """From no driver to all of them: what each adds to the need, alone, and what they make together beyond it."""
    found = answer.data["drivers"]
    here = found["present"]
    none = found["arms"].get("none", {}).get("need_yuan", {})
    if not here or none.get("value") is None:
        return []
    effects = found["effects"]["need_yuan"]
    out = [(w("no driver"), w.money(none["value"]))]
    out += [(w.label(f"driver.{d}"), _signed(effects[d]["alone"], w)) for d in here]
    if len(here) > 1:
        out.append((w("interaction"), _signed(effects["interaction"], w)))
    return out


def _signed(x: Row, w: Words) -> str:
    if x.get("value") is None:
        return "—"
    text = w.money(x["value"])
    return text if x["value"] <= 0 else f"+{text}"


def moved_by(answer: Answer, w: Words) -> list[tuple[str, str]]:
    """What would change the need: other anchors, another opening of the year, accounts in one."""
    data = answer.data
    anchors, openings = data["need_by_anchor"], data["need_by_opening"]
    found = [
        (w.label("anchor.low"), anchors["low"]), (w.label("anchor.high"), anchors["high"]),
        (w.label("opening.dry"), openings["dry"]), (w.label("opening.normal"), openings["normal"]),
        (w.label("need_yuan_pooled"), data["need_yuan_pooled"]),
    ]  # fmt: skip
    return [(name, w.money(x["value"])) for name, x in found if x.get("value") is not None]
