"""Fund size: what each further yuan buys. Nothing here simulates; everything is read from stored histories."""

from __future__ import annotations

import streamlit as st

from dashboard import library, panels, readings, safe, shell
from dashboard.figures import balance_fan, exceedance, frontier, lending_curve
from dashboard.library import Stored
from dashboard.shell import View
from sim.estimate import rounded_up

_STEPS = 60


@shell.told
def show(v: View) -> None:
    """The page."""
    w = v.w
    panels.heading(w("What does each further yuan buy?"), w("Move the size: the answer is counted in stored histories, nothing is simulated."))  # fmt: skip
    if not shell.needs_answer(v) or v.answer is None or v.run is None:
        return
    _slider()
    _further(v)


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
    need = readings.need_at(kept, assurance)
    advised = readings.advised_at(kept, assurance)
    panels.figures([
        (w("not enough"), readings.counted(row, {**v.answer.data, "assurance": assurance}, w), w("shortfall chance {p}", p=w.percent(row["shortfall_chance"]["value"]))),
        (w("missing if short, mean"), readings.or_dash(row["mean_gap_if_short_yuan"], w), w("paid later by the budget; banks wait")),
        (w("idle in a mean year"), readings.or_dash(row["idle_yuan"], w), ""),
        (w("new money needed"), w.money(max(yuan - carried, 0.0)), w("size less {carried} carried over", carried=w.money(carried))),
        (w("advised at {assurance}", assurance=w.percent(assurance, 0)), w.advised(advised), w("need {low}", low=w.range_money(need.ci95))),
    ])  # fmt: skip
    left, right = st.columns([1.24, 1], gap="medium")
    with left:
        picture = exceedance(v.answer.data, kept.sample.frame, w, fund_yuan=yuan, strata=kept.sample.strata)
        panels.picture(picture, w, "exceedance", height=430)
    with right:
        _around(v, kept, yuan)


def _controls(v: View, kept: Stored) -> tuple[float, float, float]:
    """Size [yuan], assurance, balance carried over [yuan]."""
    assert v.answer is not None and v.run is not None
    w, data = v.w, v.answer.data
    left, middle, right = st.columns([6, 2, 2], gap="medium", vertical_alignment="bottom")
    advised = float(data["advice"]["fund_yuan"])
    sizes = _sizes(kept, advised)
    with left:
        key = f"size-{v.run.sha[:12]}"
        wanted = _number(st.query_params.get("size"), advised)
        if key not in st.session_state:
            st.session_state[key] = min(sizes, key=lambda x: abs(x - wanted))
        yuan = float(st.select_slider(w("Size of the fund"), sizes, format_func=w.advised, key=key))
        st.query_params["size"] = f"{yuan:.0f}"
    with middle:
        assurance = shell.accepted(v, readings.askable(int(data["replications"])) or [shell.FIRST])
    with right:
        carried = st.number_input(
            w("Carried over ({unit})", unit=w.money_unit), min_value=0.0, step=w.in_unit(100_000.0), format="%.2f",
            value=round(w.in_unit(float(data["carried_over_yuan"])), 2), key=f"carried-{v.run.sha[:12]}-{w.lang}",
        )  # fmt: skip
    return yuan, assurance, float(carried) / w.in_unit(1.0)


def _sizes(kept: Stored, advised: float) -> list[float]:
    """Round sizes from nothing to beyond the largest need, and the advised one."""
    top = max(float(kept.sample["need_fen"].max()) / 100, advised, 1.0) * 1.1
    step = float(rounded_up(top / _STEPS, top / _STEPS / 2))
    return sorted({*(k * step for k in range(int(top / step) + 2)), advised})


def _number(text: str | None, otherwise: float) -> float:
    try:
        return float(text) if text else otherwise
    except ValueError:
        return otherwise


def _around(v: View, kept: Stored, yuan: float) -> None:
    """The chosen size between smaller and larger ones."""
    assert v.answer is not None
    w, data = v.w, v.answer.data
    advised = float(data["advice"]["fund_yuan"])
    step = max(float(rounded_up(advised / 10, advised / 20)), 1.0)
    sizes = sorted({max(yuan + k * step, 0.0) for k in (-4, -3, -2, -1, 0, 1, 2, 3, 4)})
    rows = [readings.row_at(kept, x) for x in sizes]
    body = [
        [w.advised(x), w.percent(r["shortfall_chance"]["value"]), readings.or_dash(r["mean_gap_if_short_yuan"], w),
         readings.or_dash(r["idle_yuan"], w)]
        for x, r in zip(sizes, rows, strict=True)
    ]  # fmt: skip
    heads = [w("size"), w("short in"), w("missing if short, mean"), w("idle in a mean year")]
    caption = w("What {step} more or less buys", step=w.money(step))
    st.html(safe.table(heads, body, caption, numbers=(0, 1, 2, 3), strong=(sizes.index(yuan),)))
    panels.card(_knee(v))


def _knee(v: View) -> str:
    assert v.answer is not None
    w, found = v.w, v.answer.data["frontier"]
    return w(
        "Up to about {knee} each further yuan buys most; beyond it, less and less.", knee=w.money(found["knee_yuan"])
    )


# --- further down ------------------------------------------------------------------------------------


def _further(v: View) -> None:
    assert v.answer is not None and v.run is not None
    w, answer, data = v.w, v.answer, v.answer.data
    names = [
        w("Sizes and idle money"),
        w("Months"),
        w("Years ahead"),
        w("When lending follows"),
        w("Who pays a shortfall"),
    ]
    first, months, years, lending, paid = st.tabs(names)
    with first:
        panels.picture(frontier(data, w), w, "frontier", height=520)
    with months:
        kept = library.stored(answer, v.run.sha)
        ring = answer.scenario.law().fund.ring_fenced
        table = library.table_of(answer, v.run.sha, "months")
        panels.picture(
            balance_fan(data, table, w, is_ring_fenced=ring, strata=kept.sample.strata), w, "fan", height=440
        )
    with years:
        _years(v)
    with lending:
        panels.picture(lending_curve(data, w), w, "lending", height=520)
        _stops(v)
    with paid:
        _paid(v)


def _years(v: View) -> None:
    """Does the fund survive two bad years in a row?"""
    assert v.answer is not None
    w, found = v.w, v.answer.data["years"]
    if "refill" not in found:
        st.info(safe.markdown(w.reason(str(found.get("reason", "")))))
        return
    policies = {
        "refill": w("filled up every 1 January"), "no_top_up": w("never filled up"),
        "top_up_mean": w("a mean year's cost every year"),
    }  # fmt: skip
    calendar = list(found["refill"]["short_by_year"])
    heads = [w("policy"), *calendar, w("in any of them"), w("two years running")]
    rows = [
        [name, *(w.percent(found[p]["short_by_year"][y]["value"]) for y in calendar),
         w.percent(found[p]["short_in_any_year"]["value"]), w.percent(found[p]["short_two_years_running"]["value"])]
        for p, name in policies.items()
    ]  # fmt: skip
    caption = w("Chance of a shortfall, starting with {size}", size=w.money(found["fund_yuan"]))
    st.html(safe.table(heads, rows, caption, numbers=range(1, len(heads))))


def _stops(v: View) -> None:
    """A cheap fund that stops lending is not better."""
    assert v.answer is not None
    w, found = v.w, v.answer.data["lending_stops"]
    if found.get("chance", {}).get("value") is None:
        st.caption(safe.markdown(w.reason(str(found.get("reason", "")))))
        return
    panels.card(w("The multiple stops lending in {p} of years; a mean year turns {n} applications away.", p=w.percent(found["chance"]["value"]), n=w.number(found["applications"]["value"], 1)))  # fmt: skip


def _paid(v: View) -> None:
    assert v.answer is not None
    w, found = v.w, v.answer.data["shortfall_paid_by"]
    if "banks_wait_for_yuan" not in found:
        st.info(safe.markdown(w.reason(str(found.get("reason", "")))))
        return
    panels.figures([
        (w("size"), w.money(found["fund_yuan"]), ""),
        (w("banks wait for, mean if short"), readings.or_dash(found["banks_wait_for_yuan"], w), ""),
        (w("next year's budget pays, mean if short"), readings.or_dash(found["next_budget_pays_yuan"], w), ""),
    ])  # fmt: skip


show(shell.view())
