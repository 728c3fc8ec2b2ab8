"""What is chosen, in the address: a reload, a second tab or a colleague on the same machine finds the same.

Streamlit remembers an option as it was shown, so that a list whose words change with the language would lose what was
chosen. Here every language has widgets of its own, and the choice itself is kept beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

CARRIED = ("lang", "run", "risk", "size", "carry")  # on every page, whether or not it draws them


def value(key: str) -> str:
    """What was chosen, on this page or before on another one; "" where nothing was."""
    return str(st.query_params.get(key) or st.session_state.get(f"kept-{key}") or "")


def keep(key: str, chosen: str | None) -> None:
    """Into the address, and for pages that do not draw it."""
    if chosen is None:
        return
    st.session_state[f"kept-{key}"] = chosen
    if st.query_params.get(key) != chosen:
        st.query_params[key] = chosen


def carry() -> None:
    """Links between pages drop the address; what was chosen is written into it again."""
    for key in CARRIED:
        keep(key, value(key) or None)


def widget(key: str, lang: str) -> str:
    """The key of a choice's widget in one language."""
    return f"{key}-{lang}"


def bound(key: str, lang: str, options: Sequence[Any], usual: Any, read: Callable[[str], Any] = str, *,
          clears: Sequence[str] = ()) -> dict[str, Any]:  # fmt: skip
    """What a widget is made with so that its choice stands in the address.

    Parameters
    ----------
    read : callable
        From the address's text to an option; a text that it refuses (ValueError), or that is no option, is the usual one.
    clears : sequence of str
        Other choices that a new one makes void.
    """
    name = widget(key, lang)
    try:
        wanted = read(value(key))
    except ValueError:
        wanted = usual
    wanted = wanted if wanted in options else usual
    if st.session_state.get(name) != wanted:
        st.session_state[name] = wanted
    keep(key, _written(wanted))
    return {"key": name, "on_change": _changed, "args": (key, name, clears)}


def _changed(key: str, name: str, clears: Sequence[str]) -> None:
    for other in clears:
        st.session_state.pop(f"kept-{other}", None)
        if other in st.query_params:
            del st.query_params[other]
    chosen = st.session_state[name]
    keep(key, None if chosen is None else _written(chosen))


def _written(x: Any) -> str:
    return f"{x:.0f}" if isinstance(x, float) and x.is_integer() else str(x)


def remembered(key: str, lang: str, options: Sequence[Any], usual: Any) -> dict[str, Any]:
    """The same for a choice that is only this session's: it outlives a change of language and the way to another page."""
    name, kept = widget(key, lang), st.session_state.get(f"kept-{key}", usual)
    if isinstance(usual, list):
        wanted: Any = [x for x in kept if x in options]
    else:
        wanted = kept if kept in options else usual
    if st.session_state.get(name) != wanted:
        st.session_state[name] = wanted
    return {"key": name, "on_change": _remember, "args": (key, name)}


def _remember(key: str, name: str) -> None:
    st.session_state[f"kept-{key}"] = st.session_state[name]
