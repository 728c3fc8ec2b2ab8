"""The part of the county page where own data come in: template, upload with preview, small changes on the page."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

import sim
from calibration.county_file import CountyFile, CountyProblems, folder_for, save_county
from calibration.county_file.problems import Problem
from dashboard import county_file, panels, safe, scenario_file, work
from dashboard.shell import View
from dashboard.words import LANGUAGES, Words
from sim.errors import RiskfundError

_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LANGUAGE = {"zh": "中文", "en": "English"}
_SHOWN = 200  # problems in the table; a page of thousands helps nobody
_SHEETS = ("county", "lenders", "townships", "parameters")


def panel(v: View) -> None:
    """Template down, filled file up, small changes; nothing is kept until the reader says so."""
    w = v.w
    with st.container(border=True):
        base = _base(v)
        if base is None:
            return
        by_file, by_hand = st.tabs(
            [w("By Excel file"), w("Small changes on this page")], key=f"county-ways-{w.lang}", on_change="rerun"
        )
        with by_file:
            _templates(base, w)
            _upload(v, base)
        with by_hand:
            _editor(v, base)
        _kept(v)


def _base(v: View) -> sim.Scenario | None:
    """The scenario that fills the blanks."""
    w, names = v.w, scenario_file.names(v.runs)
    name = panels.scenario(w("Scenario underneath: its values are the defaults"), names, "county-base", w)
    try:
        return sim.Scenario.load(name)
    except RiskfundError as error:
        st.error(safe.markdown(w.error(error)))
        return None


# --- the file ------------------------------------------------------------------------------------------


def _templates(base: sim.Scenario, w: Words) -> None:
    st.write(w("1. Take the template and fill in the yellow cells. Empty means the default, 0 means zero."))
    for lang, column in zip(LANGUAGES, st.columns([2, 2, 6])[:2], strict=True):
        with column:
            st.download_button(
                w("Template, {language}", language=_LANGUAGE[lang]), data=_made(base, lang), mime=_MIME,
                file_name=f"{Words(lang)('county data template')} {base.name}.xlsx", on_click="ignore", key=f"county-template-{lang}", width="stretch",
            )  # fmt: skip


def _made(base: sim.Scenario, lang: str) -> Callable[[], bytes]:
    """The workbook is made when somebody asks for it."""
    return lambda: county_file.template(base, lang)


def _upload(v: View, base: sim.Scenario) -> None:
    w = v.w
    st.write(w("2. Bring the filled file here: .xlsx, at most 20 MB. You see first what would change."))
    found = st.file_uploader(w("Filled county file"), key="county-file", label_visibility="collapsed")
    if found is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(found.name).name or "county.xlsx")
        path.write_bytes(found.getvalue())
        _checked(v, lambda: county_file.read(path, w, base), "file")


def _checked(v: View, read: Callable[[], CountyFile], key: str) -> None:
    """A preview and the button that keeps it; or what is wrong, cell by cell."""
    try:
        county = read()
    except CountyProblems as error:
        _problems(error, v.w)
        return
    _completeness(county, v.w)
    if not county.changes and not county.n_loans:
        st.info(v.w("Nothing is filled in: all values are the defaults."))
        return
    _preview(county, v.w)
    if key == "page":
        county = _called_by_reader(county, v.w)
    if st.button(v.w("Use this county"), key=f"county-use-{key}", type="primary"):
        saved = save_county(county, folder_for(county, scenario_file.counties_of(v.runs)))
        st.session_state["county-saved"] = str(saved.scenario)
        st.rerun()


def _called_by_reader(county: CountyFile, w: Words) -> CountyFile:
    """What was typed on the page may be the county's figures or a what-if; it says which, and is called as the reader says."""
    left, right = st.columns([3, 4], vertical_alignment="bottom")
    usual = county.scenario.title.get(w.lang)
    with left:
        title = st.text_input(w("Name of this scenario"), usual, max_chars=60, key=f"county-name-{w.lang}").strip()
    with right:
        kinds = {"assumption": w("assumption: what-if"), "data": w("the county's own data")}
        kind = st.radio(w("What was typed is"), list(kinds), format_func=kinds.__getitem__, horizontal=True, key=f"county-kind-{w.lang}")  # fmt: skip
    return county_file.as_said(county, title or usual, is_what_if=kind == "assumption")


def _problems(error: CountyProblems, w: Words) -> None:
    st.error(safe.markdown(error.summary))
    heads = [w("sheet"), w("cell"), w("row"), w("column"), w("found"), w("allowed")]
    rows = [[p.sheet, p.cell, p.row, p.column, p.found, p.allowed] for p in in_order(error.problems)]
    st.html(safe.table(heads, rows[:_SHOWN], w("Cells to put right")))
    if len(rows) > _SHOWN:
        st.caption(w("And {n} more.", n=w.number(len(rows) - _SHOWN)))


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """As one goes through the file: sheet after sheet, from the top row down."""
    sheets = list(dict.fromkeys(p.sheet for p in problems))

    def place(p: Problem) -> tuple[int, int, str]:
        row = "".join(c for c in p.cell if c.isdigit())
        return sheets.index(p.sheet), int(row or 0), p.cell

    return sorted(problems, key=place)


def _preview(county: CountyFile, w: Words) -> None:
    """Default beside own, what differs in bold."""
    heads = [w("sheet"), w("item"), w("unit"), w("default"), w("own"), w("alternative")]
    rows = [[c.sheet, _called(c.row, c.column, w), c.unit, c.default, c.own, c.alternative] for c in county.changes]
    strong = [k for k, c in enumerate(county.changes) if c.is_new]
    st.html(safe.table(heads, rows, w("What would change"), strong=strong))
    if county.n_loans:
        st.caption(w.n("Loan book: one open loan.", "Loan book: {n} open loans.", county.n_loans))
    if county.alternative is not None:
        st.caption(w("The alternative values make a second scenario, for comparison."))


def _called(row: str, column: str, w: Words) -> str:
    return row if column in (w("own"), w("alternative")) else w.joined_clauses([row, column])


def _completeness(county: CountyFile, w: Words) -> None:
    """How much of what every county is asked for is there, and what is not."""
    filled, asked = (sum(pair[k] for pair in county.completeness.values()) for k in (0, 1))
    st.progress(filled / asked, w("Filled in: {filled} of {asked} things that every county is asked for", filled=filled, asked=asked))  # fmt: skip
    names = {
        "county": w("county, budget, office"), "lenders": w("sub-accounts of the lenders"),
        "townships": w("townships"), "loans": w("loan book"),
    }  # fmt: skip
    missing = [names[key] for key, (a, b) in county.completeness.items() if a < b]
    if missing:
        st.caption(
            w(
                "Defaults stand in: {parts}. That is allowed; what is the county's own makes the answer its own.",
                parts=w.listed(missing),
            )
        )


# --- on the page ---------------------------------------------------------------------------------------


def _editor(v: View, base: sim.Scenario) -> None:
    """The same form as tables: the same checks, the same preview."""
    w = v.w
    st.write(w("Type into the columns on the right. Empty means the default, 0 means zero."))
    before = county_file.tables(base, w)
    names = {
        "county": w("County"), "lenders": w("Lenders"), "townships": w("Townships"), "parameters": w("Parameters"),
    }  # fmt: skip
    typed: dict[str, pd.DataFrame] = {}
    for tab, key in zip(
        st.tabs([names[key] for key in _SHEETS], key=f"county-sheets-{w.lang}", on_change="rerun"), _SHEETS, strict=True
    ):
        with tab:
            typed[key] = _table(before[key], key, base, w)
    if any(not before[key].equals(typed[key]) for key in _SHEETS):
        _checked(v, lambda: county_file.check_tables(typed, base, w), "page")


def _table(table: pd.DataFrame, key: str, base: sim.Scenario, w: Words) -> pd.DataFrame:
    """One sheet; what the county may fill in stands open, the rest is for reading."""
    columns = county_file.headings(key, w)
    is_open = {name: name.startswith(("own", "alternative")) for name in columns}
    config = {name: st.column_config.TextColumn(label, disabled=not is_open[name]) for name, label in columns.items()}
    return st.data_editor(
        table, column_config=config, column_order=list(columns), hide_index=True, num_rows="fixed", height=320,
        key=f"county-edit-{key}-{base.name}-{w.lang}", width="stretch",
    )  # fmt: skip


def _kept(v: View) -> None:
    """What was kept last, and the button that sizes it."""
    path = st.session_state.get("county-saved")
    if not path or not Path(path).is_file():
        return
    name = scenario_file.title(path, v.w.lang)
    st.success(v.w("{county} is kept in {path}. It can be sized and compared like any other scenario.", county=safe.markdown(name), path=safe.markdown(path)))  # fmt: skip
    work.starter(v.jobs, path, v.w, "county", label=v.w("Size this county"))
