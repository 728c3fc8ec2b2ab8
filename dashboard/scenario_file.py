"""Scenarios as files: the county's own ones beside the shipped ones, written from what a page changes."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sim
from calibration import toml_text
from dashboard.words.labels import N_
from sim.errors import InputError

WHAT_IF = N_("what-if, changed on a page")


def folder_of(runs: Path) -> Path:
    """Where a runs folder keeps the scenarios that pages have saved."""
    return runs / "scenarios"


def counties_of(runs: Path) -> Path:
    """The folder of counties, beside the runs folder."""
    return runs.parent / "counties"


def saved(runs: Path) -> list[Path]:
    """Saved scenario files, those of counties among them."""
    return [*sorted(folder_of(runs).glob("*.toml")), *sorted(counties_of(runs).glob("[!.]*/*.toml"))]


def names(runs: Path) -> list[str]:
    """What a command takes: shipped scenarios by name, saved ones by path."""
    return [*sim.scenario_names(), *(str(path) for path in saved(runs))]


def save(runs: Path, base: str, name: str, changes: Mapping[str, Any]) -> Path:
    """Save a scenario that extends another one; it is read back before it is kept.

    Parameters
    ----------
    base : str
        A shipped scenario, or the path of a saved one.
    changes : mapping
        Dotted field -> value; ``rules.`` fields change a value of the rule pack.

    Raises
    ------
    InputError
        A name that is taken or no file name, or a value that is not allowed.
    """
    loaded = sim.Scenario.load(base, changes).with_changes({}, name)  # refuses what is not allowed
    path = folder_of(runs) / f"{loaded.name}.toml"
    if path.exists() or loaded.name in sim.scenario_names():
        raise InputError("scenarios", "name", name, "a name that is not taken")
    source = str(Path(base).resolve()) if base.endswith(".toml") else base
    changed = ["rule_changes" if k.startswith("rules.") else k for k in changes]
    assumed = {"fields": list(dict.fromkeys(changed)), "kind": "assumption", "note": WHAT_IF}
    sources = [assumed, *(s.model_dump(mode="json") for s in loaded.sources)]
    own = {
        "extends": source, "name": loaded.name, "title": {"zh": loaded.name, "en": loaded.name}, "sources": sources
    }  # fmt: skip
    text = toml_text.lines([((key,), value) for key, value in own.items()] + _paths(changes))
    return _kept(path, f"# Saved from a page: {toml_text.value_text(loaded.name)}.\n\n{text}")


def save_whole(path: Path, scenario: sim.Scenario) -> Path:
    """Write every value of a scenario, for a run that is to be made again."""
    raw = scenario.model_dump(mode="json", exclude_none=True)
    return _kept(path, "# All values of a stored run.\n\n" + toml_text.lines(toml_text.difference({}, raw)))


def _kept(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    try:
        sim.Scenario.load(str(path))
    except InputError:
        path.unlink()
        raise
    return path


def _paths(changes: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """Dotted fields as paths; a rule's key has a dot of its own."""
    return [
        (("rule_changes", k.removeprefix("rules.")) if k.startswith("rules.") else tuple(k.split(".")), v)
        for k, v in changes.items()
    ]


def title(name: str, lang: str) -> str:
    """What people call a scenario; its own name where its file cannot be read."""
    try:
        return sim.Scenario.load(name).title.get(lang)
    except InputError:
        return Path(name).stem


def words_of(field: str) -> list[str]:
    """The words that a field takes, where it takes only some."""
    model: Any = sim.Scenario
    found: Any = None
    for part in field.split("."):
        models = [m for m in _parts(found) if hasattr(m, "model_fields")] if found is not None else [model]
        here = next((m.model_fields[part] for m in models if part in m.model_fields), None)
        if here is None:
            return []
        found = here.annotation
    return [str(x) for x in typing.get_args(found)] if typing.get_origin(found) is typing.Literal else []


def _parts(annotation: Any) -> list[Any]:
    """A type and those that it is made of."""
    return [annotation, *(inner for part in typing.get_args(annotation) for inner in _parts(part))]
