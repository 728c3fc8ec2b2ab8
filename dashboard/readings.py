"""What pages read off stored histories without simulating: one size, several options, what stands behind a number."""

from __future__ import annotations

from typing import Any

from dashboard import library, options
from dashboard.library import Stored
from dashboard.options import Option
from dashboard.shell import ACCEPTED, View
from dashboard.words import Words
from sim import Answer, estimate
from sim.answers.outlook import at_size

_NEEDED_FOR_HUNDREDTH = 10_000
Row = dict[str, Any]


def row_at(stored: Stored, yuan: float) -> Row:
    """Shortfall, what is missing and what is idle at a size."""
    return at_size(stored.sample, stored.parts, yuan)


def askable(n: int) -> list[str]:
    """Shortfalls that so many histories can answer; one in a hundred needs ten thousand."""
    return [
        key for key, a in ACCEPTED.items()
        if n >= estimate.needed_histories(a) and (a < 0.985 or n >= _NEEDED_FOR_HUNDREDTH)
    ]  # fmt: skip


def sizes_to_choose(v: View) -> list[Option]:
    """A lean, the advised and a safe size, and the one that is set."""
    if v.answer is None or v.run is None:
        return []
    kept = library.stored(v.answer, v.run.sha)
    return options.options(v.answer.data, kept.sample, kept.parts, v.w)


def chance_of(row: Row, w: Words) -> str:
    """A chance with what its simulation error leaves open."""
    found = row["shortfall_chance"]
    if found.get("ci95") is None:
        return w.percent(found["value"])
    low, high = found["ci95"]
    if found["value"] == 0:
        return w("0% (up to {p})", p=w.percent(high))
    return w("{p} ({interval})", p=w.percent(found["value"]), interval=w.interval((low, high), w.percent))


def or_dash(x: Row, w: Words) -> str:
    """An amount, a dash where there is none."""
    return w.money(x.get("value"))


def chain(answer: Answer, w: Words) -> list[tuple[str, str]]:
    """From no driver to all of them: what each adds to the need, alone, and what they make together beyond it; the need."""
    found = answer.data["drivers"]
    here = found["present"]
    none = found["arms"].get("none", {}).get("need_yuan", {})
    if not here or none.get("value") is None:
        return []
    effects = found["effects"]["need_yuan"]
    out = [(w("without any of them"), w.money(none["value"]))]
    out += [(w.label(f"driver.{d}"), _signed(effects[d]["alone"], w)) for d in here]
    if len(here) > 1:
        out.append((w("interaction"), _signed(effects["interaction"], w)))
    return [
        *out,
        (w("= need at {p}", p=w.percent(answer.data["assurance"], 0)), w.money(answer.data["need_yuan"]["value"])),
    ]


def told_chain(answer: Answer, w: Words) -> str:
    """The same as one line; it adds up to the need, not to the advised size, and says so."""
    steps = chain(answer, w)
    if not steps:
        return ""
    line = " → ".join(f"{name} {text}" for name, text in steps[:-1])
    name, text = steps[-1]
    return w(
        "{steps} {name} {need}, not yet the advised {size}.",
        steps=line, name=name, need=text, size=w.advised(answer.data["advice"]["fund_yuan"]),
    )  # fmt: skip


def _signed(x: Row, w: Words) -> str:
    if x.get("value") is None:
        return "—"
    text = w.money(x["value"])
    return text if x["value"] <= 0 else f"+{text}"


def moved_by(answer: Answer, w: Words) -> list[tuple[str, str]]:
    """What would change the need: other anchors, another opening of the year, accounts in one."""
    data = answer.data
    anchors, openings = data["need_by_anchor"], data["need_by_opening"]
    found = [
        (w.label("anchor.low"), anchors["low"]), (w.label("anchor.high"), anchors["high"]),
        (w.label("opening.dry"), openings["dry"]), (w.label("opening.normal"), openings["normal"]),
        (w.label("need_yuan_pooled"), data["need_yuan_pooled"]),
    ]  # fmt: skip
    return [(name, w.money(x["value"])) for name, x in found if x.get("value") is not None]


def default_level(answer: Answer, w: Words) -> str:
    """How often loans go bad is taken from somewhere, and that is not exact either; "" where it is given loan by loan."""
    d = answer.scenario.defaults
    if d.anchor is None:
        return ""
    share, field = d.anchors[d.anchor], f"defaults.anchors.{d.anchor}"
    drawn = next((u for u in answer.scenario.uncertain if u.field == field and u.p05 is not None), None)
    source = answer.scenario.source_of(field)
    whose = w("the county's own figure") if source is not None and source.kind == "data" else w("assumed")
    if drawn is None or drawn.p05 is None or drawn.p95 is None:
        return w("default share in the long run {p} ({whose}), taken as known", p=w.percent(share), whose=whose)
    return w(
        "default share in the long run {p} ({whose}), nine in ten between {interval}; the figures above hold this",
        p=w.percent(share), whose=whose, interval=w.interval((drawn.p05, drawn.p95), w.percent),
    )  # fmt: skip


def missing_for_budget(answer: Answer, w: Words) -> list[str]:
    """What of a county's own is still missing while its data are marked as for demonstration."""
    s = answer.scenario
    accounts = s.source_of("lenders")
    found = []
    if s.opening.kind != "table":
        found.append(w("the county's own loan book"))
    if accounts is None or accounts.kind != "data":
        found.append(w("what its sub-accounts really hold"))
    return found or [w("a scenario that is marked as the county's own")]
