"""Which language the command line speaks, and how it fills columns; what it says is in `dashboard.words`.

``--help`` and ``doctor`` stay English: they are read beside the English names of commands, options and packages.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from dashboard.words import LANGUAGES, Words
from sim.law import Term


def default_language() -> str:
    """Language from the environment: English where the locale says so, else Chinese."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "en" if locale.lower().startswith("en") else "zh"


def language_of(words: Sequence[str]) -> str:
    """Language of a command line that could not be read to its end: errors are told in the one that was asked for."""
    for k, word in enumerate(words):
        name, _, value = word.partition("=")
        if name == "--lang":
            value = value or "".join(words[k + 1 : k + 2])
            return value if value in LANGUAGES else default_language()
    return default_language()


def padded(text: str, width: int) -> str:
    """A text filled up to a column; Chinese characters are two wide."""
    return text + " " * max(width - cell_len(text), 0)


def rule_value(value: Any, w: Words, term: Term) -> str:
    """A rule's value in words; a Chinese reader sees the word to type as well."""
    words = w.rule_value(value, term)
    if isinstance(value, dict) and "actor" in value:
        return words
    has_code = isinstance(value, str) and w.lang == "zh" and words != value
    return f"{words}（{value}）" if has_code else words if w.lang == "zh" or value is None else str(value)
