"""Shared fixtures: a county of about two hundred loans, small enough that a history takes a few milliseconds."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

import sim
from sim import clock
from sim.arms import horizon
from sim.errors import InputError
from sim.fund.claims import FAR, NEVER, Claims
from sim.law import load_rates
from sim.law.pack import RULES, load_calendar
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.warmup import opening_state

# The same examples on every run: a failure is a change of the code, never of luck.
settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("house")

END_OF_2018 = clock.day_of(dt.date(2018, 12, 31))
_NEVER_BY_DEFAULT = ("reviewed", "decided", "due", "first_wait", "paid_on", "insurer_on")


@pytest.fixture(scope="session", autouse=True)
def _one_process() -> Iterator[None]:
    """A run that names no number of workers stays in the test's process: tests themselves are spread over the cores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 1)
        yield


def _lenders(rcc_yuan: int, psbc_yuan: int) -> list[dict[str, Any]]:
    return [
        {"key": key, "label": {"zh": key, "en": key}, "sub_account_yuan": yuan}
        for key, yuan in (("rcc", rcc_yuan), ("psbc", psbc_yuan))
    ]


@pytest.fixture(scope="session")
def lenders() -> Callable[[int, int], list[dict[str, Any]]]:
    """Both lenders with the given sub-accounts [yuan], for `Scenario.with_changes`."""
    return _lenders


@pytest.fixture(scope="session")
def small() -> Scenario:
    """X county with a fund of 800,000 yuan and known parameters: about 190 loans on 1 January 2018."""
    return sim.scenario("x-county").with_changes({"lenders": _lenders(600_000, 200_000), "uncertain": []}, "small")


@pytest.fixture(scope="session")
def tight(small: Scenario) -> Scenario:
    """The same book on a tenth of the money and many defaults: claims wait in most histories."""
    changes = {"lenders": _lenders(60_000, 20_000), "rules.fund.leverage": 100, "defaults.anchor": "high"}
    return small.with_changes(changes, "tight")


@pytest.fixture(scope="session")
def opening(small: Scenario) -> Any:
    """State of the small county on 1 January 2018."""
    return opening_state(small)


@pytest.fixture(scope="session")
def setup(small: Scenario, opening: Any) -> Any:
    """The small county to the end of 2018."""
    return prepare(small, 11, opening, END_OF_2018)


@pytest.fixture(scope="session")
def worlds(setup: Any) -> list[Any]:
    """Six histories of the small county."""
    return [simulate(setup, r) for r in range(6)]


@pytest.fixture(scope="session")
def tight_setup(tight: Scenario) -> Any:
    """The county that is short of money, to the full horizon."""
    return prepare(tight, 11, opening_state(tight), horizon(tight))


@pytest.fixture(scope="session")
def tight_worlds(tight_setup: Any) -> list[Any]:
    """Four histories of the county that is short of money."""
    return [simulate(tight_setup, r) for r in range(4)]


@pytest.fixture(scope="session")
def rules(small: Scenario) -> Any:
    """Rules of X county on 1 January 2018."""
    return small.law()


@pytest.fixture(scope="session")
def calendar() -> Any:
    """China's working days."""
    return load_calendar()


@pytest.fixture(scope="session")
def rates() -> Any:
    """Dated rate tables."""
    return load_rates()


@pytest.fixture(scope="session")
def make_claims() -> Callable[..., Claims]:
    """Claims from a few columns; the rest says that nothing has happened yet."""

    def make(n: int, **columns: Any) -> Claims:
        out = {}
        for field in fields(Claims):
            default = NEVER if field.name in _NEVER_BY_DEFAULT else FAR if field.name == "recovered_on" else 0
            dtype = np.bool_ if field.name in ("is_refused", "has_objection") else np.int64
            value = columns.get(field.name, np.arange(n) if field.name == "row" else default)
            out[field.name] = np.array(np.broadcast_to(np.asarray(value, dtype=dtype), (n,)))
        return Claims(**out)

    return make


@pytest.fixture
def pack_file(tmp_path: Path) -> Callable[..., str]:
    """A copy of the x-county pack with pieces of text replaced; returns its path."""

    def write(*replacements: tuple[str, str]) -> str:
        text = (RULES / "x-county.toml").read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text, f"the shipped pack has no {old!r}"
            text = text.replace(old, new, 1)
        path = tmp_path / "county.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture(scope="session")
def refuses() -> Callable[..., InputError]:
    """Check that a call stops with one clear line: where, field, what was found, what is allowed."""

    def check(call: Callable[[], Any], field: str, allowed: str, **more: Any) -> InputError:
        with pytest.raises(InputError) as caught:
            call()
        error = caught.value
        assert error.field == field
        assert allowed in error.allowed
        assert str(error).startswith(f"{error.where}: {field}: found {error.value!r}; allowed: {error.allowed}")
        if "found" in more:
            assert error.value == more["found"]
        if "where" in more:
            assert error.where == more["where"]
        if "nearest" in more:
            assert str(error).endswith(f"nearest valid name: {more['nearest']}")
        return error

    return check
