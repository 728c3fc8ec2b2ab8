"""Presentation: six steps for a room, in large type; guess before the answer is shown."""

from __future__ import annotations

import streamlit as st

from dashboard import library, panels, readings, safe, shell
from dashboard.figures import dots
from dashboard.shell import View

STEPS = 6


@shell.told
def show(v: View) -> None:
    """The page."""
    if not shell.needs_answer(v) or v.answer is None:
        return
    step = min(max(int(st.session_state.get("step", 1)), 1), STEPS)
    draw = (_answer, _guess, _options, _bad_years, _why_believe, _decide)[step - 1]
    with st.container(key="present"):
        draw(v)
    _buttons(v, step)


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
    st.session_state["step"] = step


def _large(title: str, lines: list[str]) -> None:
    items = "".join(f"<li>{safe.html(line)}</li>" for line in lines if line)
    more = f'<ul class="rf-step-more">{items}</ul>' if items else ""
    st.html(f'<h1 class="rf-step">{safe.html(title)}</h1>{more}')


# --- steps -------------------------------------------------------------------------------------------


def _answer(v: View) -> None:
    assert v.answer is not None
    said = v.w.sentences(readings.told_data(v))
    _large(said["headline"], [said.get("if_short", ""), said.get("range", "")])


def _guess(v: View) -> None:
    """People remember what they have first guessed wrong."""
    assert v.answer is not None and v.run is not None
    w = v.w
    size = w.advised(v.answer.data["advice"]["fund_yuan"])
    _large(w("With {size}: of 20 equally likely next years, in how many is it not enough?", size=size), [])
    if not st.session_state.get("revealed"):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        with left:
            st.segmented_control(w("Our guess"), [0, 1, 2, 3, 4, 5, 6, 8, 10], key="guess")
        with right:
            st.button(w("Show the answer"), key="reveal", type="primary", on_click=_reveal, width="stretch")
        return
    guess = st.session_state.get("guess_kept")
    kept = library.stored(v.answer, v.run.sha)
    picture = dots(v.answer.data, kept.sample.frame, w, years=20, strata=kept.sample.strata)
    if guess is not None:
        said = w("The guess was {n}.", n=guess)
        st.html(f'<p class="rf-step-more">{safe.html(said)}</p>')
    panels.picture(picture, w, "guess-dots", height=400, with_data=False)


def _reveal() -> None:
    st.session_state["guess_kept"] = st.session_state.get("guess")
    st.session_state["revealed"] = True


def _options(v: View) -> None:
    assert v.answer is not None
    w, data, found = v.w, v.answer.data, readings.options(v)
    _large(w("Three sizes to choose from"), [])
    rows = [
        [w("size"), *(w.advised(o.yuan) for o in found)],
        [w("not enough"), *(readings.counted(o.row, data, w) for o in found)],
        [w("missing if short, mean"), *(readings.or_dash(o.row["mean_gap_if_short_yuan"], w) for o in found)],
        [w("idle in a mean year"), *(readings.or_dash(o.row["idle_yuan"], w) for o in found)],
    ]
    heads = ["", *(f"{o.name} ★" if o.is_advised else o.name for o in found)]
    starred = next((k for k, o in enumerate(found) if o.is_advised), 0) + 1
    st.html(f'<div class="rf-large">{safe.table(heads, rows, w("Sizes to choose from (★ advised)"), numbers=range(1, len(heads)), strong=(0,), starred=starred)}</div>')  # fmt: skip


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
        lines.append(w("If it is not enough, banks wait for {wait} on average; next year's budget pays {later} of it.", wait=readings.or_dash(paid["banks_wait_for_yuan"], w), later=readings.or_dash(paid["next_budget_pays_yuan"], w)))  # fmt: skip
    openings = data["need_by_opening"]
    if openings["dry"].get("value") is not None:
        lines.append(w("If the year begins in a drought {dry} is needed, otherwise {normal}.", dry=w.money(openings["dry"]["value"]), normal=w.money(openings["normal"]["value"])))  # fmt: skip
    steps = readings.chain(v.answer, w)
    if steps:
        lines.append(" → ".join(f"{name} {text}" for name, text in steps))
    _large(w("What a bad year looks like"), lines)


def _why_believe(v: View) -> None:
    assert v.answer is not None
    w, scenario, data = v.w, v.answer.scenario, v.answer.data
    kinds = [s.kind for s in scenario.sources]
    _large(w("Why believe it"), [
        w("Rules: {pack}, each value with its article.", pack=scenario.pack().title[w.lang]),
        w("Data: {data} groups of values were counted, {assumed} are assumptions.", data=kinds.count("data"), assumed=kinds.count("assumption")),
        shell.calibration_state(v),
        w("{n} equally likely years, each checked to the fen; the same number for anyone who runs it again ({number}).", n=w.number(data["replications"]), number=data["provenance"]["result_number"]),
    ])  # fmt: skip


def _decide(v: View) -> None:
    w = v.w
    _large(w("To be decided today"), [
        w("Which size goes into the budget?"), w("In how many of 20 years may it be short?"),
        w("Who pays when it is short?"),
    ])  # fmt: skip


show(shell.view())
