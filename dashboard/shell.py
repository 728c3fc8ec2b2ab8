"""What stands around every page: language, the chosen run, its particulars, the demonstration band, jobs at work."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st

import sim
from dashboard import address, library, safe, work
from dashboard.jobs import Jobs, Keeper
from dashboard.library import Run
from dashboard.serve import runs_folder
from dashboard.words import LANGUAGES, Words
from sim.errors import RiskfundError

LOG = logging.getLogger("riskfund.pages")
STYLE = Path(__file__).with_name("style.css")
ACCEPTED = {"1/20": 0.95, "2/20": 0.90, "1/100": 0.99}  # shortfalls that may be accepted, and the assurance
FIRST = "1/20"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class View:
    """What a page shows: the reader's words, and the chosen run as far as it can be read."""

    w: Words
    runs: Path
    jobs: Jobs
    every: list[Run]
    run: Run | None
    answer: sim.Answer | None
    problem: str  # why there is no answer, in the reader's words


# --- state -------------------------------------------------------------------------------------------


def language() -> str:
    """The reader's language: chosen, in the address, or Chinese."""
    lang = address.value("lang")
    return lang if lang in LANGUAGES else LANGUAGES[0]


def assurance() -> float:
    """How sure the fund is to be, as the answer page was asked."""
    return ACCEPTED.get(address.value("risk"), ACCEPTED[FIRST])


@st.cache_resource(show_spinner=False)
def _keeper(runs: str) -> Keeper:
    return Keeper(Jobs(Path(runs)))


def jobs_of(runs: Path) -> Jobs:
    """The jobs of the runs folder, looked after as long as the server runs."""
    return _keeper(str(runs)).jobs


def view() -> View:
    """The state of this page; cheap, since what is read is kept."""
    w, runs = Words(language()), runs_folder()
    jobs = jobs_of(runs)
    every = library.runs_in(runs, jobs)
    run = chosen([r for r in every if r.kind == "size" or r.state == "broken"])
    answer, problem = None, ""
    if run is not None and run.state in ("stale", "broken"):
        problem = why_not(run, w)
    elif run is not None:
        try:
            answer = library.answer_of(run, assurance())
        except RiskfundError as error:
            problem = no_history_yet(run, w) if run.n == 0 and not library.draft_histories(run) else w.error(error)
    return View(w, runs, jobs, every, run, answer, problem)


def chosen(sized: list[Run]) -> Run | None:
    """The run in the address or the list; by default the newest one that can be read."""
    wanted = address.value("run")
    named = next((run for run in sized if run.name == wanted), None)
    ready = next((run for run in sized if run.state == "ready"), None)
    return named or ready or next((run for run in sized if run.kind == "size"), None) or next(iter(sized), None)


def why_not(run: Run, w: Words) -> str:
    """Why a run cannot be read, what is kept and what to do."""
    if run.state == "broken":
        return w(
            "The folder {name} cannot be read: {reason}. Nothing in it was changed. Size the scenario again, or delete the folder.",
            name=run.name, reason=w.reason(run.problem),
        )  # fmt: skip
    causes = {
        "version": w("the program has another version than when this result was made"),
        "code_sha256": w("the model has been changed since this result was made"),
        "rules_sha256": w("the rules have been changed since this result was made"),
    }
    return w(
        "This result is out of date: {cause}. Its histories are kept, but its figures would not be those of today. Size the scenario again.",
        cause=causes.get(run.changed, run.changed),
    )  # fmt: skip


def no_history_yet(run: Run, w: Words) -> str:
    """What is said of a run before its first histories are there."""
    if run.state == "running":
        return w("This run is at work; its first histories are not finished yet.")
    return w(
        "This run was stopped before its first histories were finished. What is there is kept; it can go on from there."
    )


# --- errors ------------------------------------------------------------------------------------------


def told(draw: Callable[P, T]) -> Callable[P, T | None]:
    """Tell what went wrong in words; the log has the rest. For pages, and for parts that run alone."""

    @functools.wraps(draw)
    def safely(*args: P.args, **kwargs: P.kwargs) -> T | None:
        w = Words(language())
        try:
            return draw(*args, **kwargs)
        except RiskfundError as error:
            st.error(safe.markdown(w.error(error)))
        except Exception:
            LOG.exception("a page failed")
            st.error(
                w(
                    "This page could not be shown. Stored runs are not touched. Open another page or reload; if it comes again, the log of the server says why (E-PAGE)."
                )
            )
        return None

    return safely


# --- the frame ---------------------------------------------------------------------------------------


def frame(v: View, *, is_present: bool = False) -> None:
    """Draw what stands above every page."""
    st.html(STYLE)
    address.carry()
    if v.run is not None:
        address.keep("run", v.run.name)
    lang = "zh-CN" if v.w.lang == "zh" else "en"
    st.html(f"<script>document.documentElement.lang='{lang}'</script>", unsafe_allow_javascript=True)
    if is_present:
        st.html(
            "<style>[data-testid='stHeader'] { display: none; } [data-testid='stMainBlockContainer'] { padding-top: 1rem; }</style>"
        )
    left, middle, right = st.columns([6.4, 3.4, 1.1], gap="small", vertical_alignment="center")
    with left:
        st.html(status_bar(v))
    with middle:
        if not is_present:
            _run_list(v)
    with right:
        st.segmented_control(
            v.w("Language"), LANGUAGES, required=True, label_visibility="collapsed",
            format_func=lambda code: {"zh": "中", "en": "EN"}[code], **address.bound("lang", "", LANGUAGES, v.w.lang),
        )  # fmt: skip
    if _is_demonstration(v):
        st.html(f'<div class="rf-band" role="note">{safe.html(band(v))}</div>')
    if not is_present:
        work.strip(v.jobs, v.w)


def band(v: View) -> str:
    """That the data are for demonstration, and what is missing until they are the county's own."""
    from dashboard.readings import missing_for_budget

    said = v.w("Demonstration data: not for a budget")
    if v.answer is None:
        return said
    missing = v.w.listed(missing_for_budget(v.answer, v.w))
    return v.w.joined([v.w("{band}.", band=said), v.w("Still missing: {missing}; both come in on the page of county data.", missing=missing)])  # fmt: skip


def _is_demonstration(v: View) -> bool:
    if v.answer is not None:
        return bool(v.answer.data["is_demonstration"])
    return v.run is not None and v.run.is_demonstration


def _run_list(v: View) -> None:
    """The list of sized runs; the choice is in the address."""
    sized = [run for run in v.every if run.kind == "size" or run.state == "broken"]
    if not sized:
        return
    labels = {run.name: _with_state(run, v.w) for run in sized}
    at = v.run.name if v.run is not None else sized[0].name
    st.selectbox(
        v.w("Result"), list(labels), format_func=lambda name: labels.get(name, name), label_visibility="collapsed",
        **address.bound("run", v.w.lang, list(labels), at, clears=("size", "carry")),
    )  # fmt: skip


def accepted(v: View, asked: list[str]) -> float:
    """The list of shortfalls that may be accepted; returns the assurance."""
    w = v.w
    risk = st.selectbox(
        w("Accepted shortfall"), asked,
        format_func=lambda key: w("{short} of {years} years", short=key.split("/")[0], years=key.split("/")[1]),
        help=w("In how many of equally likely next years the fund may be short. 1 of 100 needs 10,000 histories."),
        **address.bound("risk", w.lang, asked, asked[0]),
    )  # fmt: skip
    return ACCEPTED[risk]


def _with_state(run: Run, w: Words) -> str:
    states = {
        "stale": w("out of date"), "broken": w("cannot be read"), "running": w("at work"), "unfinished": w("unfinished"),
    }  # fmt: skip
    mark = states.get(run.state)
    return f"{run.label(w)}  [{mark}]" if mark and run.state != "broken" else run.label(w)


def status_bar(v: View) -> str:
    """County, year, rules, calibration, result, histories, time: what makes a number evidence."""
    w = v.w
    if v.run is None:
        none = w("No result yet")
        return f'<div class="rf-status" role="status">{safe.html(none)}</div>'
    parts = [safe.html(text) for text in particulars(v)]
    return f'<div class="rf-status" role="status">{" <i>·</i> ".join(f"<span>{p}</span>" for p in parts)}</div>'


def particulars(v: View) -> list[str]:
    """The texts of the status bar."""
    w, run = v.w, v.run
    if run is None:
        return []
    made = f"{run.made:%Y-%m-%d %H:%M}"
    if v.answer is None:
        return [run.title.get(w.lang) or run.name, w("histories: {n}", n=w.number(run.n)), made]
    data: dict[str, Any] = v.answer.data
    rules = f"{v.answer.scenario.rules.split('/')[-1]} {data['provenance']['rules_sha256'][:6]}"
    return [
        v.answer.scenario.title.get(w.lang),
        w("fiscal year {year}", year=data["year"]),
        w("rules {rules}", rules=rules),
        calibration_state(v),
        str(data["provenance"]["result_number"]),
        w("{n} histories", n=w.number(data["replications"])),
        made,
    ]


def calibration_state(v: View) -> str:
    """In a few words; the evidence page says more."""
    if v.answer is None or v.answer.data["is_demonstration"]:
        return v.w("not calibrated: demonstration data")
    kinds = {source.kind for source in v.answer.scenario.sources if "defaults" in " ".join(source.fields)}
    return v.w("calibrated on own data") if kinds == {"data"} else v.w("not calibrated: assumptions")


def needs_answer(v: View) -> bool:
    """Tell those who came without a readable result what to do; True where there is an answer to show."""
    if v.answer is not None:
        if v.run is not None and v.run.state in ("unfinished", "running"):
            st.warning(
                v.w(
                    "Draft: this run is not finished; what stands here comes from its first {n} histories.",
                    n=v.w.number(v.answer.data["replications"]),
                )
            )
        return True
    if v.problem and v.run is not None:
        is_waiting = v.run.state in ("unfinished", "running")
        (st.info if is_waiting else st.warning)(safe.markdown(v.problem))
        work.again(v.jobs, v.run, v.w)
        if v.run.state == "broken":
            work.first_run(v.jobs, v.w)
    else:
        work.first_run(v.jobs, v.w)
    return False
