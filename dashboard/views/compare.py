"""Comparison: which scenario is better, by how much, and whether that can be told from chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

import sim
from dashboard import address, change, commands, library, panels, safe, scenario_file, shell, work
from dashboard.figures import differences
from dashboard.figures.causes import verdict
from dashboard.figures.figure import read
from dashboard.figures.measure import measure_of
from dashboard.library import Run
from dashboard.shell import View
from dashboard.words import Words
from sim.comparable import check_comparable
from sim.errors import RiskfundError
from sim.study import Results

METRICS = (
    "need_yuan", "shortfall_chance", "default_share", "payout_yuan", "gap_yuan", "in_process_yuan", "runoff_need_yuan",
    "subsidy_unpaid_90d_yuan", "fiscal_debt_yuan", "need_yuan_pooled", "need_mean_yuan", "defaulted_yuan",
)  # fmt: skip
_MOST = 5  # beside the base


@shell.told
def show(v: View) -> None:
    """The page."""
    w = v.w
    panels.heading(w("Which scenario is better, and can one tell?"), w("All scenarios meet the same luck: weather, prices and households alike. What differs is the scenario."))  # fmt: skip
    studies = [run for run in v.every if run.kind == "study"]
    below: Callable[[], None] | None = None
    if studies:
        below = _stored(v, studies)
    else:
        st.info(w("Nothing has been compared yet. Choose a base and one to five others below."))
    with st.expander(w("New comparison"), expanded=not studies):
        _new(v)
    with st.expander(w("Change a scenario and save it")):
        change.panel(v)
    if below is not None:
        below()


# --- a stored study ----------------------------------------------------------------------------------


def _stored(v: View, studies: list[Run]) -> Callable[[], None] | None:
    """Draw the chosen comparison's picture; returns what draws its tables, below what one may do next."""
    w = v.w
    left, right = st.columns([5, 4], vertical_alignment="bottom")
    with left:
        run = panels.stored_run(studies, w("Comparison"), "study", w, may_be_first=("ready",))
    with right:
        metric = panels.choice(w("Figure in the picture"), METRICS, w.label, "metric", METRICS[0], w)
    if run.state in ("stale", "broken"):
        st.warning(safe.markdown(shell.why_not(run, w)))
        return None
    if run.state == "running":
        st.info(w("This comparison is at work; its figures stand here when it is finished."))
        return None
    if run.state == "unfinished":
        st.info(w("This comparison is not finished. The same comparison asked for again goes on from its batches."))
        return None
    results = library.results_of(run)
    rows = library.differences_of(str(run.path), run.sha, shell.assurance())
    titles = _titles(results, w)
    for name in [name for name in results.names[1:] if not results.what_differs(name)]:
        st.info(
            w("{name} is the same as the base: every difference is exactly nothing.", name=safe.markdown(titles[name]))
        )
    is_demonstration = any(s.is_demonstration for s in results.scenarios())
    outside = next((sim.as_if(s)["as_if"] for s in results.scenarios() if s.is_outside_its_dates), None)
    about = {"seed": results.seed, "replications": results.n, "is_demonstration": is_demonstration, "as_if": outside}
    panels.picture(differences(rows, metric, w, about=about, names=titles), w, "differences", height=_height(results))

    def tables() -> None:
        _table(rows, titles, results, w)
        panels.few_histories(results.n, w)
        _as_one(v, results, rows, titles)
        _differing(results, titles, w)

    return tables


def _height(results: Results) -> int:
    return max(260, 200 + 58 * (len(results.names) - 1))


def _titles(results: Results, w: Words) -> dict[str, str]:
    """What people call each scenario; names where two are called alike."""
    titles = {name: s.title.get(w.lang) for name, s in zip(results.names, results.scenarios(), strict=True)}
    many = list(titles.values())
    return {name: title if many.count(title) == 1 else name for name, title in titles.items()}


def _table(rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str], results: Results, w: Words) -> None:
    """Every figure of every scenario beside the base, with its interval and what can be said of it."""
    body, marks = [], []
    for name in results.names[1:]:
        for metric in METRICS:
            row = next((r for r in rows if (r["scenario"], r["metric"]) == (name, metric)), None)
            if row is None or read(row["difference"]).value is None:
                continue
            m, d = measure_of(metric, w), read(row["difference"])
            body.append([
                *([titles[name]] if len(results.names) > 2 else []), w.label(metric), m.say(row["base"]), m.say(row["other"]),
                m.change(d.value or 0.0), panels.change_interval(m, d, w), verdict(d, w),
            ])  # fmt: skip
            marks.append("" if verdict(d, w) == w("can be told apart") else "muted")
    heads = [
        *([w("scenario")] if len(results.names) > 2 else []), w("figure"), titles[results.names[0]],
        w("here") if len(results.names) > 2 else titles[results.names[1]], w("difference"), w.term("interval_95"), w("reading"),
    ]  # fmt: skip
    first = len(heads) - 5
    st.html(safe.table(heads, body, w("All figures, each with the difference on the same luck"), numbers=range(first, first + 4), marks=marks))  # fmt: skip


def _as_one(v: View, results: Results, rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> None:
    """A comparison holds fast what the base has at its beginning; a sizing of the other scenario does not."""
    w, base = v.w, results.scenarios()[0]
    lines = [w("In a comparison every scenario begins with the base's book of open loans and, where an anchor sets the level of defaults, with the base's default probabilities: only what was changed differs. Sized alone, a scenario has its own opening book, and its probabilities are set anew so that its long-run share of defaults meets its anchor. The two figures answer two questions and need not agree.")]  # fmt: skip
    for name in results.names[1:]:
        row = next((r for r in rows if (r["scenario"], r["metric"]) == (name, "need_yuan")), None)
        alone = alone_needs(v, base, name, results.what_differs(name))
        if row is not None and alone is not None:
            lines.append(w(
                "{name}: {here} in this comparison; alone, with its own opening book and default level: {alone} ({n} histories).",
                name=titles[name], here=w.money(row["other"]), alone=w.money(alone[0]), n=w.number(alone[1]),
            ))  # fmt: skip
        if change.moves_drought(results.what_differs(name)) and base.defaults.anchor is not None:
            lines.append(change.about_drought_compared(w))
    panels.card(w.joined(lines))


def alone_needs(v: View, base: sim.Scenario, name: str, differs: Mapping[str, Any]) -> tuple[float, int] | None:
    """The need that the newest readable sizing of a scenario gives, and from how many histories.

    A study keeps its scenarios on the base's probabilities, so the sizing is known by its name and by what differs.
    """
    for run in v.every:
        if run.kind == "size" and run.state == "ready" and run.scenario == name:
            try:
                if sim.what_differs(base, sim.scenario_of(run.path)) != differs:
                    continue
                found = library.answer_of(run, shell.assurance()).data
            except RiskfundError:
                continue
            value = found["need_yuan"]["value"]
            return None if value is None else (float(value), int(found["replications"]))
    return None


def _differing(results: Results, titles: Mapping[str, str], w: Words) -> None:
    """Only the parameters that are not as in the base."""
    rows = [
        [titles[name], w.field(field), shown(a, w, field), shown(b, w, field)]
        for name in results.names[1:]
        for field, (a, b) in results.what_differs(name).items()
    ]
    if rows:
        heads = [w("scenario"), w("field"), titles[results.names[0]], w("here")]
        st.html(safe.table(heads, rows, w("What differs from the base")))


def shown(value: Any, w: Words, field: str) -> str:
    """A value of a field in a table; long ones by their beginning."""
    text = w.field_value(field, value)
    return text if len(text) <= 90 else text[:88] + "…"


# --- a new one ---------------------------------------------------------------------------------------


def _new(v: View) -> None:
    w, names = v.w, scenario_file.names(v.runs)
    called = {name: scenario_file.title(name, w.lang) for name in names}
    left, right = st.columns([2, 4])
    with left:
        base = panels.scenario(w("Base"), names, "base", w)
    with right:
        rest = [n for n in names if n != base]
        others = st.multiselect(
            w("Others (one to five)"), rest, max_selections=_MOST, placeholder=w("choose scenarios"), select_all=False,
            format_func=lambda n: called.get(n, Path(n).stem), **address.remembered("others", w.lang, rest, []),
        )  # fmt: skip
    if not others:
        st.caption(w("Choose one more scenario."))
        return
    problem = _not_comparable([base, *others], w)
    if problem:
        st.warning(safe.markdown(problem))
        return
    chosen = [base, *others]
    work.starts(
        v.jobs, "compare", w, "compare", sizes=work.SIZES, arms=len(chosen),
        how=commands.mechanism([sim.Scenario.load(name) for name in chosen]),
        total=lambda n: commands.compare_total(len(chosen), n),
        begin=lambda n: commands.compare(v.jobs, chosen, n, w.lang), label=w("Compare"),
    )  # fmt: skip


def _not_comparable(names: list[str], w: Words) -> str:
    """Why these scenarios cannot stand in one comparison, "" where they can."""
    try:
        base, *others = [sim.Scenario.load(name) for name in names]
        for other in others:
            check_comparable(base, other)
    except RiskfundError as error:
        return w.joined([w("These scenarios cannot be compared:"), w.error(error)])
    return ""


show(shell.view())
