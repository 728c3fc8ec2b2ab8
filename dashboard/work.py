"""Jobs as pages show them: the strip above a page, the button with its estimate, what became of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st

import sim
from dashboard import address, commands, panels, safe, scenario_file
from dashboard.jobs import Estimate, Job, Jobs
from dashboard.library import Run
from dashboard.words import Words
from sim.errors import RiskfundError

SIZES = (200, 500, 2000, 10_000)
_TOLD = 3600.0  # seconds for which the end of a job is told
_WHERE = {
    "size": ("run", "views/answer.py"),
    "compare": ("study", "views/compare.py"),
    "grid": ("grid", "views/lab.py"),
}


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
    job = jobs.last_ended(_TOLD)
    if job is None:
        return
    left, middle, right = st.columns([8, 1.2, 1.2], vertical_alignment="center")
    with left:
        outcome(job, w)
    with middle:
        if job.state == "done" and st.button(w("Show it"), key=f"show-{job.id}", type="primary", width="stretch"):
            key, page = _WHERE[job.kind]
            jobs.see(job.id)
            address.keep(key, Path(job.out).name)
            st.switch_page(page)
    with right:
        st.button(w("Close"), key=f"seen-{job.id}", on_click=jobs.see, args=(job.id,), width="stretch")


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


def called(job: Job, w: Words) -> str:
    """A job's title, as Markdown shows it as text."""
    return safe.markdown(job.title.get(w.lang) or next(iter(job.title.values()), ""))


def progress_text(job: Job, w: Words) -> str:
    """How far a job is, in words; from its first second on."""
    title = called(job, w)
    if not job.first_at:
        passed = max(time.time() - job.began, 0.0)
        return w(
            "{title}: preparing the book before the first history, {time} so far",
            title=title, time=w.n("{n} second", "{n} seconds", int(passed)),
        )  # fmt: skip
    said = {"done": w.number(job.done), "total": w.number(job.total), "p": w.percent(job.done / max(job.total, 1), 0)}
    text = w(
        "{title}: {p} done ({done} of {total} histories: {n} for each of its variants)",
        title=title, n=w.number(job.n), **said,
    )  # fmt: skip
    left = job.seconds_left(time.time())
    return text if left is None else w("{said}, about {time} left", said=text, time=panels.duration(left, w))


def outcome(job: Job, w: Words) -> None:
    """How a job ended: what happened, what was kept, what to do."""
    title, kept = called(job, w), w.number(job.done)
    if job.state == "done":
        st.success(w(
            "{title}: finished in {time}; {n} histories for each of its variants, {total} in all.",
            title=title, time=panels.duration(job.ended - job.began, w), n=w.number(job.n), total=kept,
        ))  # fmt: skip
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


def estimate_text(found: Estimate, n: int, arms: int, w: Words) -> str:
    """What is run, and about how long it takes."""
    said = {"n": w.number(n), "arms": w.number(arms), "time": panels.duration(found.seconds, w)}
    if found.is_measured:
        return w("{n} histories for each of {arms} variants: about {time} (measured on this machine).", **said)
    return w(
        "{n} histories for each of {arms} variants: perhaps {time} (usual speed; nothing has been measured here yet).",
        **said,
    )


def starts(jobs: Jobs, kind: str, w: Words, key: str, *, sizes: tuple[int, ...], arms: int, how: str, total: Callable[[int], int],
           begin: Callable[[int], Job], label: str) -> None:  # fmt: skip
    """How many histories, the estimate, and the button that starts a job; its progress stands here while it is at work."""
    left, middle, right = st.columns([2, 4, 2], vertical_alignment="bottom")
    with left:
        n = panels.histories(sizes, f"n-{key}", w)
    with middle:
        st.caption(estimate_text(jobs.estimate(total(n), kind, how), n, arms, w))
    with right:
        clicked = st.button(label, key=f"go-{key}", type="primary", width="stretch")
    if clicked:
        st.session_state[f"begun-{key}"] = begin(n).id
        st.rerun()
    begun = jobs.get(st.session_state.get(f"begun-{key}", ""))
    if begun is not None and begun.is_open:
        _here(jobs, begun.id, w, key)


@st.fragment(run_every=1.0)
def _here(jobs: Jobs, job_id: str, w: Words, key: str) -> None:
    """Progress beside the button that started it."""
    job = jobs.get(job_id)
    if job is not None and job.state == "running":
        one(jobs, job, w, where=key)
    elif job is not None and job.state == "queued":
        st.caption(w("{title}: waits in line", title=called(job, w)))


def starter(jobs: Jobs, scenario: str, w: Words, key: str, *, label: str = "") -> None:
    """Number of histories, estimate, and the button that starts sizing a scenario."""
    try:
        loaded = sim.Scenario.load(scenario)
    except RiskfundError as error:
        st.error(safe.markdown(w.error(error)))
        return
    starts(
        jobs, "size", w, key, sizes=SIZES, arms=commands.size_total(loaded, 1) // commands.compare_total(1, 1),
        how=commands.mechanism([loaded]), total=lambda n: commands.size_total(loaded, n),
        begin=lambda n: commands.size(jobs, scenario, n, w.lang), label=label or w("Simulate"),
    )  # fmt: skip


def first_run(jobs: Jobs, w: Words) -> None:
    """What those see who have no result yet: what this is for, and how to begin."""
    if any(job.is_open for job in jobs.all()):
        panels.heading(
            w("The first result is being made"), w("It is shown here when it is finished; you may leave the page.")
        )
        return
    panels.heading(
        w("How much must the county's risk-compensation fund hold next year?"),
        w("This program simulates next year many times, loan by loan and under the county's rules, and counts how often a fund of each size would be enough. Nothing leaves this machine."),
    )  # fmt: skip
    steps = [
        w("Look first: size the demonstration county with the button below. It takes about a minute and says what a result looks like."),
        w("Then your county: the page of county data has an Excel template for sub-accounts, townships, parameters and the loan book; fill it in, bring it back, look at the preview, size it."),
        w("A ledger that a bank has exported (Excel or CSV, one row a loan, Chinese or English headings) is read by a command: `riskfund data import LEDGER.xlsx --out counties/NAME --on 2026-12-31`. It lists the rows that it cannot read, drops names and ID numbers, and writes a scenario that then stands in the lists here."),
    ]  # fmt: skip
    st.markdown("\n".join(f"{k}. {step}" for k, step in enumerate(steps, 1)))
    starter(jobs, panels.DEMONSTRATION, w, "first", label=w("Size the demonstration county"))


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
            jobs, str(path), n, w.lang, title=scenario.title.model_dump(), out=run.path if is_resumed else None,
            seed=run.seed,
        )  # fmt: skip
        st.rerun()
