"""Answer: how much to set aside next year, and how sure that is."""

from __future__ import annotations

import shlex
from typing import Any

import streamlit as st

from dashboard import library, options, panels, readings, safe, shell, stories
from dashboard.export.reproduce import command, snippet
from dashboard.figures import dots
from dashboard.shell import View


@shell.told
def show(v: View) -> None:
    """The page."""
    if not shell.needs_answer(v) or v.answer is None or v.run is None:
        return
    _headline(v)
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        kept = library.stored(v.answer, v.run.sha)
        picture = dots(v.answer.data, kept.sample.frame, v.w, strata=kept.sample.strata)
        chosen = panels.picture(picture, v.w, "dots", height=372, with_data=False, selectable=True)
    with right:
        _options(v)
        _why(v)
    year, words, again, _ = st.columns([2.3, 2, 4, 2])
    with year, st.popover(v.w("What happened in one of these years"), width="stretch"):
        _year(v, picture.table, chosen)
    with words, st.popover(v.w("The picture in words and its data"), width="stretch"):
        st.write(safe.markdown(picture.alt))
        panels.frame(picture.table, picture.title)
    with again, st.popover(v.w("The same figure from the command line and from Python"), width="stretch"):
        _again(v)
    if chosen is not None:
        stories.show(v, chosen)


def _headline(v: View) -> None:
    assert v.answer is not None
    w, said = v.w, v.w.sentences(v.answer.data)
    under = [said[key] for key in ("why", "if_short", "cap", "range") if key in said]
    left, right = st.columns([6, 1.5], vertical_alignment="top")
    with left:
        st.html(
            f'<h1 class="rf-headline">{safe.html(said["headline"])}</h1><p class="rf-under">{safe.html(w.joined(under))}</p>'
        )
    with right:
        n = int(v.answer.data["replications"])
        shell.accepted(v, readings.askable(n) or [shell.FIRST])
        st.page_link("views/present.py", label=w("Present"), icon="▶️")


def _options(v: View) -> None:
    """Sizes side by side, what each buys and costs."""
    assert v.answer is not None
    w, data = v.w, v.answer.data
    found = readings.sizes_to_choose(v)
    if not found:
        return
    rows = [
        [w("size"), *(w.advised(o.fund_yuan) for o in found)],
        [w("not enough"), *(w.counted(o.chance, data)[1] for o in found)],
        [w("short in"), *(o.chance_said(w) for o in found)],
        [w("missing if short, mean"), *(w.money(o.gap_yuan) for o in found)],
        [w("idle in a mean year"), *(w.money(o.idle_yuan) for o in found)],
    ]
    heads, starred = panels.starred(found)
    st.html(safe.table(
        heads, rows, w("Sizes to choose from (★ advised; {names})", names=options.explained(found, data, w)),
        numbers=range(1, len(found) + 1), strong=(0,), starred=starred,
    ))  # fmt: skip


def _why(v: View) -> None:
    """Why this number, what would change it, what is not in it."""
    assert v.answer is not None
    w = v.w
    lines = []
    steps = readings.told_chain(v.answer, w)
    if steps:
        lines.append((w("What makes the need"), steps))
    moved = [f"{name} {text}" for name, text in readings.moved_by(v.answer, w)]
    level = readings.default_level(v.answer, w)
    if moved:
        lines.append((w("What would change it"), w.joined_clauses(moved)))
    if level:
        lines.append((w("Least known"), level))
    carried, top_up = v.answer.data["carried_over_yuan"], v.answer.data["top_up_by_account_yuan"]["conservative"]
    lines.append((
        w("New money"),
        w("{carried} is expected to be carried over, so {top_up} must be added.", carried=w.money(carried), top_up=w.money(top_up)),
    ))  # fmt: skip
    body = "".join(f"<div><b>{safe.html(name)}</b>　{safe.html(text)}</div>" for name, text in lines)
    st.html(f'<div class="rf-card rf-small">{body}</div>')


def _year(v: View, table: Any, chosen: int | None) -> None:
    """One of the years told: the one that was clicked in the picture, or chosen from the list without a pointer."""
    w = v.w
    needs = dict(zip((int(x) for x in table.iloc[::-1, 2]), table.iloc[::-1, 1], strict=True))  # the largest first
    if chosen in needs:
        st.session_state["kept-year"] = chosen
    at = panels.pick(
        w("Year (click a dot, or choose here)"), list(needs),
        lambda k: w("history {k}: needs {need}", k=k, need=w.money(needs[k] / w.in_unit(1.0))), "year", next(iter(needs)), w,
    )  # fmt: skip
    stories.show(v, at)


def _again(v: View) -> None:
    """The same figure from the command line and from Python, to the last digit."""
    assert v.answer is not None
    w, data = v.w, v.answer.data
    st.caption(w("Each gives the need of {need} yuan and the advised {size} yuan, to the last digit.", need=data["need_yuan"]["value"], size=f"{data['advice']['fund_yuan']:.0f}"))  # fmt: skip
    st.code(stored_command(str(v.answer.folder), data), language=None)
    st.code(stored_snippet(str(v.answer.folder), data), language="python")
    st.caption(w("Without the stored run, from nothing:"))
    st.code(command(v.answer), language=None)
    st.code(snippet(v.answer), language="python")


def stored_command(folder: str, data: dict[str, Any]) -> str:
    """The command that reads the stored run."""
    return f"riskfund size {shlex.quote(folder)} --assurance {data['assurance']:g} --json"


def stored_snippet(folder: str, data: dict[str, Any]) -> str:
    """Python that reads the stored run."""
    return "\n".join([
        "import sim",
        f"answer = sim.read_answer({folder!r}, {data['assurance']!r})",
        'print(answer.data["need_yuan"]["value"], answer.data["advice"]["fund_yuan"])',
        f"# {data['need_yuan']['value']!r} {data['advice']['fund_yuan']!r}",
    ])  # fmt: skip


show(shell.view())
