"""Scenarios as files: the county's own ones beside the shipped ones, written from what a page changes."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sim
from sim.errors import InputError

_BARE = re.compile(r"[A-Za-z0-9_-]+")


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
    text = (
        f"# Saved from a page: {json.dumps(loaded.name, ensure_ascii=False)}.\n\n"
        f"extends = {as_toml(source)}\nname = {as_toml(loaded.name)}\n"
        f"title = {{ zh = {as_toml(loaded.name)}, en = {as_toml(loaded.name)} }}\n{_changes(changes)}"
    )
    return _kept(path, text)


def save_whole(path: Path, scenario: sim.Scenario) -> Path:
    """Write every value of a scenario, for a run that is to be made again."""
    raw = scenario.model_dump(mode="json", exclude_none=True)
    text = "".join(f"{_key(key)} = {as_toml(value)}\n" for key, value in raw.items())
    return _kept(path, "# All values of a stored run.\n\n" + text)


def _kept(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    try:
        sim.Scenario.load(str(path))
    except InputError:
        path.unlink()
        raise
    return path


def _changes(changes: Mapping[str, Any]) -> str:
    """Dotted keys, those of rules in their own table."""
    plain = {k: v for k, v in changes.items() if not k.startswith("rules.")}
    rules = {k.removeprefix("rules."): v for k, v in changes.items() if k.startswith("rules.")}
    lines = [".".join(_key(part) for part in k.split(".")) + f" = {as_toml(v)}" for k, v in plain.items()]
    if rules:
        lines += ["", "[rule_changes]", *(f"{json.dumps(k)} = {as_toml(v)}" for k, v in rules.items())]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def as_toml(x: Any) -> str:
    """A TOML value on one line; a JSON string is a TOML basic string."""
    if isinstance(x, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {as_toml(v)}" for k, v in x.items() if v is not None) + " }"
    if isinstance(x, list | tuple):
        return "[" + ", ".join(as_toml(v) for v in x) + "]"
    if isinstance(x, dt.date):
        return x.isoformat()
    return json.dumps(x, ensure_ascii=False)


def title(name: str, lang: str) -> str:
    """What people call a scenario; its own name where its file cannot be read."""
    try:
        return sim.Scenario.load(name).title.get(lang)
    except InputError:
        return Path(name).stem
