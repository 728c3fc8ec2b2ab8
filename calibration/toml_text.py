"""Scenarios as TOML that people can read: what differs from another one, or all of it. Whoever writes one writes it here."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def difference(
    base: Mapping[str, Any], own: Mapping[str, Any], before: tuple[str, ...] = ()
) -> Iterator[tuple[Any, Any]]:
    """Paths and values of ``own`` that ``base`` has not: tables one by one, lists and distributions whole."""
    for key, value in own.items():
        path, was = (*before, str(key)), base.get(key)
        if value == was:
            continue
        if isinstance(value, Mapping) and isinstance(was, Mapping) and not all(str(k).isdigit() for k in value):
            yield from difference(was, value, path)
        else:
            yield path, value


def lines(changes: Iterable[tuple[Any, Any]]) -> str:
    """One line a value, its path dotted."""
    return "".join(f"{'.'.join(map(_key, path))} = {value_text(value)}\n" for path, value in changes)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def value_text(x: Any) -> str:
    """A value on one line; in a table what has no value is left out."""
    if isinstance(x, Mapping):
        inner = ", ".join(f"{_key(str(k))} = {value_text(v)}" for k, v in x.items() if v is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(x, list | tuple):
        return "[" + ", ".join(value_text(v) for v in x) + "]"
    if isinstance(x, dt.date):
        return x.isoformat()
    return _quoted(x) if isinstance(x, str) else json.dumps(x)


def _quoted(text: str) -> str:
    """A JSON string is a TOML basic string, but for one character that TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
