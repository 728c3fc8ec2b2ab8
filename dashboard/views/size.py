"""Fund size: what each further yuan buys. Nothing here simulates; everything is read from stored histories."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard import address, details, library, options, panels, readings, safe, shell, stories
from dashboard.figures import balance_fan, exceedance, frontier, lending_curve
from dashboard.library import Stored
from dashboard.shell import View
from sim.answers.outlook import paid_by, years
from sim.estimate import rounded_up
from sim.units import FEN_PER_YUAN

_STEPS = 60
_MILLION = 1_000_000.0


@shell.told
def show(v: View) -> None:
    """The page."""
    w = v.w
    panels.heading(w("What does each further yuan buy?"), w("Move the size: the answer is counted in stored histories, nothing is simulated."))  # fmt: skip
    if not shell.needs_answer(v) or v.answer is None or v.run is None:
        return
    _slider()


@st.fragment
@shell.told
def _slider() -> None:
    """Size, assurance and carry-over, and what they give: the one part that a slider redraws."""
    v = shell.view()
    if v.answer is None or v.run is None:
        return
    w, kept = v.w, library.stored(v.answer, v.run.sha)
    yuan, assurance, carried = _controls(v, kept)
    row = readings.row_at(kept, yuan)
    need = options.need_at(kept.sample, assurance)
    advised = options.advised_at(kept.sample, assurance)
    data = {**v.answer.data, "assurance": assurance}
    chance = row["shortfall_chance"]["value"]
    panels.figures([
        (w("not enough"), w.counted(chance, data)[1], w("shortfall chance {p}", p=readings.chance_of(row, w))),
        (w("missing if short, mean"), readings.or_dash(row["mean_gap_if_short_yuan"], w), w("with {size}; paid later by the budget, banks wait", size=w.advised(yuan))),
        (w("idle in a mean year"), readings.or_dash(row["idle_yuan"], w), w("with {size}", size=w.advised(yuan))),
        (w("new money needed"), w.money(max(yuan - carried, 0.0)), w("size less {carried} carried over", carried=w.money(carried))),
        (w("advised at {assurance}", assurance=w.percent(assurance, 0)), w.advised(advised), w("need {need} ({low})", need=w.money(need.value), low=w.range_money(need.ci95))),
    ])  # fmt: skip
    st.caption(safe.markdown(w.sentences(v.answer.data).get("why", "")))
    left, right = st.columns([1.24, 1], gap="medium")
    with left:
        picture = exceedance(v.answer.data, kept.sample.frame, w, fund_yuan=yuan, strata=kept.sample.strata)
        chosen = panels.picture(picture, w, "exceedance", height=430, selectable=True)
    with right:
        _around(v, kept, yuan)
    if chosen is not None:
        panels.part(w("What happened in the year that needs this much"))
        stories.show(v, chosen)
    _further(v, kept, yuan)


def _controls(v: View, kept: Stored) -> tuple[float, float, float]:
    """Size [yuan], assurance, balance carried over [yuan]."""
    assert v.answer is not None and v.run is not None
    w, data = v.w, v.answer.data
    left, middle, right = st.columns([6, 2, 2], gap="medium", vertical_alignment="bottom")
    advised, set_yuan = float(data["advice"]["fund_yuan"]), float(data["fund_yuan"])
    sizes = sizes_of(float(kept.sample["need_fen"].max()) / FEN_PER_YUAN, advised, set_yuan)
    with left:
        bound = address.bound(
            "size", w.lang, sizes, advised, lambda text: min(sizes, key=lambda x: abs(x - float(text)))
        )
        yuan = float(st.select_slider(w("Size of the fund"), sizes, format_func=w.advised, **bound))
        st.caption(w("Advised {advised}; set today {set}.", advised=w.advised(advised), set=w.advised(set_yuan)))
    with middle:
        assurance = shell.accepted(v, readings.askable(int(data["replications"])) or [shell.FIRST])
    with right:
        carried = _carried(v, float(data["carried_over_yuan"]))
    return yuan, assurance, carried


def _carried(v: View, usual: float) -> float:
    """The balance carried over, typed in the reader's unit and kept in yuan."""
    w, name = v.w, address.widget("carry", v.w.lang)
    try:
        kept = float(address.value("carry") or usual)
    except ValueError:
        kept = usual
    shown = round(w.in_unit(kept), 2 if w.lang == "zh" else 4)
    typed = st.number_input(
        w("Carried over ({unit})", unit=w.money_unit), min_value=0.0, step=w.in_unit(100_000.0), format="%g",
        value=shown, key=f"{name}-{v.run.sha[:12] if v.run else ''}",
    )  # fmt: skip
    if typed != shown:
        kept = float(typed) / w.in_unit(1.0)
        address.keep("carry", f"{kept:.2f}")
    return kept


def sizes_of(most: float, advised: float, set_yuan: float) -> list[float]:
    """Round sizes from nothing to beyond the largest need, then coarser ones to the size that is set.

    The advised size and the set one are among them, and every whole million from and to the advised one.
    """
    top = max(most, advised, 1.0) * 1.1
    step = float(rounded_up(top / _STEPS, top / _STEPS / 2))
    beyond = max(step, float(rounded_up(max(set_yuan - top, 1.0) / 20, max(set_yuan - top, 1.0) / 40)))
    found = {k * step for k in range(int(top / step) + 2)} | {advised, set_yuan}
    found |= {x for x in np.arange(0.0, set_yuan + beyond / 2, beyond).tolist() if x > top}
    found |= {advised + k * _MILLION for k in range(-3, 4) if advised + k * _MILLION > 0}
    return sorted(found)


def _around(v: View, kept: Stored, yuan: float) -> None:
    """The chosen size between smaller and larger ones, a million apart where the fund is of that order."""
    assert v.answer is not None
    w, data = v.w, v.answer.data
    advised = float(data["advice"]["fund_yuan"])
    step = (
        _MILLION if 2 * _MILLION <= advised < 30 * _MILLION else max(float(rounded_up(advised / 10, advised / 20)), 1.0)
    )
    sizes = sorted({yuan + k * step for k in range(-4, 5) if yuan + k * step >= 0} | {yuan + _MILLION})
    rows = [readings.row_at(kept, x) for x in sizes]
    body = [
        [w.advised(x), readings.chance_of(r, w), readings.or_dash(r["mean_gap_if_short_yuan"], w), readings.or_dash(r["idle_yuan"], w)]
        for x, r in zip(sizes, rows, strict=True)
    ]  # fmt: skip
    heads = [w("size"), w("short in (95% interval)"), w("missing if short, mean"), w("idle in a mean year")]
    caption = w("What {step} more or less buys", step=w.money(step))
    st.html(safe.table(heads, body, caption, numbers=(0, 1, 2, 3), strong=(sizes.index(yuan),)))
    knee = v.answer.data["frontier"]["knee_yuan"]
    panels.card(w("Up to about {knee} each further yuan buys most; beyond it, less and less.", knee=w.money(knee)))


# --- further down ------------------------------------------------------------------------------------


def _further(v: View, kept: Stored, yuan: float) -> None:
    """What else can be read at the size of the slider; what belongs to another size says for which."""
    w = v.w
    panels.tabs(f"size-parts-{w.lang}", [
        (w("Sizes and idle money"), lambda: _sizes(v, yuan)), (w("Months"), lambda: _months(v, kept)),
        (w("Years ahead"), lambda: _years(v, kept, yuan)), (w("When lending follows"), lambda: _lending(v)),
        (w("Who pays a shortfall"), lambda: _paid(v, kept, yuan)), (w("Lenders"), lambda: _lenders(v)),
    ])  # fmt: skip


def _sizes(v: View, yuan: float) -> None:
    assert v.answer is not None
    panels.picture(frontier(v.answer.data, v.w, fund_yuan=yuan), v.w, "frontier", height=520)


def _months(v: View, kept: Stored) -> None:
    assert v.answer is not None and v.run is not None
    w, answer, data = v.w, v.answer, v.answer.data
    panels.card(w("This is the balance of the fund as it is set today, {set}; another size would begin that much lower or higher.", set=w.advised(float(data["fund_yuan"]))))  # fmt: skip
    table = library.table_of(answer, v.run.sha, "months")
    ring = answer.scenario.law().fund.ring_fenced
    panels.picture(balance_fan(data, table, w, is_ring_fenced=ring, strata=kept.sample.strata), w, "fan", height=440)


def _lending(v: View) -> None:
    assert v.answer is not None
    w = v.w
    panels.card(w("This picture has every size on its axis; its lines mark the size set today, not the slider's."))
    panels.picture(lending_curve(v.answer.data, w), w, "lending", height=520)
    _stops(v)
    panels.block(details.stops(v.answer, w), w)


def _lenders(v: View) -> None:
    assert v.answer is not None
    panels.block(details.lenders(v.answer, v.w), v.w)


def _years(v: View, kept: Stored, yuan: float) -> None:
    """Does the fund survive two bad years in a row?"""
    assert v.answer is not None
    w, s = v.w, v.answer.scenario
    found = years(kept.sample, kept.parts, yuan, s.sized_year, s.law().fund.top_up)
    if "refill" not in found:
        st.info(safe.markdown(w.reason(str(found.get("reason", "")))))
        return
    for block in (details.years(found, w), details.years_cost(found, w)):
        panels.block(block, w)


def _stops(v: View) -> None:
    """A cheap fund that stops lending is not better."""
    assert v.answer is not None
    w, found = v.w, v.answer.data["lending_stops"]
    if found.get("chance", {}).get("value") is None:
        st.caption(safe.markdown(w.reason(str(found.get("reason", "")))))
        return
    panels.card(w("With the size set today the multiple stops lending in {p} of years; a mean year turns {n} applications away.", p=w.percent(found["chance"]["value"]), n=w.number(found["applications"]["value"], 1)))  # fmt: skip


def _paid(v: View, kept: Stored, yuan: float) -> None:
    assert v.answer is not None
    _waiting(v, kept, yuan)
    for block in (details.cap(v.answer, v.w), details.insurance(v.answer, v.w)):
        panels.block(block, v.w)


def _waiting(v: View, kept: Stored, yuan: float) -> None:
    """For what banks wait with this size, and what next year's budget then pays."""
    assert v.answer is not None
    w, found = v.w, paid_by(kept.sample, kept.parts, yuan, dict(v.answer.scenario.law().loss.through))
    if "banks_wait_for_yuan" not in found:
        st.info(safe.markdown(w("With {size}: {reason}.", size=w.advised(yuan), reason=w.reason(str(found.get("reason", ""))))))  # fmt: skip
        return
    panels.figures([
        (w("size"), w.advised(found["fund_yuan"]), ""),
        (w("banks wait for, mean if short"), readings.or_dash(found["banks_wait_for_yuan"], w), w("until money comes into the fund again")),
        (w("of it next year's budget pays, mean if short"), readings.or_dash(found["next_budget_pays_yuan"], w), w("what is still unpaid at the year's end")),
    ])  # fmt: skip


show(shell.view())
