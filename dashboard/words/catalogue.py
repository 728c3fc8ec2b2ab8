"""Keeps the catalogue: collects every text, keeps the translations there are, compiles, writes the glossary page.

For those who change a text: ``make words``, then fill the empty entries of ``riskfund.po`` and run it again. At run time
nothing of this is needed.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from dashboard.words import glossary

ROOT = Path(__file__).parents[2]
PO = Path(__file__).parent / "locale/zh/LC_MESSAGES/riskfund.po"
MO = PO.with_suffix(".mo")
# How texts are spoken: w("..."), self.w("..."), w.n("one", "many", k), N_("kept for later").
KEYWORDS: dict[str, tuple[int, ...] | None] = {"w": None, "words": None, "N_": None, "n": (1, 2)}
FOLDERS = ("cli", "dashboard")
DATA = "scenarios"
_ARTICLE = re.compile(r"X county regulation, art\. [\d()]+")
_WORDS_IN_DATA = ("note", "assumption", "cite", "open")  # fields of TOML files that hold English sentences


def template() -> Catalog:
    """Every text of the code and of the data files, without translations."""
    out = Catalog(locale="zh", domain="riskfund", fuzzy=False)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for _, text, _, context in extract_from_file("python", path, keywords=KEYWORDS):
                out.add(text, locations=[(name, 0)], context=context)
    for path in sorted((ROOT / DATA).rglob("*.toml")):
        name = path.relative_to(ROOT).as_posix()
        for text in _sentences(tomllib.loads(path.read_text(encoding="utf-8"))):
            out.add(text, locations=[(name, 0)])
    return out


def _sentences(node: Any) -> Iterator[str]:
    """English notes, articles and reasons anywhere in a file; those that a file gives in both languages need none."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _WORDS_IN_DATA and isinstance(value, str):
                if not _ARTICLE.fullmatch(value):  # put into Chinese by its number
                    yield value
            else:
                yield from _sentences(value)
    elif isinstance(node, list):
        for item in node:
            yield from _sentences(item)


def stored() -> Catalog:
    """The catalogue as it stands in the project."""
    with PO.open("rb") as file:
        return read_po(file, locale="zh", domain="riskfund")


def merged() -> Catalog:
    """Texts of today with the translations of the stored catalogue.

    A translation whose text is gone is kept as obsolete (``#~``): the text may only be on its way to another file.
    """
    out, old = template(), stored() if PO.exists() else Catalog(locale="zh")
    for message in out:
        known = (old.get(message.id) or old.obsolete.get(_key(message.id))) if message.id else None
        if known is not None:
            message.string = known.string
    today = {_key(message.id) for message in out}
    for message in (*old, *old.obsolete.values()):
        if message.id and _key(message.id) not in today and not _is_empty(message):
            out.obsolete[_key(message.id)] = message
    return out


def _key(text: str | list[str] | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else text[0]


def _is_empty(message: Message) -> bool:
    return not (message.string if isinstance(message.string, str) else all(message.string or [""]))


def as_po(catalogue: Catalog) -> bytes:
    """The catalogue as text, the same bytes for the same texts."""
    body = io.BytesIO()
    write_po(body, catalogue, width=120, sort_by_file=True, omit_header=True, include_lineno=False)
    header = (
        "# Texts of riskfund in Chinese; the English texts stand in the code. Written by `make words`.\n"
        'msgid ""\nmsgstr ""\n"Language: zh\\n"\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    )
    return header.encode() + body.getvalue()


def as_mo(po: bytes) -> bytes:
    """The compiled catalogue, the same bytes for the same texts."""
    body, catalogue = io.BytesIO(), read_po(io.BytesIO(po), locale="zh", domain="riskfund")
    catalogue.creation_date = catalogue.revision_date = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # else this very minute
    write_mo(body, catalogue)
    return body.getvalue()


def missing(catalogue: Catalog) -> list[str]:
    """Texts without a translation."""
    return [_key(message.id) for message in catalogue if message.id and _is_empty(message)]


def main() -> int:
    """Write the catalogue, its compiled form and the glossary page; name what is still without a translation."""
    po = as_po(merged())
    PO.write_bytes(po)
    MO.write_bytes(as_mo(po))
    (ROOT / "docs/glossary.md").write_text(glossary.as_markdown(), encoding="utf-8")
    empty = missing(merged())
    for text in empty:
        print(f"no Chinese text: {text}", file=sys.stderr)
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
