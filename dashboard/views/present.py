"""Presentation: six steps for a room, in large type; guess before the answer is shown."""

from __future__ import annotations

import streamlit as st

from dashboard import address, library, options, panels, readings, safe, shell
from dashboard.figures import balance_fan, dots, drivers_waterfall, exceedance, frontier, veiled
from dashboard.figures.figure import capital, sentence
from dashboard.shell import View

STEPS = 6
_BESIDE = (0.8, 1)  # words and a picture, which needs 700 pixels of 1,366


@shell.told
def show(v: View) -> None:
    """The page."""
    if not shell.needs_answer(v) or v.answer is None:
        st.page_link("views/answer.py", label=v.w("End presentation"))
        return
    step = _step()
    address.keep("step", str(step))
    draw = (_guess, _answer, _options, _bad_years, _why_believe, _decide)[step - 1]
    with st.container(key="present"):
        draw(v)
    _buttons(v, step)


def _step() -> int:
    """The step in the address; the first one where there is none."""
    text = address.value("step")
    return min(max(int(text), 1), STEPS) if text.isdigit() else 1


def _buttons(v: View, step: int) -> None:
    """Forward and back, by the arrow keys as well."""
    w = v.w
    back, middle, forward, leave = st.columns([1.2, 6, 1.2, 1.4], vertical_alignment="center")
    with back:
        st.button(w("Back"), key="step-back", disabled=step == 1, on_click=_go, args=(step - 1,), shortcut="Left", width="stretch")  # fmt: skip
    with middle:
        st.progress(step / STEPS, text=w("Step {k} of {n}", k=step, n=STEPS))
    with forward:
        st.button(w("Next"), key="step-next", disabled=step == STEPS, on_click=_go, args=(step + 1,), shortcut="Right", type="primary", width="stretch")  # fmt: skip
    with leave:
        st.page_link("views/answer.py", label=w("End presentation"))


def _go(step: int) -> None:
    address.keep("step", str(step))


def _large(title: str, lines: list[str]) -> None:
    items = "".join(f"<li>{safe.html(capital(line))}</li>" for line in lines if line)
    more = f'<ul class="rf-step-more">{items}</ul>' if items else ""
    st.html(f'<h1 class="rf-step">{safe.html(title)}</h1>{more}')


# --- steps -------------------------------------------------------------------------------------------


def _guess(v: View) -> None:
    """People remember what they have first guessed wrong: the question, and nothing that answers it."""
    assert v.answer is not None and v.run is not None
    w, data = v.w, v.answer.data
    size = w.advised(data["advice"]["fund_yuan"])
    hidden = veiled(data, w)
    years = len(hidden.table)
    _large(w("With {size} in the fund: of {n} equally likely next years, in how many is it not enough?", size=size, n=years), [])  # fmt: skip
    if not st.session_state.get("revealed"):
        panels.picture(hidden, w, "hidden-dots", height=260, with_data=False)
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        with left:
            st.segmented_control(w("Our guess"), [0, 1, 2, 3, 4, 5, 6, 8, 10], key="guess")
        with right:
            st.button(w("Show the answer"), key="reveal", type="primary", on_click=_reveal, width="stretch")
        return
    guess = st.session_state.get("guess_kept")
    if guess is not None:
        said = w("The guess was {n}.", n=guess)
        st.html(f'<p class="rf-step-more">{safe.html(said)}</p>')
    _dots(v)


def _dots(v: View) -> None:
    assert v.answer is not None and v.run is not None
    kept = library.stored(v.answer, v.run.sha)
    picture = dots(v.answer.data, kept.sample.frame, v.w, strata=kept.sample.strata)
    panels.picture(picture, v.w, "present-dots", height=350, with_data=False)


def _answer(v: View) -> None:
    """The headline, how bad it is if it is not enough, how the size comes about."""
    assert v.answer is not None and v.run is not None
    w, data = v.w, v.answer.data
    said = w.sentences(data)
    _large(said["headline"], [said.get("if_short", ""), said.get("why", "")])
    _dots(v)


def _reveal() -> None:
    st.session_state["guess_kept"] = st.session_state.get("guess")
    st.session_state["revealed"] = True


def _options(v: View) -> None:
    assert v.answer is not None
    w, data, found = v.w, v.answer.data, readings.sizes_to_choose(v)
    _large(w("Sizes to choose from"), [])
    left, right = st.columns(_BESIDE, gap="medium", vertical_alignment="center")
    rows = [
        [w("size"), *(w.advised(o.fund_yuan) for o in found)],
        [w("not enough"), *(w.bracketed(w.counted(o.chance, data)[1], o.chance_said(w)) for o in found)],
        [w("missing if short, mean"), *(w.money(o.gap_yuan) for o in found)],
        [w("idle in a mean year"), *(w.money(o.idle_yuan) for o in found)],
    ]
    heads, starred = panels.starred(found)
    caption = w("★ advised; {names}", names=options.explained(found, data, w))
    with left:
        st.html(f'<div class="rf-large">{safe.table(heads, rows, caption, numbers=range(1, len(heads)), strong=(0,), starred=starred)}</div>')  # fmt: skip
    if v.run is not None:
        kept = library.stored(v.answer, v.run.sha)
        with right:
            panels.picture(exceedance(data, kept.sample.frame, w, strata=kept.sample.strata), w, "present-curve", height=430, with_data=False)  # fmt: skip


def _bad_years(v: View) -> None:
    """When, how long, and who carries it."""
    assert v.answer is not None
    w, data = v.w, v.answer.data
    paid, months = data["shortfall_paid_by"], data["lowest_month"].get("chance_by_month", {})
    lines = []
    if months:
        worst = max(months, key=lambda k: months[k] or 0.0)
        lines.append(
            w(
                "The balance is lowest in {month} in {p} of years.",
                month=w.month(int(worst)),
                p=w.percent(months[worst], 0),
            )
        )
    if "banks_wait_for_yuan" in paid:
        lines.append(w("If {size} is not enough, banks wait for {wait} on average; next year's budget pays {later} of it.", size=w.advised(paid["fund_yuan"]), wait=readings.or_dash(paid["banks_wait_for_yuan"], w), later=readings.or_dash(paid["next_budget_pays_yuan"], w)))  # fmt: skip
    openings = data["need_by_opening"]
    if openings["dry"].get("value") is not None:
        lines.append(w("If the year begins in a drought {dry} is needed, otherwise {normal}.", dry=w.money(openings["dry"]["value"]), normal=w.money(openings["normal"]["value"])))  # fmt: skip
    _large(w("What a bad year looks like"), lines)
    if v.run is not None:
        kept = library.stored(v.answer, v.run.sha)
        table = library.table_of(v.answer, v.run.sha, "months")
        ring = v.answer.scenario.law().fund.ring_fenced
        panels.picture(balance_fan(data, table, w, is_ring_fenced=ring, strata=kept.sample.strata), w, "present-fan", height=360, with_data=False)  # fmt: skip


def _why_believe(v: View) -> None:
    assert v.answer is not None
    w, scenario, data = v.w, v.answer.scenario, v.answer.data
    kinds = [s.kind for s in scenario.sources]
    level = readings.default_level(v.answer, w)
    left, right = st.columns(_BESIDE, gap="medium")
    with right:
        panels.picture(drivers_waterfall(data, w), w, "present-drivers", height=430, with_data=False)
    with left:
        _large(w("Why believe it"), [
            w("Rules: {pack}, each value with its article.", pack=scenario.pack().title[w.lang]),
            w("Data: {data} sources are counts or measurements, {assumed} are assumptions.", data=kinds.count("data"), assumed=kinds.count("assumption")),
            sentence(shell.calibration_state(v), w),
            w("{n} equally likely years, each checked to the fen; the same number for anyone who runs it again ({number}).", n=w.number(data["replications"]), number=data["provenance"]["result_number"]),
            sentence(level, w) if level else "",
        ])  # fmt: skip


def _decide(v: View) -> None:
    w = v.w
    _large(w("To be decided today"), [
        w("Which size goes into the budget?"), w("In how many of 20 years may it be short?"),
        w("Who pays when it is short?"),
    ])  # fmt: skip
    if v.answer is not None:
        panels.picture(frontier(v.answer.data, w), w, "present-frontier", height=385, with_data=False)


show(shell.view())
