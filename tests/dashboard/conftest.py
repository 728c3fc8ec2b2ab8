"""A sized county whose lenders, townships and scenario have names that a spreadsheet would run, and its exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sim
from dashboard.export import FORMATS, export
from sim.scenario import Scenario

PAYLOADS = ("=1+1", "+1+1", "-1+1", "@SUM(1+1)", "\t=1+1", "\r=1+1", "\0=1+1")
NASTY = "=HYPERLINK(\"http://x\",\"<script>alert('x')</script>\")"


def _named(key: str, text: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"zh": text, "en": text}, **more}


@pytest.fixture(scope="session")
def nasty(small: Scenario) -> Scenario:
    """The small county with such names."""
    names = [*PAYLOADS, "\n=1+1", NASTY, "＝1+1", " =1+1", "plain"]
    townships = [_named(f"t{k:02d}", name) for k, name in enumerate(names)]
    lenders = [_named("rcc", "=1+1|cmd", sub_account_yuan=600_000), _named("psbc", NASTY, sub_account_yuan=200_000)]
    changes = {"townships": townships, "lenders": lenders, "title": {"zh": NASTY, "en": NASTY}}
    return small.with_changes(changes, "=cmd")


@pytest.fixture(scope="session")
def sized(nasty: Scenario, tmp_path_factory: pytest.TempPathFactory) -> sim.Answer:
    """Its answer from 80 histories."""
    return sim.size(nasty, replications=80, seed=7, workers=1, out=tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="session", params=["zh", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def files(sized: sim.Answer, lang: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All exports in one language, by the end of their names."""
    made = export(sized, FORMATS, lang, tmp_path_factory.mktemp(f"exports-{lang}"))
    stem = f"{sized.data['provenance']['result_number']}-{lang}"
    return {path.name.removeprefix(stem): path for path in made}
