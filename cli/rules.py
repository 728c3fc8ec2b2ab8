"""The command `riskfund rules`: packs listed, shown, compared, cited, explained, checked, and a new one begun."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

import sim
from cli import show
from cli.options import Json, Lang
from cli.rule_template import template
from cli.text import padded, rule_value
from dashboard.words import Words
from sim.errors import InputError
from sim.law import Pack, Term, Value, vocabulary
from sim.law.rules import check_pack, first_day, in_force, value_in
from sim.law.vocabulary import term_for, term_of

app = typer.Typer(no_args_is_help=True, help="Rule packs: dated values with their articles.")

PackName = Annotated[str, typer.Argument(help="A shipped pack or a .toml file.")]
On = Annotated[str | None, typer.Option("--on", help="Day, YYYY-MM-DD; default: today, or the pack's last change.")]


@app.command("list")
def list_(json: Json = False, lang: Lang = None) -> None:
    """The shipped rule packs: since when each is in force, how many of its values are assumptions."""
    rows: list[dict[str, Any]] = []
    for pack in map(sim.load_pack, sim.pack_names()):
        last = [parameter.values[-1] for parameter in pack.parameters.values()]
        rows.append({
            "id": pack.id, "title": pack.title, "from": first_day(pack).isoformat(), "parameters": len(last),
            "assumptions": sum(not value.cite for value in last),
        })  # fmt: skip
    if json:
        show.print_json(rows)
        return
    w = Words(str(lang))
    for row in rows:
        told = w("{n} values, {k} of them assumptions", n=row["parameters"], k=row["assumptions"])
        _print(f"{row['id']:16} {row['from']}  {padded(row['title'][w.lang], 44)} {told}")


@app.command("show")
def show_(pack: PackName, on: On = None, json: Json = False, lang: Lang = None) -> None:
    """Each value of a pack on a day, with its article or the reason for the assumption."""
    loaded = sim.load_pack(pack)
    rows = [_row(key, value) for key, value in _values(loaded, _day(on, loaded)).items()]
    if json:
        names = {row["key"]: _term(row["key"], row["value"]).label[str(lang)] for row in rows}
        show.print_json([{**row, "label": names[row["key"]]} for row in rows])
        return
    w = Words(str(lang))
    for row in rows:
        term = _term(row["key"], row["value"])
        shown = padded(rule_value(row["value"], w, term), 24)
        _print(f"{row['key']:32} {shown} {term.label[w.lang]}  [{w.source(row['source'])}]")


@app.command()
def diff(a: PackName, b: PackName, on: On = None, json: Json = False, lang: Lang = None) -> None:
    """What two packs say differently on a day; by default each on the day of its last change."""
    packs = [sim.load_pack(name) for name in (a, b)]
    left, right = (_values(pack, _day(on, pack, last=True)) for pack in packs)
    keys = [k for k in {**left, **right} if k not in left or k not in right or left[k].value != right[k].value]
    rows = [{"key": key, packs[0].id: _side(left, key), packs[1].id: _side(right, key)} for key in keys]
    if json:
        show.print_json(rows)
        return
    w = Words(str(lang))
    for key in keys:
        known = left.get(key) or right[key]
        _print(f"{key}  {_term(key, known.value).label[w.lang]}")
        for pack, values in zip(packs, (left, right), strict=True):
            _print(f"    {padded(pack.id, 18)} {_told(key, values.get(key), w)}")
    _print(w("{n} rules differ.", n=len(keys)))


@app.command()
def cite(pack: PackName, on: On = None, json: Json = False, lang: Lang = None) -> None:
    """Article by article what rests on it; assumptions last."""
    loaded = sim.load_pack(pack)
    found: dict[str, list[str]] = {}
    values = _values(loaded, _day(on, loaded))
    for key, value in sorted(values.items(), key=lambda item: not item[1].cite):
        found.setdefault(value.source, []).append(key)
    if json:
        show.print_json(found)
        return
    w = Words(str(lang))
    for source, keys in found.items():
        _print(w.source(source))
        for key in keys:
            told = "" if values[key].open else rule_value(values[key].value, w, _term(key, values[key].value))
            _print(f"    {key:32} {told}".rstrip())


@app.command()
def explain(
    key: Annotated[str, typer.Argument(help="A rule, for example claim.wait_days or claim.steps.file.")],
    pack: Annotated[str | None, typer.Option("--pack", help="Also its value in this pack.")] = None,
    on: On = None, json: Json = False, lang: Lang = None,
) -> None:  # fmt: skip
    """What a rule means, in what it is counted, which readings the model has; its history in a pack.

    With --on and no pack: its value in every shipped pack that is in force on that day.
    """
    loaded = sim.load_pack(pack) if pack else None
    term = term_of(key) or vocabulary().get(key) or term_of(key.rpartition(".")[0])
    if term is None:
        names = {*vocabulary(), *(loaded.parameters if loaded else ())}
        raise InputError("command", "key", key, "a rule that the model knows", names)
    found = value_in(_values(loaded, _day(on, loaded)), key) if loaded else None
    everywhere = _in_all_packs(key, _date("on", on)) if on and not loaded else {}
    history = loaded.parameters[key].values if loaded and key in loaded.parameters else ()
    if json:
        show.print_json({
            "key": key, "label": term.label, "unit": term.unit, "meaning": term.meaning, "readings": {str(k): v for k, v in term.readings.items()},
            "absent": term.absent or None, "not_simulated": term.not_simulated or None,
            **({"value": _row(key, found) if found else None, "history": [_row(key, v) for v in history]} if loaded else {}),
            **({"values": {name: _row(key, v) if v else None for name, v in everywhere.items()}} if everywhere else {}),
        })  # fmt: skip
        return
    w = Words(str(lang))
    _print(f"{key}  {term.label[w.lang]} ({w.unit(term.unit)})")
    _print(f"    {term.meaning[w.lang]}")
    for code, words in term.readings.items():
        _print(f"    {code}" + (f": {words[w.lang]}" if words else ""))
    if term.absent:
        _print("    " + w("where a pack leaves it out: {words}", words=term.absent[w.lang]))
    if term.not_simulated:
        _print("    " + w("(not simulated: {why})", why=term.not_simulated[w.lang]))
    if loaded:
        _print(f"{loaded.id}  {_told(key, found, w)}")
        for value in history:
            _print(f"    {value.from_date}  {_told(key, value, w)}")
    for name, held in everywhere.items():
        _print(f"{name:16} {_told(key, held, w)}")


@app.command()
def check(file: PackName, json: Json = False, lang: Lang = None) -> None:
    """Is a pack complete and free of contradictions, on every day on which it changes; what is law, what assumed.

    Exit code 0: it is. 3: it is not, and one line says file, rule, what was found and what is allowed.
    """
    report(sim.load_pack(file), file, json, Words(str(lang)))


def report(pack: Pack, file: str, json: bool, w: Words) -> None:
    """Check a pack and say what its values rest on."""
    check_pack(pack)
    notes = [
        {"field": key, "kind": "law" if p.values[-1].cite else "assumption", "note": p.values[-1].source}
        for key, p in pack.parameters.items()
    ]
    if json:
        show.print_json({"file": file, "valid": True, "from": first_day(pack).isoformat(), "sources": notes})
        return
    for note in notes:
        _print(f"{padded(w.term(note['kind']), 12)} {note['field']:36} {w.source(note['note'])}")
    _print(w("{file}: valid", file=file))


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the pack: the file will be NAME.toml.")],
    like: Annotated[str | None, typer.Option("--like", help="Begin with this pack's values, each marked as an assumption.")] = None,
    begins: Annotated[str | None, typer.Option("--from", help="Day on which the text came into force, YYYY-MM-DD.")] = None,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Begin a pack: every rule that the model knows, explained, with its place to fill in.

    Example: riskfund rules new our-county --like x-county --from 2020-01-01
    """
    name = name.removesuffix(".toml")
    path = Path(f"{name}.toml")
    if path.name != f"{name}.toml" or not name.strip() or name.startswith("."):
        raise InputError("command", "name", name, "a plain name, without folder")
    if path.exists():
        raise InputError("command", "name", str(path), "a new file: the one that is there would be lost")
    w, base = Words(str(lang)), sim.load_pack(like) if like else None
    path.write_text(template(name, base, _date("from", begins) if begins else None, w.lang), encoding="utf-8")
    _print(w("Written: {path}", path=path))
    _print(w("Next: fill it in (docs/write-a-rule-pack.md), then riskfund rules check {path}", path=path))


# --- shared ------------------------------------------------------------------------------------------


def _print(line: str) -> None:
    show.stdout().print(line, markup=False)


def _values(pack: Pack, day: dt.date) -> dict[str, Value]:
    """What is in force on a day; a day on which nothing of the pack is says from when it is."""
    values = in_force(pack, day)
    if not values:
        raise InputError(
            "command", "on", day.isoformat(), f"a day from {first_day(pack)} on, from which {pack.id} is in force"
        )
    return values


def _in_all_packs(key: str, day: dt.date) -> dict[str, Value | None]:
    """The value of a rule in each shipped pack that is in force on a day; None where it leaves the rule out."""
    packs = map(sim.load_pack, sim.pack_names())
    known = [p for p in packs if first_day(p) <= day <= (p.until or dt.date.max)]
    return {pack.id: value_in(in_force(pack, day), key) for pack in known}


def _term(key: str, value: Any) -> Term:
    return term_for(key, value) if term_of(key) is not None else vocabulary()[key]


def _row(key: str, value: Value) -> dict[str, Any]:
    return {
        "key": key, "value": value.value, "from": value.from_date.isoformat(), "source": value.source,
        "unit": _term(key, value.value).unit if term_of(key) else "",
    }  # fmt: skip


def _side(values: dict[str, Value], key: str) -> dict[str, Any] | None:
    return {"value": values[key].value, "source": values[key].source} if key in values else None


def _told(key: str, value: Value | None, w: Words) -> str:
    if value is None:
        absent = vocabulary()[key].absent if key in vocabulary() else {}
        return absent[w.lang] if absent else "—"
    if value.open:
        return w.source(value.source)
    shown = rule_value(value.value, w, _term(key, value.value)) if term_of(key) else str(value.value)
    return f"{shown}  [{w.source(value.source)}]"


def _day(text: str | None, pack: Pack, last: bool = False) -> dt.date:
    """The day that was asked for; else today, or the pack's last change where it lies ahead or is asked for."""
    if text:
        return _date("on", text)
    change = max(value.from_date for parameter in pack.parameters.values() for value in parameter.values)
    return change if last else max(change, dt.date.today())


def _date(field: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError("command", field, text, "a date, YYYY-MM-DD") from None
