"""Comparison: which scenario is better, by how much, and whether that can be told from chance."""

from __future__ import annotations

import tomllib
from typing import Any

import streamlit as st

import sim
from calibration import toml_text
from dashboard import commands, library, panels, safe, scenario_file, shell, work
from dashboard.figures import differences
from dashboard.library import Run
from dashboard.shell import View
from dashboard.words import Words
from sim.errors import RiskfundError
from sim.law import vocabulary
from sim.parameters import value_of
from sim.study import Results, check_comparable

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
    if studies:
        _stored(v, studies)
    else:
        st.info(w("Nothing has been compared yet. Choose a base and one to five others below."))
    with st.expander(w("New comparison"), expanded=not studies):
        _new(v)
    with st.expander(w("Change a scenario and save it")):
        _change(v)


# --- a stored study ----------------------------------------------------------------------------------


def _stored(v: View, studies: list[Run]) -> None:
    w = v.w
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    with left:
        run = panels.stored_run(studies, w("Comparison"), "study", w, may_be_first=("ready",))
    with right:
        metric = panels.choice(w("Figure to compare"), METRICS, w.label, "metric", METRICS[0])
    if run.state in ("stale", "broken"):
        st.warning(safe.markdown(shell.why_not(run, w)))
        return
    if run.state in ("unfinished", "running"):
        st.info(w("This comparison is not finished. The same comparison asked for again goes on from its batches."))
        return
    results = library.results_of(run)
    rows = library.differences_of(str(run.path), run.sha, shell.assurance())
    titles = _titles(results, w)
    same = [name for name in results.names[1:] if not results.what_differs(name)]
    for name in same:
        st.info(
            w("{name} is the same as the base: every difference is exactly nothing.", name=safe.markdown(titles[name]))
        )
    is_demonstration = any(s.is_demonstration for s in results.scenarios())
    about = {"seed": results.seed, "replications": results.n, "is_demonstration": is_demonstration}
    panels.picture(differences(rows, metric, w, about=about, names=titles), w, "differences", height=_height(results))
    panels.few_histories(results.n, w)
    _differing(results, titles, w)


def _height(results: Results) -> int:
    return max(260, 200 + 58 * (len(results.names) - 1))


def _titles(results: Results, w: Words) -> dict[str, str]:
    """What people call each scenario; names where two are called alike."""
    titles = {name: s.title.get(w.lang) for name, s in zip(results.names, results.scenarios(), strict=True)}
    many = list(titles.values())
    return {name: title if many.count(title) == 1 else name for name, title in titles.items()}


def _differing(results: Results, titles: dict[str, str], w: Words) -> None:
    """Only the parameters that are not as in the base."""
    rows = [
        [titles[name], field, shown(a, w, field), shown(b, w, field)]
        for name in results.names[1:]
        for field, (a, b) in results.what_differs(name).items()
    ]
    if rows:
        heads = [w("scenario"), w("field"), titles[results.names[0]], w("here")]
        st.html(safe.table(heads, rows, w("What differs from the base")))


def shown(value: Any, w: Words, field: str = "") -> str:
    """A value of a field in a table; long ones by their beginning."""
    text = "—" if value is None else w.rule_value(value, vocabulary().get(field.removeprefix("rules.")))
    return text if len(text) <= 90 else text[:88] + "…"


# --- a new one ---------------------------------------------------------------------------------------


def _new(v: View) -> None:
    w, names = v.w, scenario_file.names(v.runs)
    called = {name: scenario_file.title(name, w.lang) for name in names}
    left, right = st.columns([2, 4])
    with left:
        base = st.selectbox(w("Base"), names, index=names.index(work.DEMONSTRATION), format_func=lambda n: called.get(n, n), key="base")  # fmt: skip
    with right:
        others = st.multiselect(
            w("Others (one to five)"), [n for n in names if n != base], max_selections=_MOST, placeholder=w("choose scenarios"),
            format_func=lambda n: called.get(n, n), key="others",
        )  # fmt: skip
    if not others:
        st.caption(w("Choose one more scenario."))
        return
    problem = _not_comparable([base, *others], w)
    if problem:
        st.warning(safe.markdown(problem))
        return
    _start(v, [base, *others])


def _not_comparable(names: list[str], w: Words) -> str:
    """Why these scenarios cannot stand in one comparison, "" where they can."""
    try:
        base, *others = [sim.Scenario.load(name) for name in names]
        for other in others:
            check_comparable(base, other)
    except RiskfundError as error:
        return w.joined([w("These scenarios cannot be compared:"), w.error(error)])
    return ""


def _start(v: View, names: list[str]) -> None:
    w = v.w
    left, middle, right = st.columns([2, 4, 2], vertical_alignment="bottom")
    with left:
        n = st.selectbox(w("Histories"), work.SIZES, index=1, format_func=w.number, key="n-compare")
    with middle:
        how = commands.mechanism([sim.Scenario.load(name) for name in names])
        found = v.jobs.estimate(commands.compare_total(len(names), n), "compare", how)
        st.caption(work.estimate_text(found, n, w))
    with right:
        if st.button(w("Compare"), key="go-compare", type="primary", width="stretch"):
            commands.compare(v.jobs, names, n, w.lang)
            st.rerun()


# --- a changed scenario ------------------------------------------------------------------------------


def _change(v: View) -> None:
    """Fields of a scenario or values of its rules, as its file writes them, saved under a new name."""
    w, names = v.w, scenario_file.names(v.runs)
    left, right = st.columns([2, 4])
    with left:
        base = st.selectbox(w("Scenario to change"), names, index=names.index(work.DEMONSTRATION), format_func=lambda n: scenario_file.title(n, w.lang), key="change-base")  # fmt: skip
    loaded = sim.Scenario.load(base)
    now = fields(loaded)
    with right:
        chosen = st.multiselect(w("Fields to change"), list(now), placeholder=w("choose fields"), key="change-fields", format_func=lambda f: named(f, loaded, w))  # fmt: skip
    changes = {}
    for field in chosen:
        text = st.text_input(named(field, loaded, w), toml_text.value_text(now[field]), key=f"change-{loaded.name}-{field}")  # fmt: skip
        changes[field] = _typed(text)
    left, right = st.columns([4, 2], vertical_alignment="bottom")
    with left:
        name = st.text_input(
            w("Name of the new scenario"), key="change-name", placeholder=w("for example: filed in 10 days")
        )
    with right:
        clicked = st.button(w("Save"), key="change-save", disabled=not (changes and name.strip()), width="stretch")
    if clicked:
        path = scenario_file.save(v.runs, base, name.strip(), changes)
        st.success(w("Saved as {path}. It can be compared and sized now.", path=safe.markdown(str(path))))


def fields(scenario: sim.Scenario) -> dict[str, Any]:
    """Fields that hold one value, and the rules, with what they are now."""
    plain = {
        f: value_of(scenario, f) for f in _leaves(scenario.model_dump(mode="json")) if f.split(".")[0] not in _FIXED
    }
    rules = {f"rules.{key}": value.value for key, value in scenario.rule_values().items()}
    return {k: x for k, x in plain.items() if isinstance(x, int | float | str | bool)} | rules


_FIXED = ("name", "title", "note", "sources", "rule_changes", "uncertain", "is_demonstration", "rules")


def _leaves(raw: dict[str, Any], prefix: str = "") -> list[str]:
    out = []
    for key, value in raw.items():
        name = f"{prefix}.{key}" if prefix else key
        out += _leaves(value, name) if isinstance(value, dict) else [name]
    return out


def named(field: str, scenario: sim.Scenario, w: Words) -> str:
    """A field as a list shows it; rules by their names."""
    rule = scenario.pack().parameters.get(field.removeprefix("rules.")) or vocabulary().get(
        field.removeprefix("rules.")
    )
    return f"{rule.label[w.lang]} ({field})" if rule is not None and field.startswith("rules.") else field


def _typed(text: str) -> Any:
    """What was typed, as a file would mean it; words need no quotes."""
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


show(shell.view())
