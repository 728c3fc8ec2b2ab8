"""The glossary: one term for one thing, from ``glossary.toml``; `docs/glossary.md` is written from the same file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("glossary.toml")

_HEAD = """# Glossary

Written from `dashboard/words/glossary.toml` by `make words`; change the terms there. Status: **O** found in an official
or press text, **S** usual in finance or statistics, **P** the project's own choice. Exact formulas: [model.md](model.md),
section 7; outputs, section 9.
"""


@dataclass(frozen=True)
class Term:
    """One entry: the term in both languages, its status, and what it means here ("" where the words say it)."""

    key: str
    zh: str
    en: str
    status: str
    meaning: str
    section: str


@cache
def terms() -> dict[str, Term]:
    """All entries by key, in the file's order."""
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    out: dict[str, Term] = {}
    for section, entries in raw.items():
        for key, entry in entries.items():
            if key in out:
                raise ValueError(f"glossary: {key} stands in {out[key].section} and in {section}")
            out[key] = Term(key, entry["zh"], entry["en"], entry["status"], entry.get("meaning", ""), section)
    return out


def term(key: str, lang: str) -> str:
    """A term in one language."""
    entry = terms()[key]
    return entry.zh if lang == "zh" else entry.en


def as_markdown() -> str:
    """The page `docs/glossary.md`."""
    lines = [_HEAD]
    for section in dict.fromkeys(entry.section for entry in terms().values()):
        lines += [f"## {section}", "", "| 中文 | English | status | meaning |", "|---|---|---|---|"]
        rows = (entry for entry in terms().values() if entry.section == section)
        lines += [*(f"| {t.zh} | {t.en} | {t.status} | {t.meaning} |" for t in rows), ""]
    return "\n".join(lines[:-1]) + "\n"
