"""What is chosen, in the address: a reload, a second tab or a colleague on the same machine finds the same.

Streamlit's own binding writes an option as it is shown, so that an address would change with the language.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def seed(key: str, options: Sequence[str], otherwise: str) -> None:
    """Before a widget with this key is drawn: its value from before, from the address, or the usual one."""
    if st.session_state.get(key) not in options:
        found = value(key)
        st.session_state[key] = found if found in options else otherwise


def value(key: str) -> str:
    """What was chosen, on this page or before on another one; "" where nothing was."""
    return str(st.session_state.get(key) or st.query_params.get(key) or st.session_state.get(f"kept-{key}") or "")


def keep(key: str, chosen: str | None) -> None:
    """After a widget is drawn: into the address, and for pages that do not draw it."""
    if chosen is None:
        return
    st.session_state[f"kept-{key}"] = chosen
    if st.query_params.get(key) != chosen:
        st.query_params[key] = chosen
