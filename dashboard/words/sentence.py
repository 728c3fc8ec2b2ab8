"""The answer in sentences: how much, how sure, how bad if not, and three kinds of not knowing kept apart.

Chances are counts of equally likely years with one denominator, and the percentage beside them. Return periods, promises
and worst cases are not said: people read "once in twenty years" as a timetable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dashboard.words import numbers
from sim.estimate import rounded_up

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


def counted(chance: float, accepted: float, histories: int, w: Words) -> tuple[str, str]:
    """How often a size is enough and how often short, as every table and picture says it: "19/20", "at least 19/20", "fewer than 1/20"."""
    counts = years_of(chance, accepted, histories)
    if counts is None:
        return w.percent(1 - chance), w.percent(chance)
    short, years = counts
    if short == 0 and chance > 0:
        return w("at least {k}/{n}", k=years - 1, n=years), w("fewer than 1/{n}", n=years)
    return f"{years - short}/{years}", f"{short}/{years}"


def headline(data: Mapping[str, Any], w: Words) -> str:
    """How much to set aside, and in how many of the equally likely years that is enough."""
    if "no_cover" in data:
        return without_fund(data, w)
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


def without_fund(data: Mapping[str, Any], w: Words) -> str:
    """What stands in the place of a fund where the rules have none."""
    pays = data["no_cover"].get("county_pays_yuan")
    if pays is None:
        return w("The rules have no fund: the bank bears its losses, and nothing is to be set aside for {year}.", year=data["year"])  # fmt: skip
    return w(
        "The rules have no fund: the town repays the bank, and the county pays what households have not paid on the date. A deposit of {size} covers that in {assurance} of the simulated years {year}.",
        size=w.money(pays["value"]), assurance=w.percent(data["assurance"], 0), year=data["year"],
    )  # fmt: skip


def outside(as_if: Mapping[str, Any], w: Words) -> str:
    """That a rule pack is used outside its dates: every result made so says it."""
    return w("Rules outside their dates: {pack}, as on {date}.", pack=as_if["title"][w.lang], date=w.date(as_if["on"]))


def sentences(data: Mapping[str, Any], w: Words) -> dict[str, str]:
    """The headline and what belongs under it; a sentence for which there is no figure is left out."""
    out = {"headline": headline(data, w)}
    if "as_if" in data:
        out["as_if"] = outside(data["as_if"], w)
    if data["need_yuan"]["conservative"] == 0:
        return out
    more = {
        "why": why_this_size(data, w), "if_short": if_short(data, w), "range": over_parameters(data, w),
        "cap": under_cap(data, w), "error": simulation_error(data, w),
    }  # fmt: skip
    return out | {name: text for name, text in more.items() if text}


def why_this_size(data: Mapping[str, Any], w: Words) -> str:
    """From the need to the advice: the need itself, its upper figure, and the step to which that is rounded up."""
    need, size = data["need_yuan"], data["advice"]["fund_yuan"]
    if need.get("ci95") is None or need.get("conservative") is None:
        return ""
    return w(
        "Why {size}: {assurance} of years need at most {value} (95% interval {range}); to be 95% sure of that {up} is taken, rounded up in steps of {step}.",
        size=w.advised(size), assurance=w.percent(data["assurance"], 0), value=w.money(need["value"]),
        range=w.range_money(need["ci95"]), up=w.money(need["conservative"]), step=w.advised(step_of(need)),
    )  # fmt: skip


def step_of(need: Mapping[str, Any]) -> float:
    """The step to which advice is rounded [yuan]: what the smallest sum above nothing is rounded to."""
    low, high = need.get("ci95") or (0.0, 0.0)
    return float(rounded_up(1.0, (high - low) / 2))


def if_short(data: Mapping[str, Any], w: Words) -> str:
    """How much is missing when the size in the headline is not enough."""
    gap, size = data["advice"]["mean_gap_if_short_yuan"].get("value"), w.advised(data["advice"]["fund_yuan"])
    if gap is None:
        return w("{fund} was enough in every simulated year.", fund=size)
    return w("If {fund} is not enough, {gap} is missing on average.", fund=size, gap=w.money(gap))


def under_cap(data: Mapping[str, Any], w: Words) -> str:
    """What a cap on the year's payments leaves of the advised size: the need is read on what is due, not on what may be paid."""
    cap = data.get("payout_cap", {}).get("share")
    if cap is None:
        return ""
    size = data["advice"]["fund_yuan"]
    return w(
        "The rules cap a year's payments at {cap} of the balance of 1 January: of {size} at most {room} may be paid in {year}. The size covers what falls due; what is above the cap waits for the next year or the backstop.",
        cap=w.percent(cap, 0), size=w.advised(size), room=w.money(cap * size), year=data["year"],
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
    if not why:
        return ""
    return w(
        "How far parameters that are not known move the size is not worked out here: {reason}.", reason=w.reason(why)
    )


def simulation_error(data: Mapping[str, Any], w: Words) -> str:
    """What more histories would still change."""
    bounds = data["need_yuan"].get("ci95")
    if bounds is None:
        return ""
    half = (bounds[1] - bounds[0]) / 2
    return w("Simulation error: ±{error} ({n} histories).", error=w.money(half), n=w.number(data["replications"]))
