"""Pieces that several pages are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import address, safe, scenario_file
from dashboard.details import Block
from dashboard.figures import CONFIG, Figure
from dashboard.figures.figure import Value
from dashboard.figures.measure import Measure
from dashboard.library import Run
from dashboard.options import Option
from dashboard.words import Words, numbers

DEMONSTRATION = "x-county"


def heading(title: str, lead: str = "") -> None:
    """A page's question and one line below it."""
    more = f'<p class="rf-lead">{safe.html(lead)}</p>' if lead else ""
    st.html(f'<h1 class="rf-title">{safe.html(title)}</h1>{more}')


def picture(
    figure: Figure, w: Words, key: str, *, height: int = 420, with_data: bool = True, selectable: bool = False
) -> int | None:
    """A figure with its alternative text, and its data one click away.

    Returns
    -------
    int or None
        What the clicked mark carries (`customdata`), where marks may be clicked.
    """
    if selectable:
        state = st.plotly_chart(
            figure.figure, theme=None, config=CONFIG, alt=figure.alt, key=f"{key}-{w.lang}", height=height,
            on_select="rerun", selection_mode="points",
        )  # fmt: skip
    else:
        state = None
        st.plotly_chart(figure.figure, theme=None, config=CONFIG, alt=figure.alt, key=key, height=height)
    if with_data:
        with st.expander(w("The picture in words and its data")):
            st.write(safe.markdown(figure.alt))
            frame(figure.table, figure.title)
    return _clicked(state)


def _clicked(state: Any) -> int | None:
    points = state["selection"]["points"] if state else []
    carried = points[0].get("customdata") if points else None
    if isinstance(carried, list):
        carried = carried[0] if carried else None
    return None if carried is None else int(carried)


def frame(table: pd.DataFrame, caption: str) -> None:
    """A data frame as a table that reads aloud."""
    numbers = [k for k, column in enumerate(table.columns) if pd.api.types.is_numeric_dtype(table[column])]
    rows = [[_shown(x) for x in row] for row in table.astype(object).itertuples(index=False)]
    st.html(safe.table([str(c) for c in table.columns], rows, caption, numbers=numbers))


def _shown(x: Any) -> Any:
    """A cell: numbers with as many decimals as say something."""
    if isinstance(x, float):
        return (
            ""
            if pd.isna(x)
            else numbers.number(x, 0 if x.is_integer() or abs(x) >= 1000 else 1 if abs(x) >= 100 else 2)
        )
    return x


def starred(found: Sequence[Option]) -> tuple[list[str], int]:
    """Heads of a table of sizes, and the column of the advised one."""
    heads = ["", *(f"{o.name} ★" if o.key == "advised" else o.name for o in found)]
    return heads, next((k for k, o in enumerate(found) if o.key == "advised"), 0) + 1


def figures(items: Sequence[tuple[str, str, str]]) -> None:
    """Numbers in a row: name, value, and a line below."""
    cells = "".join(
        f'<div class="rf-figure"><div class="name">{safe.html(name)}</div><div class="value">{safe.html(value)}</div>'
        f'<div class="more">{safe.html(more)}</div></div>'
        for name, value, more in items
    )
    st.html(f'<div class="rf-figures">{cells}</div>')


def card(text: str) -> None:
    """A remark set apart."""
    st.html(f'<div class="rf-card">{safe.html(text)}</div>')


def block(found: Block | None, w: Words) -> None:
    """A table of further figures with its remark; nothing where the scenario has none of it."""
    if found is None:
        return
    heads, rows = found.table(w)
    st.html(safe.table(heads, rows, found.title, numbers=range(1, len(heads))))
    if found.note:
        st.caption(safe.markdown(found.note))


def tabs(key: str, parts: Sequence[tuple[str, Callable[[], None]]]) -> None:
    """Parts of a page of which one is seen; the others are not drawn, so that a slider's move does not pay for them."""
    for tab, (_, draw) in zip(st.tabs([name for name, _ in parts], key=key, on_change="rerun"), parts, strict=True):
        if tab.open:
            with tab:
                draw()


def part(text: str) -> None:
    """Heading of a part of a page."""
    st.html(f'<h2 class="rf-part">{safe.html(text)}</h2>')


def choice(label: str, options: Sequence[str], names: Callable[[str], str], key: str, usual: str, w: Words) -> str:
    """A list whose choice stands in the address."""
    return st.selectbox(label, options, format_func=names, **address.bound(key, w.lang, options, usual))


def pick(label: str, options: Sequence[Any], names: Callable[[Any], str], key: str, usual: Any, w: Words) -> Any:
    """A list whose choice is this session's."""
    return st.selectbox(label, options, format_func=names, **address.remembered(key, w.lang, options, usual))


def stored_run(runs: Sequence[Run], label: str, key: str, w: Words, *, may_be_first: Sequence[str]) -> Run:
    """A list of stored runs, the newest that has one of these states chosen first."""
    labels = {run.name: run.label(w) for run in runs}
    first = next((run.name for run in runs if run.state in may_be_first), runs[0].name)
    name = choice(label, list(labels), lambda n: labels.get(n, n), key, first, w)
    return next(run for run in runs if run.name == name)


def scenario(label: str, names: Sequence[str], key: str, w: Words) -> str:
    """A list of scenarios, the demonstration county first."""
    usual = DEMONSTRATION if DEMONSTRATION in names else names[0]
    return str(pick(label, names, lambda n: scenario_file.title(n, w.lang), key, usual, w))


def histories(options: Sequence[int], key: str, w: Words, *, label: str = "") -> int:
    """A list of how many histories to run."""
    return int(pick(label or w("Histories"), options, w.number, key, options[1], w))


def few_histories(n: int, w: Words) -> None:
    """A badge where a number is only a draft."""
    if n < 2000:
        st.caption(w("Draft: fewer than 2,000 histories, for orientation only."))


def change_interval(m: Measure, d: Value, w: Words) -> str:
    """Interval of a difference in a cell of its own, with its unit; a dash where nothing differs in any history."""
    if d.bounds in (None, (0.0, 0.0)):
        return "—"
    text = m.change_interval(d)
    return w("{x} points", x=text) if m.kind == "share" else text


def duration(seconds: float, w: Words) -> str:
    """A time as people say it."""
    if seconds < 90:
        return w("{n} seconds", n=w.number(max(round(seconds / 5) * 5, 5)))
    if seconds < 5400:
        return w("{n} minutes", n=w.number(round(seconds / 60)))
    return w("{n} hours", n=w.number(seconds / 3600, 1))
