"""Jobs as pages show them: the strip above a page, the button with its estimate, what became of each."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

import sim
from dashboard import commands, panels, safe, scenario_file
from dashboard.jobs import Estimate, Job, Jobs
from dashboard.library import Run
from dashboard.words import Words
from sim.errors import RiskfundError

DEMONSTRATION = "x-county"
SIZES = (200, 500, 2000, 10_000)


# --- the strip ---------------------------------------------------------------------------------------


def strip(jobs: Jobs, w: Words) -> None:
    """The job at work, on every page; a page that is reloaded or opened a second time finds it again."""
    if any(job.is_open for job in jobs.all()):
        _strip_at_work(jobs, w)
    else:
        _last_one(jobs, w)


@st.fragment(run_every=1.0)
def _strip_at_work(jobs: Jobs, w: Words) -> None:
    jobs.tick()
    job = jobs.running()
    waiting = jobs.queued()
    if job is None and not waiting:
        st.rerun()
    if job is not None:
        one(jobs, job, w, where="strip")
    if waiting:
        st.caption(w.n("{n} run waits in line.", "{n} runs wait in line.", len(waiting)))


def _last_one(jobs: Jobs, w: Words) -> None:
    """What became of the last job, until somebody has seen it."""
    job = next(iter(jobs.all()), None)
    seen = st.session_state.setdefault("seen_jobs", [])
    if job is None or job.id in seen or time.time() - job.ended > 3600:
        return
    left, right = st.columns([8, 2], vertical_alignment="center")
    with left:
        outcome(job, w)
    with right:
        st.button(
            w("Show it") if job.state == "done" else w("All right"), key=f"seen-{job.id}", on_click=_see, args=(job,)
        )


def _see(job: Job) -> None:
    """The reader has seen how a job ended; a sized run is shown next."""
    st.session_state["seen_jobs"] = [*st.session_state.get("seen_jobs", []), job.id]
    if job.state == "done" and job.kind == "size":
        st.session_state["run"] = Path(job.out).name


def one(jobs: Jobs, job: Job, w: Words, where: str) -> None:
    """Progress of one job, and the button that stops it."""
    left, right = st.columns([8, 1.4], vertical_alignment="center")
    with left:
        share = min(job.done / job.total, 1.0) if job.total and job.first_at else 0.0
        st.progress(share, text=progress_text(job, w))
    with right:
        st.button(
            w("Stopping…") if job.cancel_at else w("Stop"), key=f"stop-{where}-{job.id}", disabled=bool(job.cancel_at),
            on_click=jobs.cancel, args=(job.id,),
        )  # fmt: skip


def progress_text(job: Job, w: Words) -> str:
    """How far a job is, in words."""
    title = safe.markdown(job.title)
    if not job.first_at:
        return w("{title}: preparing the book before the first history", title=title)
    said = {"done": w.number(job.done), "total": w.number(job.total), "p": w.percent(job.done / max(job.total, 1), 0)}
    text = w("{title}: {p} done ({done} of {total} histories of all its variants)", title=title, **said)
    left = job.seconds_left(time.time())
    return text if left is None else w("{said}, about {time} left", said=text, time=panels.duration(left, w))


def outcome(job: Job, w: Words) -> None:
    """How a job ended: what happened, what was kept, what to do."""
    title, kept = safe.markdown(job.title), w.number(job.done)
    if job.state == "done":
        st.success(w("{title}: finished, {n} histories of all its variants.", title=title, n=kept))
    elif job.state == "cancelled":
        st.info(w("{title}: stopped. {n} finished histories are kept; it can go on from there.", title=title, n=kept))
    elif job.state == "died":
        st.warning(w(
            "{title}: its process ended without a word (killed, or the machine was switched off). {n} finished histories are kept; it can go on from there.",
            title=title, n=kept,
        ))  # fmt: skip
    else:
        st.error(w(
            "{title}: failed. {n} finished histories are kept. What it said: {message}",
            title=title, n=kept, message=safe.markdown(w.reason(job.message)),
        ))  # fmt: skip


# --- the button --------------------------------------------------------------------------------------


def estimate_text(found: Estimate, n: int, w: Words) -> str:
    """Estimate before the start."""
    said = {"n": w.number(n), "time": panels.duration(found.seconds, w)}
    if found.is_measured:
        return w("{n} histories take about {time} (measured on this machine).", **said)
    return w("{n} histories may take {time} (usual speed; nothing has been measured here yet).", **said)


def starter(jobs: Jobs, scenario: str, w: Words, key: str, *, label: str = "") -> None:
    """Number of histories, estimate, and the button that starts sizing a scenario."""
    try:
        loaded = sim.Scenario.load(scenario)
    except RiskfundError as error:
        st.error(safe.markdown(w.error(error)))
        return
    left, middle, right = st.columns([2, 4, 2], vertical_alignment="bottom")
    with left:
        n = st.selectbox(w("Histories"), SIZES, index=1, format_func=w.number, key=f"n-{key}")
    with middle:
        total = commands.size_total(loaded, n)
        st.caption(estimate_text(jobs.estimate(total, "size", commands.mechanism([loaded])), n, w))
    with right:
        clicked = st.button(label or w("Simulate"), key=f"go-{key}", type="primary", width="stretch")
    if clicked:
        commands.size(jobs, scenario, n, w.lang)
        st.rerun()


def first_run(jobs: Jobs, w: Words) -> None:
    """What those see who have no result yet."""
    if any(job.is_open for job in jobs.all()):
        panels.heading(
            w("The first result is being made"), w("It is shown here when it is finished; you may leave the page.")
        )
        return
    panels.heading(
        w("No result yet"),
        w("A result is made once and then read at any size and assurance. Begin with the demonstration county, or import a ledger of your own on the page of county data."),
    )  # fmt: skip
    starter(jobs, DEMONSTRATION, w, "first", label=w("Size the demonstration county"))


def again(jobs: Jobs, run: Run, w: Words) -> None:
    """The button that makes a run again, or goes on with it."""
    if run.kind != "size" or run.state == "running":
        return
    asked = next((job.n for job in jobs.all() if job.out == str(run.path)), 500)
    n = run.n or asked
    is_resumed = run.state == "unfinished"
    if st.button(w("Go on with it") if is_resumed else w("Size it again"), key="again", type="primary"):
        scenario = sim.scenario_of(run.path)
        path = scenario_file.save_whole(jobs.folder / "scenarios" / f"{scenario.name}.toml", scenario)
        commands.size(
            jobs,
            str(path),
            n,
            w.lang,
            title=scenario.title.get(w.lang),
            out=run.path if is_resumed else None,
            seed=run.seed,
        )
        st.rerun()
