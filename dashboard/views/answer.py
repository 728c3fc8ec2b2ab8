"""Answer: how much to set aside next year, and how sure that is."""

from __future__ import annotations

import streamlit as st

from dashboard import library, panels, readings, safe, shell
from dashboard.figures import dots
from dashboard.shell import View


@shell.told
def show(v: View) -> None:
    """The page."""
    if not shell.needs_answer(v) or v.answer is None or v.run is None:
        return
    _headline(v)
    left, right = st.columns([1.24, 1], gap="medium")
    with left:
        kept = library.stored(v.answer, v.run.sha)
        picture = dots(v.answer.data, kept.sample.frame, v.w, strata=kept.sample.strata)
        panels.picture(picture, v.w, "dots", height=400, with_data=False)
    with right:
        _options(v)
        _why(v)
    with st.expander(v.w("The picture in words and its data")):
        st.write(safe.markdown(picture.alt))
        panels.frame(picture.table, picture.title)


def _headline(v: View) -> None:
    assert v.answer is not None
    w, said = v.w, v.w.sentences(readings.told_data(v))
    under = [said[key] for key in ("if_short", "range", "error") if key in said]
    if v.answer.data["replications"] < 2000:
        under.append(w("Draft: fewer than 2,000 histories, for orientation only."))
    left, right = st.columns([6, 1.5], vertical_alignment="top")
    with left:
        st.html(
            f'<h1 class="rf-headline">{safe.html(said["headline"])}</h1><p class="rf-under">{safe.html(w.joined(under))}</p>'
        )
    with right:
        n = int(v.answer.data["replications"])
        shell.accepted(v, readings.askable(n) or [shell.FIRST])
        st.page_link("views/present.py", label=w("Present"))


def _options(v: View) -> None:
    """Three sizes side by side, what each buys and costs."""
    assert v.answer is not None
    w, data = v.w, v.answer.data
    found = readings.options(v)
    if not found:
        return
    rows = [
        [w("size"), *(w.advised(o.yuan) for o in found)],
        [w("not enough"), *(readings.counted(o.row, data, w) for o in found)],
        [w("short in"), *(w.percent(o.row["shortfall_chance"]["value"]) for o in found)],
        [w("missing if short, mean"), *(readings.or_dash(o.row["mean_gap_if_short_yuan"], w) for o in found)],
        [w("idle in a mean year"), *(readings.or_dash(o.row["idle_yuan"], w) for o in found)],
    ]
    starred = next(k for k, o in enumerate(found) if o.is_advised) + 1
    heads = ["", *(f"{o.name} ★" if o.is_advised else o.name for o in found)]
    st.html(
        safe.table(
            heads,
            rows,
            w("Sizes to choose from (★ advised)"),
            numbers=range(1, len(found) + 1),
            strong=(0,),
            starred=starred,
        )
    )


def _why(v: View) -> None:
    """Why this number, what would change it, what is not in it."""
    assert v.answer is not None
    w = v.w
    lines = []
    steps = readings.chain(v.answer, w)
    if steps:
        lines.append((w("Why this number"), " → ".join(f"{name} {text}" for name, text in steps)))
    moved = readings.moved_by(v.answer, w)
    if moved:
        lines.append((w("What would change it"), w.joined_clauses([f"{name} {text}" for name, text in moved])))
    carried, top_up = v.answer.data["carried_over_yuan"], v.answer.data["top_up_by_account_yuan"]["conservative"]
    lines.append((
        w("New money"),
        w("{carried} is expected to be carried over, so {top_up} must be added.", carried=w.money(carried), top_up=w.money(top_up)),
    ))  # fmt: skip
    body = "".join(f"<div><b>{safe.html(name)}</b>　{safe.html(text)}</div>" for name, text in lines)
    st.html(f'<div class="rf-card">{body}</div>')


show(shell.view())
