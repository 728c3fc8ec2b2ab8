"""A scenario changed on a page: fields and rules by their names, values in the reader's words, saved under a new name."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from typing import Any

import streamlit as st

import sim
from calibration import toml_text
from dashboard import address, panels, safe, scenario_file
from dashboard.shell import View
from dashboard.words import Words
from dashboard.words.fields import is_share
from dashboard.words.labels import N_
from sim.errors import InputError
from sim.law import vocabulary
from sim.parameters import value_of

_FIXED = ("name", "title", "note", "sources", "rule_changes", "uncertain", "posterior", "is_demonstration", "rules")
_DROUGHT = ("defaults.drought.p_", "livelihoods.weather.p_")


def panel(v: View) -> None:
    """Choose a scenario and fields, type values, save."""
    w, names = v.w, scenario_file.names(v.runs)
    left, right = st.columns([2, 4])
    with left:
        base = panels.scenario(w("Scenario to change"), names, "change-base", w)
    loaded = sim.Scenario.load(base)
    now = fields(loaded)
    called = names_of(now, w)
    with right:
        chosen = st.multiselect(
            w("What to change (type a word to search)"), list(now), placeholder=w("choose fields"), select_all=False,
            format_func=called.__getitem__, **address.remembered("change-fields", w.lang, list(now), []),
        )  # fmt: skip
    changes = {field: _input(loaded, field, now[field], called[field], w) for field in chosen}
    wrong = problems(changes, loaded, w)
    for text in wrong:
        st.error(safe.markdown(text))
    if moves_drought(changes) and loaded.defaults.anchor is not None:
        st.caption(about_drought(w))
    left, right = st.columns([4, 2], vertical_alignment="bottom")
    with left:
        name = st.text_input(
            w("Name of the new scenario"),
            key=f"change-name-{w.lang}",
            placeholder=w("for example: drought twice as often"),
        )
    with right:
        clicked = st.button(
            w("Save"), key="change-save", disabled=bool(wrong) or not (changes and name.strip()), width="stretch"
        )
    if not changes:
        st.caption(w("First choose what to change."))
    elif not name.strip():
        st.caption(w("To save it, give it a name."))
    st.caption(w("Saved as an assumption: what-if. Whatever is not changed stays as it is in the scenario to change."))
    if clicked:
        path = scenario_file.save(v.runs, base, name.strip(), {f: typed(f, x, loaded, w) for f, x in changes.items()})
        st.session_state["change-saved"] = (name.strip(), str(path))
        st.session_state["kept-base"] = base
        kept = [x for x in st.session_state.get("kept-others", []) if x not in (base, str(path))]
        st.session_state["kept-others"] = [*kept[:4], str(path)]
        st.rerun()  # the lists above know it only now
    saved = st.session_state.pop("change-saved", None)
    if saved:
        title, path = saved
        st.success(w("“{title}” is saved and stands in the new comparison above. Its file: {path}", title=safe.markdown(title), path=safe.markdown(path)))  # fmt: skip


def fields(scenario: sim.Scenario) -> dict[str, Any]:
    """Fields that hold one value, and the rules, with what they are now."""
    plain = {
        f: value_of(scenario, f) for f in _leaves(scenario.model_dump(mode="json")) if f.split(".")[0] not in _FIXED
    }
    rules = scenario.pack().parameters
    start = scenario.sized_year
    values = {f"rules.{k}": [x.value for x in p.values if x.from_date.year <= start] for k, p in rules.items()}
    return {k: x for k, x in plain.items() if isinstance(x, int | float | str | bool)} | {
        k: scenario.rule_changes.get(k.removeprefix("rules."), x[-1]) for k, x in values.items() if x
    }


def _leaves(raw: dict[str, Any], prefix: str = "") -> list[str]:
    out = []
    for key, value in raw.items():
        name = f"{prefix}.{key}" if prefix else key
        out += _leaves(value, name) if isinstance(value, dict) else [name]
    return out


def names_of(now: Collection[str], w: Words) -> dict[str, str]:
    """Fields by their names; where two are called alike their place in the file tells them apart."""
    called = {f: w.field(f) for f in now}
    many = list(called.values())
    return {f: name if many.count(name) == 1 else f"{name} [{f}]" for f, name in called.items()}


# --- one value ---------------------------------------------------------------------------------------


def _input(scenario: sim.Scenario, field: str, now: Any, called: str, w: Words) -> Any:
    """A list where there are only so many readings, else a line to type into."""
    allowed = readings_of(field, now)
    key = f"change-{scenario.name}-{field}"
    if allowed:
        return panels.pick(called, allowed, lambda x: w.field_value(field, x), key, now if now in allowed else allowed[0], w)  # fmt: skip
    shown = w.field_value(field, now) if is_share(field) and not isinstance(now, str) else now if isinstance(now, str) else toml_text.value_text(now)  # fmt: skip
    return st.text_input(called + (w(" (per cent)") if is_share(field) else ""), shown, key=f"{key}-{w.lang}")


def readings_of(field: str, now: Any) -> list[Any]:
    """The readings of a yes or no, of a field with fixed words, of a rule; none where anything may be typed."""
    if isinstance(now, bool):
        return [True, False]
    if field.startswith("rules."):
        rule = vocabulary().get(field.removeprefix("rules."))
        return list(rule.readings) if rule is not None and rule.readings and isinstance(now, str) else []
    return scenario_file.words_of(field)


def typed(field: str, x: Any, scenario: sim.Scenario, w: Words) -> Any:
    """What was typed, as a file would mean it: shares in per cent, words without quotes.

    Raises
    ------
    InputError
        A share that is no number.
    """
    if not isinstance(x, str):
        return x
    if is_share(field):
        text = x.strip().replace("％", "%").rstrip("%").strip()
        try:
            return float(f"{float(text) / 100:.12g}")
        except ValueError:
            raise InputError(scenario.name, w.field(field), x, N_("a number in per cent, such as 28%")) from None
    try:
        return tomllib.loads(f"x = {x}")["x"]
    except tomllib.TOMLDecodeError:
        return x


def problems(changes: dict[str, Any], scenario: sim.Scenario, w: Words) -> list[str]:
    """What of the typed values a scenario cannot hold, told as it is typed and not when it is saved."""
    out = []
    for field, x in changes.items():
        try:
            scenario.with_changes({field: typed(field, x, scenario, w)})
        except InputError as error:
            is_beyond = is_share(field) and isinstance(error.value, float) and not 0 <= error.value <= 1
            allowed = N_("a number in per cent, from 0% to 100%") if is_beyond else error.allowed
            out.append(w.error(InputError(scenario.title.get(w.lang), w.field(field), x, allowed)))
    return out


# --- what a change means -----------------------------------------------------------------------------


def moves_drought(changed: Collection[str]) -> bool:
    """Is the chance of a dry year among what was changed?"""
    return any(field.startswith(_DROUGHT) for field in changed)


def about_drought(w: Words) -> str:
    """Why a drought that comes more often does not make more defaults in the long run."""
    return w("More droughts do not by themselves mean more defaults in the long run: the anchor fixes the mean share of defaults over many years. Where a scenario is sized alone, its normal years become better as its dry ones become more, and what grows is the spread between years. To raise the level as well, change the anchor. In a comparison the base's default probabilities are kept, so defaults rise with the droughts there.")  # fmt: skip


def about_drought_compared(w: Words) -> str:
    """Why the same change makes more defaults in a comparison, and would not where it is sized alone."""
    return w("That is why more droughts make more defaults in this table. Sized alone, the long-run share of defaults would stay at its anchor: normal years become better, and only the spread between years grows. To raise the level there as well, change the anchor.")  # fmt: skip
