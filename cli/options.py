"""Options that several groups of commands share."""

from __future__ import annotations

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
