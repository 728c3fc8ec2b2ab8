"""A scenario out of what a county filled in: the own values laid over those underneath, each with its source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from scipy.special import expit, logit

from calibration.county_file.form import RULES, put, value_at
from calibration.county_file.texts import text
from sim.scenario import Scenario, scenario_names

BOOK = "book.csv"
OWN_NOTE = "the county's own figures ({file})"
_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]+')


def built(
    base: Scenario, own: Mapping[str, Any], file: str, *, with_loans: bool, towns: Sequence[str] | None, n_accounts: int
) -> dict[str, Any]:
    """The county's scenario as nested tables.

    Parameters
    ----------
    base : Scenario
    own : mapping
        Dotted field -> value.
    file : str
        Where the values come from.
    with_loans : bool
        The opening is the loan book `BOOK`.
    towns : sequence of str or None
        Townships of the loan book where the file names none.
    n_accounts : int
        Lenders whose own sub-account was given; 0 unless all were.
    """
    raw = base.model_dump(mode="python")
    lay(raw, own)
    if with_loans:
        _with_book(raw, towns)
    _name(raw, base, own.get("title"))
    _account_for(raw, base, own, file, with_loans, n_accounts)
    return raw


def alternative_of(scenario: Scenario, alternative: Mapping[str, Any]) -> dict[str, Any]:
    """The county's scenario with the alternative values, as nested tables."""
    raw = scenario.model_dump(mode="python")
    lay(raw, alternative)
    if "title" not in alternative:
        titles = scenario.title
        raw["title"] = {lang: text("say.alternative_title", lang, title=titles.get(lang)) for lang in ("zh", "en")}
    raw["name"] = f"{scenario.name[:66]}-alternative"
    raw["uncertain"] = _moved(raw["uncertain"], alternative, scenario)
    return raw


def lay(raw: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        put(raw, key, value)


def _with_book(raw: dict[str, Any], towns: Sequence[str] | None) -> None:
    raw["opening"] |= {"kind": "table", "file": BOOK, "portfolio": []}
    if towns is not None:
        raw["townships"] = [{"key": t, "label": {"zh": t, "en": t}} for t in towns]


def at_own_anchor(values: dict[str, Any], under: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The county's own share of defaults stands at the level that it chose, which may not be the scenario's."""
    level = values.get("defaults.anchor", (under or {}).get("defaults.anchor"))
    stem = "defaults.anchors."
    return {f"{stem}{level}" if level and key.startswith(stem) else key: x for key, x in values.items()}


def _name(raw: dict[str, Any], base: Scenario, title: str | None) -> None:
    """A name that a folder can have, from the title that people gave; a county of their own keeps its name."""
    if title is None and base.name not in scenario_names():
        return
    if title is None:
        raw["title"] = {lang: text("say.own_title", lang, title=base.title.get(lang)) for lang in ("zh", "en")}
    raw["note"] = {lang: text("say.own_note", lang, title=base.title.get(lang)) for lang in ("zh", "en")}
    name = _FORBIDDEN.sub("-", title or f"{base.name}-own").strip(" .-") or "county"
    raw["name"] = f"{name}-own" if name in scenario_names() else name


def _account_for(
    raw: dict[str, Any], base: Scenario, own: Mapping[str, Any], file: str, with_loans: bool, n_accounts: int
) -> None:  # fmt: skip
    """Say of each own value where it comes from, and move the ranges of those that are uncertain."""
    named = ["rule_changes" if key.startswith(RULES) else re.sub(r"\.\d+$", "", key) for key in own if key != "title"]
    named += ["opening", "townships"] if with_loans else []
    if named:
        note = OWN_NOTE.format(file=file)
        raw["sources"] = [{"fields": list(dict.fromkeys(named)), "kind": "data", "note": note}, *raw["sources"]]
    raw["uncertain"] = _moved(raw["uncertain"], own, base)
    raw["is_demonstration"] = base.is_demonstration and not (with_loans and n_accounts > 0)


def _moved(items: Sequence[dict[str, Any]], own: Mapping[str, Any], base: Scenario) -> list[dict[str, Any]]:
    """Ranges around the county's own values as they were around the defaults: the county's figures are not exact either.

    A value of 0, or a share of 1, has no range: it is taken as known.
    """
    raw, out = base.model_dump(mode="python"), []
    for item in items:
        was, now, shape = value_at(raw, item["field"]), own.get(item["field"]), item["distribution"]
        if now is None or not isinstance(was, int | float) or now == was or item["p05"] is None:
            out.append(item)
        elif now > 0 and not (shape == "logit_normal" and now >= 1):
            p05, p95 = (float(f"{_shifted(x, float(was), float(now), shape):.6g}") for x in (item["p05"], item["p95"]))
            out.append({**item, "p05": p05, "p95": p95})
    return out


def _shifted(x: float, was: float, now: float, shape: str) -> float:
    if shape == "lognormal" and was > 0:
        return x * now / was
    if shape == "logit_normal" and 0 < was < 1:
        return float(expit(logit(x) + logit(now) - logit(was)))
    return x + now - was
