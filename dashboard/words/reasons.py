"""English sentences that the model itself writes (reasons, notes, errors), put into the reader's language.

They stay English in JSON, where programs read them. Here each is looked up whole, then as a pattern with its numbers and
names taken out, then in its parts; what is not known stays as it is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from dashboard.words import model_texts
from dashboard.words.labels import LABELS
from sim.errors import InputError, Interrupted

if TYPE_CHECKING:
    from dashboard.words.words import Words

_NEAREST = re.compile(r"; nearest valid name: (.+)$")


def reason(text: str, w: Words) -> str:
    """A reason or another fixed text of the model."""
    if not text or w.lang == "en":
        return text
    found = w.lookup(text)
    if found != text:
        return found
    for pattern, known in _patterns():
        match = pattern.fullmatch(text)
        if match:
            return w(known, **{name: reason(value, w) for name, value in match.groupdict().items()})
    return _in_parts(text, w)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The more of a text is fixed, the earlier it is tried: "at most 50 MB" before "at most {limit}"."""
    texts = sorted((t for t in model_texts.TEXTS if "{" in t), key=lambda t: -len(re.sub(r"{\w+}", "", t)))
    return [(_pattern(text), text) for text in texts]


def _pattern(text: str) -> re.Pattern[str]:
    """A text as a pattern: each placeholder takes what stands in its place."""
    parts = re.split(r"{(\w+)}", text)
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if k % 2 else re.escape(part) for k, part in enumerate(parts)), re.DOTALL
    )


def _in_parts(text: str, w: Words) -> str:
    """A list of named reasons, "drought: why; stacking: why", part by part."""
    if "; " in text:
        return w.joined_clauses([reason(part, w) for part in text.split("; ")])
    name, colon, rest = text.partition(": ")
    if colon and f"driver.{name}" in LABELS:
        return w("{name}: {reason}", name=w.label(f"driver.{name}"), reason=reason(rest, w))
    return text


def error(problem: Exception, w: Words) -> str:
    """An error that the user can put right, in one line: where, which field, what was found, what is allowed."""
    if isinstance(problem, Interrupted):
        return w(
            "Interrupted: {done} of {total} histories are kept in {path}; the same command goes on from there.",
            done=problem.done, total=problem.total, path=problem.folder,
        )  # fmt: skip
    if w.lang == "en":
        return str(problem)
    if not isinstance(problem, InputError):
        return reason(str(problem), w)
    line = w(
        "{where}: {field}: found {value}; allowed: {allowed}",
        where=w.lookup(problem.where), field=_in_words(problem.field, w), value=repr(_in_words(problem.value, w)),
        allowed=reason(problem.allowed, w),
    )  # fmt: skip
    near = _NEAREST.search(str(problem))
    return line + w("; nearest valid name: {name}", name=near.group(1)) if near else line


def _in_words(found: Any, w: Words) -> Any:
    """What was found, where it is a phrase of the program's own; a name or a value stays as it was written."""
    return reason(found, w) if isinstance(found, str) and " " in found else found
