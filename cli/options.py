"""Options that several groups of commands share."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from cli.text import default_language
from dashboard.words import LANGUAGES
from sim.errors import InputError


def _language(value: str | None) -> str:
    value = value or default_language()
    if value not in LANGUAGES:
        raise InputError("command", "lang", value, "zh or en", LANGUAGES)
    return value


Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Lang = Annotated[
    str | None, typer.Option("--lang", help="zh or en; by default from the environment.", callback=_language)
]


def date_of(field: str, text: str) -> dt.date:
    """A date that was typed."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError("command", field, text, "a date, YYYY-MM-DD") from None


def amounts_of(field: str, items: list[str] | None) -> dict[str, int]:
    """LENDER=YUAN, as often as it was given."""
    out = {}
    for item in items or []:
        key, _, text = item.partition("=")
        if not key or not text.replace("_", "").isdigit():
            raise InputError("command", field, item, "LENDER=YUAN, for example rcc=1500000")
        out[key] = int(text)
    return out


def pairs_of(field: str, items: list[str] | None, example: str) -> list[tuple[str, str]]:
    """NAME=TEXT, as often as it was given."""
    out = []
    for item in items or []:
        name, _, text = item.partition("=")
        if not name or not text:
            raise InputError("command", field, item, example)
        out.append((name, text))
    return out
