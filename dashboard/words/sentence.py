"""The answer in sentences: how much, how sure, how bad if not, and three kinds of not knowing kept apart.

Chances are counts of equally likely years with one denominator, and the percentage beside them. Return periods, promises
and worst cases are not said: people read "once in twenty years" as a timetable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dashboard.words import numbers

if TYPE_CHECKING:
    from dashboard.words.words import Words

_NEEDED_FOR_HUNDREDTH = 10_000  # histories below which one year in a hundred is not spoken of


def years_of(chance: float, accepted: float, histories: int) -> tuple[int, int] | None:
    """How many of how many equally likely years are short, or None where a count would say more than is known.

    The chance that is accepted sets the denominator, so that a page has one: 20 from one year in twenty on, 100 from
    one in a hundred on. No year of them is short where the chance is less than half a year.

    Parameters
    ----------
    chance : float
        Share of the histories that are short.
    accepted : float
        Share that may be short: one less the assurance.
    histories : int
    """
    years = next((n for n in (20, 100) if n * accepted > 1 - 1e-9), None)  # 1 - 0.95 is a hair off a twentieth
    if years is None:
        return None
    short = int(numbers.rounded(years * chance, 0))
    return None if years == 100 and short <= 1 and histories < _NEEDED_FOR_HUNDREDTH else (short, years)


def headline(data: Mapping[str, Any], w: Words) -> str:
    """How much to set aside, and in how many of the equally likely years that is enough."""
    if data["need_yuan"]["conservative"] == 0:
        return w(
            "Nothing falls due in {year}: loans that mature after {date} are paid from a later year's fund.",
            year=data["year"], date=w.date(data["cutoff_maturity_on"]),
        )  # fmt: skip
    chance, size = data["advice"]["shortfall_chance"]["value"], w.advised(data["advice"]["fund_yuan"])
    said: dict[str, Any] = {"size": size, "year": data["year"], "chance": w.percent(chance)}
    counts = years_of(chance, 1 - data["assurance"], data["replications"])
    if counts is None and chance < 0.01:
        return w(
            "Set aside {size} for {year}: short in fewer than 1% of the simulated years, too few to say how many precisely.",
            **said,
        )  # fmt: skip
    if counts is None:
        return w(
            "Set aside {size} for {year}: short in {chance} of the simulated years, too few to count them by the hundred.",
            **said,
        )  # fmt: skip
    short, years = counts
    if short == 0:
        return w(
            "Set aside {size} for {year}: enough in at least {enough} of {years} equally likely next years (short in {chance} of the simulated ones).",
            enough=math.floor(years * data["assurance"] + 1e-9), years=years, **said,
        )  # fmt: skip
    return w(
        "Set aside {size} for {year}: enough in about {enough} of {years} equally likely next years, short in {short} (shortfall chance {chance}).",
        enough=years - short, years=years, short=short, **said,
    )  # fmt: skip


def sentences(data: Mapping[str, Any], w: Words) -> dict[str, str]:
    """The headline and what belongs under it; a sentence for which there is no figure is left out."""
    out = {"headline": headline(data, w)}
    if data["need_yuan"]["conservative"] == 0:
        return out
    more = {"if_short": if_short(data, w), "range": over_parameters(data, w), "error": simulation_error(data, w)}
    return out | {name: text for name, text in more.items() if text}


def if_short(data: Mapping[str, Any], w: Words) -> str:
    """How much is missing when the fund is not enough."""
    gap = data["advice"].get("mean_gap_if_short_yuan", {}).get("value")
    if gap is not None:
        return w("If it is not enough, {gap} is missing on average.", gap=w.money(gap))
    paid = data.get("shortfall_paid_by", {})  # of a size that is named: it need not be the advised one
    if "banks_wait_for_yuan" in paid and paid["banks_wait_for_yuan"]["value"] is not None:
        return w(
            "If {fund} is not enough, {gap} is missing on average.",
            fund=w.money(paid["fund_yuan"]), gap=w.money(paid["banks_wait_for_yuan"]["value"]),
        )  # fmt: skip
    tail, size = data.get("need_tail_mean_yuan", {}).get("value"), data["advice"]["fund_yuan"]
    if tail is None or tail <= size:
        return ""
    return w(
        "In the {share} of years with the largest need, {tail} is needed on average, {more} more than the advised size.",
        share=w.percent(1 - data["assurance"], 0), tail=w.money(tail), more=w.money(tail - size),
    )  # fmt: skip


def over_parameters(data: Mapping[str, Any], w: Words) -> str:
    """Between which sizes the advice would lie if the parameters were known."""
    need = data.get("uncertainty", {}).get("need_over_parameters_yuan", {})
    if "p05" in need:
        return w(
            "As far as the parameters are known, a reasonable range for the size is {range}.",
            range=w.range_money((need["p05"], need["p95"])),
        )  # fmt: skip
    why = need.get("reason")
    return w("No range over the parameters: {reason}.", reason=w.reason(why)) if why else ""


def simulation_error(data: Mapping[str, Any], w: Words) -> str:
    """What more histories would still change."""
    bounds = data["need_yuan"].get("ci95")
    if bounds is None:
        return ""
    half = (bounds[1] - bounds[0]) / 2
    return w("Simulation error: ±{error} ({n} histories).", error=w.money(half), n=w.number(data["replications"]))
