"""Runs and export: what was run, what is at work, what can be taken away."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import streamlit as st

from dashboard import address, commands, panels, safe, scenario_file, shell, work
from dashboard.jobs import Job
from dashboard.library import Run
from dashboard.shell import View
from dashboard.words import Words


@shell.told
def show(v: View) -> None:
    """The page."""
    w = v.w
    panels.heading(w("What was run, and what can be taken away?"))
    _export(v)
    with st.container(border=True):
        panels.part(w("New run"))
        scenario = panels.scenario(w("Scenario"), scenario_file.names(v.runs), "new-run", w)
        work.starter(v.jobs, scenario, w, "new")
    _jobs(v)
    _runs(v)


# --- jobs --------------------------------------------------------------------------------------------


def _jobs(v: View) -> None:
    """Started from a page: at work, in line, ended."""
    w, every = v.w, v.jobs.all()
    if not every:
        return
    panels.part(w("Started here"))
    for job in every[:12]:
        with st.container(border=True):
            left, right = st.columns([7, 2], vertical_alignment="center")
            with left:
                _state(v, job)
                st.caption(safe.markdown(commands.as_typed(job)))
            with right:
                _buttons(v, job)


def _state(v: View, job: Job) -> None:
    if job.state == "queued":
        st.write(v.w("{title}: waits in line", title=work.called(job, v.w)))
    elif job.state == "running":
        st.write(work.progress_text(job, v.w))
    else:
        work.outcome(job, v.w)


def _resume(v: View, job: Job) -> None:
    v.jobs.resume(job.id)


def _buttons(v: View, job: Job) -> None:
    w = v.w
    if job.is_open:
        st.button(
            w("Stop"), key=f"stop-list-{job.id}", on_click=v.jobs.cancel, args=(job.id,), disabled=bool(job.cancel_at)
        )
        return
    if job.state != "done":
        st.button(w("Go on with it"), key=f"resume-{job.id}", on_click=_resume, args=(v, job))
    st.button(w("Remove from the list"), key=f"forget-{job.id}", on_click=v.jobs.delete, args=(job.id,))


# --- run folders -------------------------------------------------------------------------------------


def _runs(v: View) -> None:
    w = v.w
    if not v.every:
        st.info(w("No run is stored in this folder yet."))
        return
    kinds = {"size": w("sizing"), "study": w("comparison"), "grid": w("policy lab"), "": "—"}
    states = {
        "ready": w("can be read"), "running": w("at work"), "unfinished": w("unfinished"), "stale": w("out of date"),
        "broken": w("cannot be read"),
    }  # fmt: skip
    rows = [
        [kinds.get(r.kind, r.kind), r.title.get(w.lang) or r.name, r.year or "—", w.number(r.n) if r.n else "—", f"{r.made:%Y-%m-%d %H:%M}" if r.n else "—", r.name, states[r.state]]
        for r in v.every
    ]  # fmt: skip
    marks = ["warn" if r.state in ("stale", "broken") else "" for r in v.every]
    heads = [w("kind"), w("scenario"), w("year"), w("histories"), w("made"), w("folder"), w("state")]
    st.html(safe.table(heads, rows, w("Stored runs"), numbers=(2, 3), marks=marks))
    _delete(v)


def _delete(v: View) -> None:
    """Deleting asks twice: histories are gone for good."""
    w = v.w
    with st.expander(w("Delete stored runs")):
        idle = [r for r in v.every if r.state != "running"]
        gone = st.multiselect(
            w("Runs to delete"), [r.name for r in idle], placeholder=w("choose runs"), key=f"delete-runs-{w.lang}",
            select_all=False, format_func={r.name: r.label(w) for r in idle}.__getitem__,
        )  # fmt: skip
        sure = st.checkbox(w("Delete these folders for good"), key="delete-sure", disabled=not gone)
        if st.button(w("Delete"), key="delete-go", disabled=not (gone and sure)):
            for run in idle:
                if run.name in gone:
                    _remove(run, v.runs)
            st.rerun()


def _remove(run: Run, runs: Path) -> None:
    if run.path.parent == runs and (run.path / "manifest.json").is_file():
        shutil.rmtree(run.path)


# --- export ------------------------------------------------------------------------------------------


def _export(v: View) -> None:
    """Buttons for what the export can make; none where it is not installed."""
    w = v.w
    if v.answer is None or v.run is None:
        return
    with st.container(border=True):
        panels.part(w("Take away the chosen result"))
        _formats(v)
        st.caption(w("How to get the same figure from the command line and from Python stands on the answer page."))


def format_names(w: Words) -> dict[str, str]:
    """The formats in words."""
    return {
        "pptx": w("slides (PowerPoint)"), "xlsx": w("workbook and official forms (Excel)"), "docx": w("memo (Word)"),
        "html": w("page to print, with annexes (HTML)"), "csv": w("tables (CSV)"), "ipynb": w("notebook (Jupyter)"),
    }  # fmt: skip


def _formats(v: View) -> None:
    """Files are made when somebody asks for them, and downloaded from here."""
    from dashboard.export import FORMATS, export  # its libraries are slow to load

    w = v.w
    chosen = st.pills(
        w("Formats"), FORMATS, selection_mode="multi", format_func=format_names(w).__getitem__,
        **address.remembered("formats", w.lang, list(FORMATS), [FORMATS[0]]),
    )  # fmt: skip
    if st.button(w("Make the files"), key="export-go", type="primary", disabled=not chosen):
        assert v.answer is not None
        with st.spinner(w("Writing")), tempfile.TemporaryDirectory() as folder:
            made = export(v.answer, chosen, w.lang, Path(folder))
            st.session_state["exported"] = [(path.name, path.read_bytes()) for path in made if path.is_file()]
            st.session_state["exported-of"] = _which(v)
    if st.session_state.get("exported-of") != _which(v):
        return  # files of another result or assurance are not offered under this one's name
    for name, content in st.session_state.get("exported", []):
        said = w("Download {what}: {name}", what=file_said(name, w), name=safe.markdown(name))
        st.download_button(said, content, file_name=name, key=f"get-{name}", on_click="ignore")


def _which(v: View) -> tuple[str, float]:
    """The result and the assurance that files were made for."""
    return (v.run.sha if v.run is not None else "", shell.assurance())


def file_said(name: str, w: Words) -> str:
    """What is in a file, by the end of its name."""
    said = {
        "-forms.xlsx": w("monthly report and quarterly subsidy report"), "-histories.csv": w("one row for each history"),
        ".xlsx": w("workbook with live formulas"), ".pptx": w("slides"), ".docx": w("memo"), ".html": w("page to print"),
        ".csv": w("table of figures"), ".ipynb": w("notebook"),
    }  # fmt: skip
    return next((text for end, text in said.items() if name.endswith(end)), w("file"))


show(shell.view())
