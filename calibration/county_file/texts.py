"""The county file's words, from ``texts.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("zh", "en")


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))


def text(dotted: str, lang: str, **values: Any) -> str:
    """A text by its table and key: ``heading.own``."""
    table, key = dotted.split(".")
    return str(_texts()[table][key][lang]).format(**values)


def keys(table: str) -> list[str]:
    """Keys of a table, in the file's order."""
    return list(_texts()[table])


def lines(lang: str) -> list[str]:
    """What the sheet of notes says."""
    return [line[lang] for line in _texts()["notes"]["lines"]]


def key_of(table: str, said: str) -> tuple[str, str] | None:
    """The key that a text stands for, and its language; None for other texts."""
    for lang in LANGUAGES:
        for key, entry in _texts()[table].items():
            if isinstance(entry, dict) and entry.get(lang) == said:
                return key, lang
    return None
