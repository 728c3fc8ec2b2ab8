"""What a ledger may call the lenders of a scenario: their own names, and those that banks usually go by."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from calibration.row_checks import name_key
from sim.scenario import Lender

_FILE = Path(__file__).with_name("lender_names.toml")


def names_of(lenders: Sequence[Lender]) -> dict[str, tuple[str, ...]]:
    """Accepted names of each lender: key, labels, and patterns (with ``*``) of the usual names."""
    own: dict[str, tuple[str, ...]] = {x.key: (x.key, x.label.zh, x.label.en) for x in lenders}
    out = dict(own)
    for key, patterns in usual().items():
        meant = [k for k, names in own.items() if k == key or any(fits(n, p) for n in names for p in patterns)]
        if len(meant) == 1:
            out[meant[0]] += patterns
    return out


@cache
def usual() -> Mapping[str, tuple[str, ...]]:
    """Patterns of `lender_names.toml` by key."""
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {line["key"]: tuple(line["names"]) for line in data["lender"]}


def fits(name: str, pattern: str) -> bool:
    """Is a name one of a pattern's, spaces, case and full-width forms aside?"""
    return fnmatchcase(name_key(name), name_key(pattern))
