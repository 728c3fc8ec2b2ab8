"""Texts from people and files put into pages as text: what looks like HTML or Markdown in them stays what it is."""

from __future__ import annotations

import html as _html
import re
from collections.abc import Sequence

_TIGHT = 12  # characters of a cell that is not broken into lines
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def html(text: object) -> str:
    """A text for an HTML fragment."""
    return _html.escape(str(text))


def markdown(text: object) -> str:
    """A text for labels, captions and messages, which read Markdown."""
    return _MARKDOWN.sub(r"\\\1", str(text))


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], caption: str, *, numbers: Sequence[int] = (),
          strong: Sequence[int] = (), starred: int | None = None, marks: Sequence[str] = ()) -> str:  # fmt: skip
    """An HTML table that reads aloud in order and prints in grey.

    Parameters
    ----------
    caption : str
        What the table is, for those who do not see it.
    numbers : sequence of int
        Columns that are set to the right.
    strong : sequence of int
        Rows in bold.
    starred : int, optional
        Column that is emphasised.
    marks : sequence of str
        A class for each row, "" for none.
    """

    tight = [all(len(str(row[k])) <= _TIGHT for row in rows if k < len(row)) for k in range(len(heads))]

    def cell(tag: str, k: int, text: object) -> str:
        names = (["n"] if k in numbers else ["t"] if tight[k] else []) + (["star"] if k == starred else [])
        scope = ' scope="col"' if tag == "th" else ""
        return f'<{tag}{scope} class="{" ".join(names)}">{html(text)}</{tag}>'

    head = "".join(cell("th", k, text) for k, text in enumerate(heads))
    body = ""
    for i, row in enumerate(rows):
        names = (["strong"] if i in strong else []) + ([marks[i]] if i < len(marks) and marks[i] else [])
        body += f'<tr class="{" ".join(names)}">' + "".join(cell("td", k, x) for k, x in enumerate(row)) + "</tr>"
    return (
        f'<table class="rf-table"><caption>{html(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
