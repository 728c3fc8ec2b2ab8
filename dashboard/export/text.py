"""Texts on their way into a file of another program: what could harm the reader there is taken out.

Names come from people and from bank files. A spreadsheet runs a cell that begins like a formula, and XML has no place
for control characters.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_STARTS = "=+-@\t\r\n\0＝＋－＠|"  # what begins a formula, also in full width and after some spaces


def plain(text: str) -> str:
    """A text without characters that XML forbids, on one line."""
    return " ".join(_CONTROL.sub("", text).split()) if text else ""


def paragraph(text: str) -> str:
    """A text without characters that XML forbids; its lines stay."""
    return _CONTROL.sub("", text)


def guarded(text: str) -> str:
    """A text for a CSV cell that stays a text when a spreadsheet opens the file.

    Source: OWASP Application Security Verification Standard, formula injection; CWE-1236.
    """
    begins = text.lstrip(" ")[:1]
    return ("'" if begins and begins in _STARTS else "") + text.replace("\0", "")
