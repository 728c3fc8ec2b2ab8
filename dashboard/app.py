"""The router: pages in the reader's language, and what stands around each."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import shell
from dashboard.words import Words

VIEWS = Path(__file__).with_name("views")


def pages(w: Words) -> list[st.Page]:
    """Every page as a file; the address names it in English whatever the language."""
    titles = {
        "answer": w("Answer"), "size": w("Fund size"), "compare": w("Comparison"), "lab": w("Policy lab"),
        "county": w("County data"), "rules": w("Rules"), "evidence": w("Evidence"), "runs": w("Runs and export"),
        "present": w("Presentation"),
    }  # fmt: skip
    return [
        st.Page(
            VIEWS / f"{name}.py", title=title, url_path=name, default=name == "answer",
            visibility="hidden" if name == "present" else "visible",
        )
        for name, title in titles.items()
    ]  # fmt: skip


def main() -> None:
    """Draw one page."""
    w = Words(shell.language())
    st.set_page_config(page_title=w("Risk-compensation fund"), layout="wide")
    page = st.navigation(pages(w), position="top")
    shell.told(shell.frame)(shell.view(), is_present=page.url_path == "present")
    page.run()


main()
