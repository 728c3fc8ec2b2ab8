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
from dashboard import fit_table
from dashboard.words import Words
from dashboard.words.numbers import NOTHING
from sim.drivers import ORDER, set_name
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
def progress_bar(lang: str, *, quiet: bool, form: str = "bar") -> Iterator[Report | None]:
    """Progress on standard error: a bar with the remaining time where that is a terminal, or lines for a program."""
    console = Console(stderr=True)
    if form == "json":
        yield _report_line
        return
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
        w = Words(lang)
        task = bar.add_task(w("simulating"), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _report_line(done: int, total: int) -> None:
    sys.stderr.write(json.dumps({"done": done, "total": total}) + "\n")
    sys.stderr.flush()


def sentence(data: dict[str, Any], lang: str) -> str:
    """The answer in one sentence: the upper figure, rounded up, in counts of equally likely years."""
    return Words(lang).sentence(data)


def answer(answer: sim.Answer, lang: str) -> None:
    """The whole answer for people."""
    data, w, out = answer.data, Words(lang), stdout()
    if data["is_demonstration"]:
        out.print(f"[{w('Demonstration data: not for a budget')}]", markup=False)
    if data["replications"] < 2000:
        out.print(w("Draft: fewer than 2,000 histories, for orientation only."))
    for line in [*_told(data, w), *fit_table.taken_over(answer.scenario, w)]:
        out.print(line, markup=False)
    out.print(_needs(data, w))
    out.print(_shares(data, w))
    out.print(_truth_and_report(data, w))
    out.print(_causes(data, w))
    if "over_indebted_share" in data["households"]:
        out.print(_people(data["households"], w))
    out.print(_amounts(w("Where the year's claimable losses stand on 31 December (means)"), data["waterfall"], w))
    if len(data["bearers"]) > 2:
        out.print(_bearers(data["bearers"], w))
    out.print(_amounts(w("Recoveries of the year (means)"), data["recoveries"], w))
    out.print(_lenders(data, answer.scenario, w))
    if data["drivers"]["present"]:
        _drivers(data["drivers"], w, out)
    seed = w("seed {seed}", seed=data["seed"])
    out.print(f"{data['provenance']['result_number']}  riskfund {data['provenance']['version']}  {seed}")
    out.print(run_folder(answer.folder, w))


def run_folder(path: Any, w: Words) -> str:
    """Where a run is kept."""
    return w("Run folder: {path}", path=path)


def _told(data: dict[str, Any], w: Words) -> list[str]:
    """The answer in sentences, the advice first."""
    chance, said = data["shortfall_chance"], w.sentences(data)
    given = w("Given what is known on {on}.", on=w.date(data["information_on"]))
    lines = [w.joined([said.pop("headline"), given])]
    lines += said.values()
    lines.append(w(
        "The accounts are expected to carry over {carried}, so {top_up} must be added.",
        carried=w.money(data["carried_over_yuan"]), top_up=w.money(data["top_up_by_account_yuan"]["conservative"]),
    ))  # fmt: skip
    low, high = (w.percent(x) for x in chance["ci95"])
    lines.append(w(
        "The set size of {fund}: shortfall chance {chance} (95% interval {low} to {high}).",
        fund=w.money(data["fund_yuan"]), chance=w.percent(chance["value"]), low=low, high=high,
    ))  # fmt: skip
    lines.append(w(
        "Loans that mature up to {date} are paid from this year's fund; later ones from the next.",
        date=w.date(data["cutoff_maturity_on"]),
    ))  # fmt: skip
    how = data["sampling"]
    lines.append(w(
        "{n} histories, worth {worth} equally weighted ones; the heaviest has {share} of all weight.",
        n=w.number(data["replications"], 0), worth=w.number(how["effective_sample_size"], 0),
        share=w.percent(how["largest_weight_share"], 2),
    ))  # fmt: skip
    return lines


def failures(failed: Sequence[dict[str, Any]], lang: str) -> None:
    """Failed histories with their addresses, on standard error."""
    console, w = Console(stderr=True, highlight=False, soft_wrap=True), Words(lang)
    console.print(w("Warning: {n} histories failed and are left out; their addresses follow.", n=len(failed)))
    for f in failed[:20]:
        where = w(
            "arm {arm}, replication {replication}, seed {seed}", **{k: f[k] for k in ("arm", "replication", "seed")}
        )
        console.print(f"  {where}: {f['error']}", markup=False)


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for k, name in enumerate(columns):
        table.add_column(name, justify="left" if k == 0 else "right", overflow="fold")
    return table


def _estimate_row(name: str, e: dict[str, Any], form: Any, w: Words) -> tuple[str, str, str, str]:
    if e["value"] is None:
        return name, NOTHING, w.reason(str(e.get("reason", ""))), ""
    ci = f"{form(e['ci95'][0])} – {form(e['ci95'][1])}" if "ci95" in e else ""
    return name, form(e["value"]), ci, form(e["conservative"]) if "conservative" in e else ""


def _heads(w: Words) -> tuple[str, str, str]:
    return w("figure"), w("estimate"), w.term("interval_95")


def _needs(data: dict[str, Any], w: Words) -> Table:
    table = _table(*_heads(w), w.term("conservative"))
    for key in NEEDS:
        table.add_row(*_estimate_row(w.label(key), data[key], w.money, w))
    for group, states in (("anchor", data["need_by_anchor"]), ("opening", data["need_by_opening"])):
        for state, e in states.items():
            table.add_row(*_estimate_row(w.label(f"{group}.{state}"), e, w.money, w))
    for key in ("mean_gap_if_short_yuan", "fiscal_debt_yuan"):
        table.add_row(*_estimate_row(w.label(key), data[key], w.money, w))
    key = "oldest_wait_days_if_short"
    table.add_row(*_estimate_row(w.label(key), data[key], lambda x: w.n("{n} day", "{n} days", round(x)), w))
    return table


def _shares(data: dict[str, Any], w: Words) -> Table:
    table = _table(*_heads(w))
    for key in SHARES:
        table.add_row(*_estimate_row(w.label(key), data[key], w.percent, w)[:3])
    return table


def _truth_and_report(data: dict[str, Any], w: Words) -> Table:
    """Repayment of what fell due in the year: by households, and as it is reported."""
    table = _table(*_heads(w), title=w("What households repaid, and what is reported (mean)"))
    for key, estimate in data["truth_and_report"].items():
        kind = w.money if key.endswith("_yuan") else w.percent
        table.add_row(*_estimate_row(w.label(key), estimate, kind, w)[:3])
    return table


def _causes(data: dict[str, Any], w: Words) -> Table:
    """Why loans went bad, and how old unpaid subsidy is."""
    table = _table(*_heads(w), title=w("Causes of default, and unpaid subsidy by age (mean)"))
    for key, estimate in data["default_causes"].items():
        table.add_row(*_estimate_row(w.label(f"cause.{key}"), estimate, w.percent, w)[:3])
    for key, estimate in data["subsidy_unpaid_by_age_yuan"].items():
        table.add_row(*_estimate_row(w.label(f"age.{key}"), estimate, w.money, w)[:3])
    return table


def _people(households: dict[str, Any], w: Words) -> Table:
    """What the year means for the simulated households."""
    table = _table(*_heads(w), title=w("Households (mean)"))
    for key in (
        "over_indebted_share",
        "poor_share",
        *(
            key
            for key in ("below_floor_share", "relapsed_share", "group_helped_share", "extended_share")
            if key in households
        ),
        "refused_over_indebted_share",
        "refused_lender_waits_share",
        "refused_lender_cautious_share",
        "refused_cap_share",
        *(key for key in ("refused_stop_share", "refused_quota_share") if key in households),
    ):
        table.add_row(*_estimate_row(w.label(key), households[key], w.percent, w)[:3])
    for key, estimate in households.get("firms", {}).items():
        table.add_row(*_estimate_row(w.label(f"firms.{key}"), estimate, w.percent, w)[:3])
    for k, estimate in households["default_share_by_other_debts"].items():
        name = w("unpaid on day 90, with {k} other debts (by count)", k=k)
        table.add_row(*_estimate_row(name, estimate, w.percent, w)[:3])
    return table


def _bearers(found: dict[str, Any], w: Words) -> Table:
    """Who bears the approved losses of the year."""
    heads = w("bearer"), w("share"), w("borne"), w("waits for the fund's money"), w("returned")
    table = _table(*heads, title=w("Who bears the year's approved losses (means)"))
    for bearer, row in found.items():
        amounts = [w.money(row[f"{what}_yuan"]["value"]) for what in ("borne", "waiting", "returned")]
        table.add_row(w.bearer(bearer), w.percent(row["share"]), *amounts)
    return table


def _amounts(title: str, rows: dict[str, Any], w: Words) -> Table:
    table = _table(*_heads(w), title=title)
    for key, e in rows.items():
        table.add_row(*_estimate_row(w.label(key.removesuffix("_yuan")), e, w.money, w)[:3])
    return table


def _lenders(data: dict[str, Any], scenario: sim.Scenario, w: Words) -> Table:
    heads = (w.term("lender"), w.label("need_yuan"), w.term("interval_95"), w.label("shortfall_chance"))
    table = _table(*heads, title=w("Lenders' figures do not add up to the total."))
    labels = {lender.key: lender.label.get(w.lang) for lender in scenario.lenders}
    for key, e in data["by_lender"].items():
        name, value, ci, _ = _estimate_row(labels[key], e["need_yuan"], w.money, w)
        table.add_row(name, value, ci, w.percent(e["shortfall_chance"]["value"]))
    return table


def _drivers(drivers: dict[str, Any], w: Words, out: Console) -> None:
    """Need and defaults with sets of the present drivers on, the interaction, and who defaults only because of delay."""
    here = drivers["present"]
    names = {d: w.label(f"driver.{d}") for d in ORDER}
    rows = {"none": w("none of them")}
    if len(here) > 1:
        rows |= {set_name({d}): w("only {driver}", driver=names[d]) for d in here}
    if len(here) > 2:
        rows |= {set_name(set(here) - {d}): w("all but {driver}", driver=names[d]) for d in here}
    rows[set_name(here)] = w("all (this answer)")
    heads = (w("drivers that act"), w.term("fund_need"), w.term("interval_95"), w.label("need_mean_yuan"), w.term("default_share"))  # fmt: skip
    table = _table(*heads, title=w("Drivers of default, switched on and off (same random numbers)"))
    for key, label in rows.items():
        arm = drivers["arms"][key]
        name, value, ci, _ = _estimate_row(label, arm["need_yuan"], w.money, w)
        table.add_row(
            name, value, ci, w.money(arm["need_mean_yuan"]["value"]), w.percent(arm["default_share"]["value"])
        )
    out.print(table)
    for line in _about_drivers(drivers, names, w):
        out.print(line, markup=False)


def _about_drivers(drivers: dict[str, Any], names: dict[str, str], w: Words) -> list[str]:
    """What the table of drivers does not say: what is not switched, what they do together, whom delay alone ruins."""
    lines = []
    if drivers["absent"]:
        why = [
            w("{driver} ({reason})", driver=names[d], reason=w.reason(text)) for d, text in drivers["absent"].items()
        ]
        lines.append(w("Not switched: {drivers}.", drivers=w.listed(why)))
    if len(drivers["present"]) > 1:
        need, mean = (drivers["effects"][k]["interaction"] for k in ("need_yuan", "need_mean_yuan"))
        (low, high), (mean_low, mean_high) = ([w.money(x) for x in e["ci95"]] for e in (need, mean))
        lines.append(w(
            "Interaction (what they add together beyond the sum of each alone): need {need} (95% interval {low} to {high}), mean need {mean} ({mean_low} to {mean_high}).",
            need=w.money(need["value"]), low=low, high=high,
            mean=w.money(mean["value"]), mean_low=mean_low, mean_high=mean_high,
        ))  # fmt: skip
    late = drivers["only_because_late"]
    if "households_per_history" in late:
        households = late["households_per_history"]
        low, high = (w.number(x, 1) for x in households["ci95"])
        lines.append(w(
            "In a mean year {households} households (95% interval {low} to {high}) default only because the subsidy came late, with {share} of the year's defaulted loans; loan by loan in only-because-late.csv of the run folder.",
            households=w.number(households["value"], 1), low=low, high=high,
            share=w.percent(late["share_of_defaults"]["value"]),
        ))  # fmt: skip
    return lines


def outside(marks: dict[str, Any], w: Words, *, on_error: bool = False) -> None:
    """Which scenarios stand under a rule pack that is outside its dates."""
    out = Console(stderr=True, highlight=False, soft_wrap=True) if on_error else stdout()
    for name, mark in marks.items():
        out.print(f"[{name}: {w.outside(mark)}]", markup=False)


def comparison(
    rows: list[dict[str, Any]],
    base: sim.Scenario,
    differs: dict[str, dict[str, tuple[Any, Any]]],
    lang: str,
    note: dict[str, Any],
) -> None:
    """A table for each other scenario; differences that the noise covers say so."""
    out, w = stdout(), Words(lang)
    if base.is_demonstration:
        out.print(f"[{w('Demonstration data: not for a budget')}]", markup=False)
    for line in fit_table.taken_over(base, w):
        out.print(line, markup=False)
    for name, fields in differs.items():
        text = "; ".join(f"{k}: {a} -> {b}" for k, (a, b) in fields.items()) or w.label("none")
        out.print(f"{name} — {w('what differs')}: {text}", markup=False)
        title = w("Differences to {base} (same random numbers, all from the base's opening state)", base=base.name)
        heads = (w("figure"), base.name, name, w("difference"), w.term("interval_95"), "")
        table = _table(*heads, title=f"{base.sized_year}  {title}")
        for row in rows:
            if row["scenario"] == name:
                table.add_row(*_difference_row(row, w))
        out.print(table)
    out.print(w(
        "What is paid in a later year is no saving: see the rows on claims in process and the run-off. {n} histories, assurance {assurance}, seed {seed}.",
        **note,
    ))  # fmt: skip


def _difference_row(row: dict[str, Any], w: Words) -> tuple[str, ...]:
    form = w.money if "_yuan" in row["metric"] else w.percent
    d = row["difference"]
    low, high = d.ci95
    remark = w("(no difference)") if low == high == 0 else w("(not distinguishable)") if low <= 0 <= high else ""
    interval = f"{form(low)} – {form(high)}"
    return w.label(row["metric"]), form(row["base"]), form(row["other"]), form(d.value), interval, remark


def step_text(step: sim.Step, lang: str) -> str:
    """One line of a trace in words."""
    w = Words(lang)
    values: dict[str, Any] = {}
    for name, amount in step.amounts.items():
        if name.endswith("_ppm"):
            values[name.removesuffix("_ppm")] = f"{amount / 10_000:.4g}%"
        else:
            values[name] = amount if name in ("days", "months") else w.exact_yuan(amount)
    for name, words in step.names.items():
        values[name] = w.label(words) if isinstance(words, str) else words.get(lang)
    return w.label(step.what if "." in step.what else f"step.{step.what}", **values)


def step_json(step: sim.Step, lang: str) -> dict[str, Any]:
    """One line of a trace as plain values, its words included."""
    return {
        "on": step.on.isoformat(), "what": step.what, "text": step_text(step, lang), "rule": step.rule, "source": step.source,
        "amounts": step.amounts,
    }  # fmt: skip


def steps(items: list[sim.Step], lang: str) -> None:
    """A loan's life, the article beside each step."""
    out, w = stdout(), Words(lang)
    for step in items:
        out.print(f"{step.on}  {step_text(step, lang)}  [{w.source(step.source) or NOTHING}]", markup=False)


FLOWS = (
    "income", "refund", "sold", "borrowed", "spent", "interest", "loan", "others", "collected", "paid_back", "from_group",
    "to_group", "informal_after",
)  # fmt: skip


def household(story: sim.HouseholdStory, lang: str) -> None:
    """Who a household is, then month by month what happened, and its money."""
    out, w = stdout(), Words(lang)
    for line in who(story.household, lang):
        out.print(line, markup=False)
    told = iter([*story.steps, None])
    step = next(told)
    for month in story.months:
        while step is not None and step.on <= month.on:
            article = f"  [{w.source(step.source)}]" if step.source else ""
            out.print(f"{step.on}  {step_text(step, lang)}{article}", markup=False)
            step = next(told)
        amounts = {name: getattr(month, name) for name in FLOWS} | {"income": sum(month.income.values())}
        flows = [w.label(f"flow.{name}", fen=w.exact_yuan(fen)) for name, fen in amounts.items() if fen]
        before, after = w.exact_yuan(month.cash_before), w.exact_yuan(month.cash_after)
        line = w.label("month_line", before=before, after=after, flows=w.listed(flows))
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
    w = Words(lang)
    sex, category = w.label("man" if facts["is_man"] else "woman"), w.label(f"category.{facts['category']}")
    plain = {k: facts[k] for k in ("id", "village", "persons", "workers", "age", "rating")}
    township, lender = facts["township"].get(lang), facts["lender"].get(lang)
    lines = [w.label("who", sex=sex, category=category, township=township, lender=lender, **plain)]
    sources = [w.label(f"income.{k}") + " " + w.exact_yuan(v) for k, v in facts["income_fen"].items()]
    total, rain = w.exact_yuan(sum(facts["income_fen"].values())), w.percent(facts["rain_fed_ppm"] / 1e6)
    lines.append(w.label("who_income", total=total, parts=w.listed(sources), rain=rain))
    lines.append(w.label("who_money", **{k: w.exact_yuan(facts[f"{k}_fen"]) for k in ("cash", "informal", "savings")}))
    for debt in facts["other_debts"]:
        lines.append(w.label(
            "who_debt", debt=debt["product"].get(lang), payment=w.exact_yuan(debt["payment_fen"]),
            months=debt["every_months"], calendar=w.month(debt["calendar_month"]),
        ))  # fmt: skip
    if not facts["may_borrow"]:
        lines.append(w.label("who_may_not"))
    return lines
