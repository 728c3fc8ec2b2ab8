"""Answers as sentences and tables, on standard output; progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

import sim
from cli.text import exact_yuan, money, percent, reason, say, source
from sim.drivers import DRIVERS, set_name
from sim.experiment import Progress as Report

NEEDS = ("need_yuan", "need_yuan_free_split", "need_yuan_pooled", "ring_fencing_price_yuan", "runoff_need_yuan",
         "need_yuan_lending_reacts", "need_yuan_stationary_opening", "top_up_yuan", "top_up_by_account_yuan")  # fmt: skip
SHARES = ("default_share", "default_share_by_count", "compensable_share", "overdue_share_reported", "bad_loan_ratio_reported",
          "hidden_default_share", "subsidy_unpaid_share_90d", "subsidy_unpaid_share_90d_q4", "exhausting_share_of_maturities",
          "clerk_utilisation")  # fmt: skip


def stdout() -> Console:
    """Console for data: no colour codes when it is not a terminal."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 120)


def print_json(data: Any) -> None:
    """One JSON document, UTF-8, the same bytes for the same data."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


@contextmanager
def progress_bar(lang: str, *, quiet: bool) -> Iterator[Report | None]:
    """A bar with the remaining time on standard error; nothing where that is not a terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(say("working", lang), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def sentence(data: dict[str, Any], lang: str) -> str:
    """The answer in one sentence: the upper figure, rounded up, in counts of equally likely years."""
    need, assurance = data["need_yuan"], data["assurance"]
    if need["conservative"] == 0:
        return say("nothing_due", lang, year=data["year"], date=data["cutoff_maturity_on"])
    dots = next((d for d in (20, 100, 1000, 10_000) if abs(d * assurance - round(d * assurance)) < 1e-9), 100_000)
    enough = round(dots * assurance)
    advice = data["advice"]
    p = percent(advice["shortfall_chance"]["value"])
    return say(
        "headline", lang, year=data["year"], size=money(advice["fund_yuan"], lang), dots=dots, enough=enough, p=p
    )


def answer(answer: sim.Answer, lang: str) -> None:
    """The whole answer for people."""
    data, out = answer.data, stdout()
    if data["is_demonstration"]:
        out.print(f"[{say('demonstration', lang)}]", markup=False)
    if data["replications"] < 2000:
        out.print(say("draft", lang))
    out.print(sentence(data, lang) + ("" if lang == "zh" else " ") + say("given_that", lang, on=data["information_on"]))
    need, chance = data["need_yuan"], data["shortfall_chance"]
    low, high = (money(x, lang) for x in need["ci95"])
    up, value, n = money(need["conservative"], lang), money(need["value"], lang), f"{data['replications']:,}"
    out.print(say("interval", lang, a=percent(data["assurance"]), value=value, low=low, high=high, up=up, n=n))
    carried, top_up = (
        money(data["carried_over_yuan"], lang),
        money(data["top_up_by_account_yuan"]["conservative"], lang),
    )
    out.print(say("carried", lang, carried=carried, top_up=top_up))
    low, high = (percent(x) for x in chance["ci95"])
    out.print(
        say(
            "given_fund",
            lang,
            fund=money(data["fund_yuan"], lang),
            p=percent(chance["value"]),
            low=low,
            high=high,
        )
    )
    out.print(say("cutoff", lang, date=data["cutoff_maturity_on"]))
    out.print(_needs(data, lang))
    out.print(_shares(data, lang))
    out.print(_causes(data, lang))
    if "over_indebted_share" in data["households"]:
        out.print(_people(data["households"], lang))
    for title, key in (("waterfall_title", "waterfall"), ("recoveries_title", "recoveries")):
        out.print(_amounts(say(title, lang), data[key], lang))
    out.print(_lenders(data, answer.scenario, lang))
    if data["drivers"]["present"]:
        _drivers(data["drivers"], lang, out)
    out.print(f"{data['provenance']['result_number']}  riskfund {data['provenance']['version']}  seed {data['seed']}")
    out.print(say("run_folder", lang, path=answer.folder))


def failures(failed: Sequence[dict[str, Any]], lang: str) -> None:
    """Failed histories with their addresses, on standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(say("failed", lang, n=len(failed)))
    for f in failed[:20]:
        console.print(f"  arm {f['arm']}, replication {f['replication']}, seed {f['seed']}: {f['error']}", markup=False)


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for k, name in enumerate(columns):
        table.add_column(name, justify="left" if k == 0 else "right", overflow="fold")
    return table


def _estimate_row(name: str, e: dict[str, Any], form: Any, lang: str) -> tuple[str, str, str, str]:
    if e["value"] is None:
        return name, "—", reason(str(e.get("reason", "")), lang), ""
    ci = f"{form(e['ci95'][0])} – {form(e['ci95'][1])}" if "ci95" in e else ""
    return name, form(e["value"]), ci, form(e["conservative"]) if "conservative" in e else ""


def _needs(data: dict[str, Any], lang: str) -> Table:
    def form(x: float) -> str:
        return money(x, lang)

    table = _table(*(say(k, lang) for k in ("figure", "value", "ci95", "conservative")))
    for key in NEEDS:
        table.add_row(*_estimate_row(say(key, lang), data[key], form, lang))
    for group, states in (("anchor", data["need_by_anchor"]), ("opening", data["need_by_opening"])):
        for state, e in states.items():
            table.add_row(*_estimate_row(say(f"{group}.{state}", lang), e, form, lang))
    for key in ("mean_gap_if_short_yuan", "fiscal_debt_yuan"):
        table.add_row(*_estimate_row(say(key, lang), data[key], form, lang))
    table.add_row(
        *_estimate_row(
            say("oldest_wait_days_if_short", lang), data["oldest_wait_days_if_short"], lambda x: f"{x:.0f}", lang
        )
    )
    return table


def _shares(data: dict[str, Any], lang: str) -> Table:
    table = _table(*(say(k, lang) for k in ("figure", "value", "ci95")))
    for key in SHARES:
        table.add_row(*_estimate_row(say(key, lang), data[key], percent, lang)[:3])
    return table


def _causes(data: dict[str, Any], lang: str) -> Table:
    """Why loans went bad, and how old unpaid subsidy is."""
    table = _table(*(say(k, lang) for k in ("figure", "value", "ci95")), title=say("causes_title", lang))
    for key, estimate in data["default_causes"].items():
        table.add_row(*_estimate_row(say(f"cause.{key}", lang), estimate, percent, lang)[:3])
    for key, estimate in data["subsidy_unpaid_by_age_yuan"].items():
        table.add_row(*_estimate_row(say(f"age.{key}", lang), estimate, lambda x: money(x, lang), lang)[:3])
    return table


def _people(households: dict[str, Any], lang: str) -> Table:
    """What the year means for the simulated households."""
    table = _table(*(say(k, lang) for k in ("figure", "value", "ci95")), title=say("households_title", lang))
    for key in (
        "over_indebted_share",
        "poor_share",
        "refused_over_indebted_share",
        "refused_lender_waits_share",
        "refused_cap_share",
    ):
        table.add_row(*_estimate_row(say(key, lang), households[key], percent, lang)[:3])
    for k, estimate in households["default_share_by_other_debts"].items():
        table.add_row(*_estimate_row(say("default_by_debts", lang, k=k), estimate, percent, lang)[:3])
    return table


def _amounts(title: str, rows: dict[str, Any], lang: str) -> Table:
    table = _table(say("figure", lang), say("value", lang), say("ci95", lang), title=title)
    for key, e in rows.items():
        table.add_row(*_estimate_row(say(key.removesuffix("_yuan"), lang), e, lambda x: money(x, lang), lang)[:3])
    return table


def _lenders(data: dict[str, Any], scenario: sim.Scenario, lang: str) -> Table:
    heads = (say("lender", lang), say("need_yuan", lang), say("ci95", lang), say("shortfall_chance", lang))
    table = _table(*heads, title=say("by_lender_note", lang))
    labels = {lender.key: lender.label.get(lang) for lender in scenario.lenders}
    for key, e in data["by_lender"].items():
        name, value, ci, _ = _estimate_row(labels[key], e["need_yuan"], lambda x: money(x, lang), lang)
        table.add_row(name, value, ci, percent(e["shortfall_chance"]["value"]))
    return table


def _drivers(drivers: dict[str, Any], lang: str, out: Console) -> None:
    """Need and defaults with sets of the present drivers on, the interaction, and who defaults only because of delay."""
    here = drivers["present"]
    names = {d: say(f"driver.{d}", lang) for d in DRIVERS}
    rows = {"none": say("acting.none", lang)}
    if len(here) > 1:
        rows |= {set_name({d}): say("acting.only", lang, driver=names[d]) for d in here}
    if len(here) > 2:
        rows |= {set_name(set(here) - {d}): say("acting.all_but", lang, driver=names[d]) for d in here}
    rows[set_name(here)] = say("acting.all", lang)
    heads = (say(k, lang) for k in ("acting", "acting.need", "ci95", "need_mean_yuan", "acting.share"))
    table = _table(*heads, title=say("drivers_title", lang))
    for key, label in rows.items():
        arm = drivers["arms"][key]
        name, value, ci, _ = _estimate_row(label, arm["need_yuan"], lambda x: money(x, lang), lang)
        table.add_row(
            name, value, ci, money(arm["need_mean_yuan"]["value"], lang), percent(arm["default_share"]["value"])
        )
    out.print(table)
    if drivers["absent"]:
        brackets = "{}（{}）" if lang == "zh" else "{} ({})"
        why = [brackets.format(names[d], reason(text, lang)) for d, text in drivers["absent"].items()]
        out.print(say("drivers_absent", lang, drivers=("、" if lang == "zh" else "; ").join(why)))
    if len(here) > 1:
        need, mean = (drivers["effects"][k]["interaction"] for k in ("need_yuan", "need_mean_yuan"))
        (low, high), (mean_low, mean_high) = ([money(x, lang) for x in e["ci95"]] for e in (need, mean))
        out.print(say("interaction", lang, need=money(need["value"], lang), low=low, high=high,
                      mean=money(mean["value"], lang), mean_low=mean_low, mean_high=mean_high))  # fmt: skip
    late = drivers["only_because_late"]
    if "households_per_history" in late:
        households, share = late["households_per_history"], percent(late["share_of_defaults"]["value"])
        low, high = households["ci95"]
        out.print(
            say("only_because_late", lang, households=households["value"], low=low, high=high, share=share),
            markup=False,
        )


def comparison(
    rows: list[dict[str, Any]],
    base: sim.Scenario,
    differs: dict[str, dict[str, tuple[Any, Any]]],
    lang: str,
    note: dict[str, Any],
) -> None:
    """A table for each other scenario; differences that the noise covers say so."""
    out = stdout()
    if base.is_demonstration:
        out.print(f"[{say('demonstration', lang)}]", markup=False)
    for name, fields in differs.items():
        text = "; ".join(f"{k}: {a} -> {b}" for k, (a, b) in fields.items()) or say("none", lang)
        out.print(f"{name} — {say('what_differs', lang)}: {text}", markup=False)
        heads = (say("figure", lang), base.name, name, say("difference", lang), say("ci95", lang), "")
        table = _table(*heads, title=f"{base.sized_year}  {say('compare_title', lang, base=base.name)}")
        for row in rows:
            if row["scenario"] == name:
                table.add_row(*_difference_row(row, lang))
        out.print(table)
    out.print(say("later", lang, **note))


def _difference_row(row: dict[str, Any], lang: str) -> tuple[str, ...]:
    def form(x: float | None) -> str:
        return money(x, lang) if "_yuan" in row["metric"] else percent(x)

    d = row["difference"]
    low, high = d.ci95
    remark = say("no_difference", lang) if low == high == 0 else say("indistinct", lang) if low <= 0 <= high else ""
    interval = f"{form(low)} – {form(high)}"
    return say(row["metric"], lang), form(row["base"]), form(row["other"]), form(d.value), interval, remark


def step_text(step: sim.Step, lang: str) -> str:
    """One line of a trace in words."""
    key = {"refused": "refused_step", "recovered": "recovered_step"}.get(step.what, step.what)
    values: dict[str, Any] = {}
    for name, amount in step.amounts.items():
        if name.endswith("_ppm"):
            values[name.removesuffix("_ppm")] = f"{amount / 10_000:.4g}%"
        else:
            values[name] = amount if name in ("days", "months") else exact_yuan(amount, lang)
    for name, words in step.names.items():
        values[name] = say(words, lang) if isinstance(words, str) else words.get(lang)
    return say(key, lang, **values)


def step_json(step: sim.Step, lang: str) -> dict[str, Any]:
    """One line of a trace as plain values, its words included."""
    return {
        "on": step.on.isoformat(), "what": step.what, "text": step_text(step, lang), "rule": step.rule, "source": step.source,
        "amounts": step.amounts,
    }  # fmt: skip


def steps(items: list[sim.Step], lang: str) -> None:
    """A loan's life, the article beside each step."""
    out = stdout()
    for step in items:
        out.print(f"{step.on}  {step_text(step, lang)}  [{source(step.source, lang) or '—'}]", markup=False)


FLOWS = (
    "income", "refund", "sold", "borrowed", "spent", "interest", "loan", "others", "collected", "paid_back", "informal_after",
)  # fmt: skip


def household(story: sim.HouseholdStory, lang: str) -> None:
    """Who a household is, then month by month what happened, and its money."""
    out = stdout()
    for line in who(story.household, lang):
        out.print(line, markup=False)
    told = iter([*story.steps, None])
    step = next(told)
    for month in story.months:
        while step is not None and step.on <= month.on:
            article = f"  [{source(step.source, lang)}]" if step.source else ""
            out.print(f"{step.on}  {step_text(step, lang)}{article}", markup=False)
            step = next(told)
        amounts = {name: getattr(month, name) for name in FLOWS} | {"income": sum(month.income.values())}
        flows = [say(f"flow.{name}", lang, fen=exact_yuan(fen, lang)) for name, fen in amounts.items() if fen]
        before, after = exact_yuan(month.cash_before, lang), exact_yuan(month.cash_after, lang)
        line = say("month_line", lang, before=before, after=after, flows=_listed(flows, lang))
        out.print(f"{month.on:%Y-%m}     {line}", markup=False)


def household_json(story: sim.HouseholdStory, lang: str) -> dict[str, Any]:
    """A household's story as plain values; money in fen."""
    facts = {k: v.get(lang) if k in ("township", "lender") else v for k, v in story.household.items()}
    facts["other_debts"] = [{**debt, "product": debt["product"].get(lang)} for debt in facts["other_debts"]]
    return {
        "household": facts,
        "months": [{**asdict(m), "on": m.on.isoformat()} for m in story.months],
        "steps": [step_json(s, lang) for s in story.steps],
    }


def who(facts: dict[str, Any], lang: str) -> list[str]:
    """What is known about a household, in sentences."""
    sex, category = say("man" if facts["is_man"] else "woman", lang), say(f"category.{facts['category']}", lang)
    plain = {k: facts[k] for k in ("id", "village", "persons", "workers", "age", "rating")}
    township, lender = facts["township"].get(lang), facts["lender"].get(lang)
    lines = [say("who", lang, sex=sex, category=category, township=township, lender=lender, **plain)]
    sources = [say(f"income.{k}", lang) + " " + exact_yuan(v, lang) for k, v in facts["income_fen"].items()]
    total, rain = exact_yuan(sum(facts["income_fen"].values()), lang), percent(facts["rain_fed_ppm"] / 1e6)
    lines.append(say("who_income", lang, total=total, parts=_listed(sources, lang), rain=rain))
    money_of = {k: exact_yuan(facts[f"{k}_fen"], lang) for k in ("cash", "informal", "savings")}
    lines.append(say("who_money", lang, **money_of))
    for debt in facts["other_debts"]:
        payment, every, month = exact_yuan(debt["payment_fen"], lang), debt["every_months"], debt["calendar_month"]
        lines.append(
            say("who_debt", lang, debt=debt["product"].get(lang), payment=payment, months=every, calendar=month)
        )
    if not facts["may_borrow"]:
        lines.append(say("who_may_not", lang))
    return lines


def _listed(parts: list[str], lang: str) -> str:
    return ("，" if lang == "zh" else ", ").join(parts)
