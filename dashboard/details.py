"""What an answer says beside the size, in blocks that pages and exports share: a block says only what its scenario has.

Truth and report, unpaid subsidy by age, what the year brings each lender, rules that stop lending, a cap on the year's
payments, insurance, and the years ahead. A mechanism that is off, or a row that is nothing in every column, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.words import Words
from dashboard.words.labels import N_
from sim.answers.answer import Answer
from sim.insurance import INDEX, LOANS, PAYERS
from sim.lending.classes import CLASSES

E = Mapping[str, Any]  # an estimate as the answer holds it
POLICIES = {
    "refill": N_("filled up every 1 January"), "no_top_up": N_("never filled up"),
    "top_up_mean": N_("a mean year's cost every year"), "by_rule": N_("as the rules say"),
}  # fmt: skip
_REPORT = (
    "repaid_on_date_share", "repaid_by_households_share", "county_paid_share", "hidden_default_share", "repayment_rate_reported",
    "overdue_share_reported", "bad_loan_ratio_reported", "renewed_booked_share", "lent_share_of_stock", "town_debt_yuan",
)  # fmt: skip
_IF_THERE = ("county_paid_share", "hidden_default_share", "renewed_booked_share", "town_debt_yuan")
_EARNED = ("interest", "late_interest", "recovered")
_SPENT = ("funding_cost", "receivable_cost", "provisions_added", "losses", "collection_fee")


@dataclass(frozen=True)
class Line:
    """A row: name, what it is measured in, and an estimate for each column.

    Parameters
    ----------
    unit : {"money", "share", "count", "months", "days"}
    """

    key: str
    name: str
    unit: str
    estimates: Sequence[E]

    def say(self, e: E, w: Words) -> str:
        """An estimate in words."""
        return w.value(e, form_of(self.unit, w))

    def interval(self, e: E, w: Words) -> str:
        """Its interval."""
        return w.interval(e.get("ci95"), None if self.unit == "money" else form_of(self.unit, w))


@dataclass(frozen=True)
class Block:
    """A table; with one column each row has its interval beside it."""

    key: str
    title: str
    columns: Sequence[str]
    lines: Sequence[Line]
    note: str = ""
    head: str = ""  # of the names; by default "figure"

    def table(self, w: Words) -> tuple[list[str], list[list[str]]]:
        """Heads and rows in words."""
        if len(self.columns) == 1:
            rows = [[x.name, x.say(x.estimates[0], w), x.interval(x.estimates[0], w)] for x in self.lines]
            return [self.head or w("figure"), *self.columns, w.term("interval_95")], rows
        return [self.head or w("figure"), *self.columns], [
            [x.name, *(x.say(e, w) for e in x.estimates)] for x in self.lines
        ]


def form_of(unit: str, w: Words) -> Callable[[float], str]:
    """How a number of a unit is written."""
    forms: dict[str, Callable[[float], str]] = {
        "money": w.money, "share": w.percent, "count": lambda x: w.number(x, 1),
        "months": lambda x: w("{n} months", n=w.number(x, 1)), "days": lambda x: w.n("{n} day", "{n} days", round(x)),
    }  # fmt: skip
    return forms[unit]


def blocks(answer: Answer, w: Words) -> list[Block]:
    """Every block of which the scenario has something, in the order in which a planner asks."""
    ahead = answer.data["years"]
    made = [make(answer, w) for make in (report, subsidy, lenders, stops, cap, insurance)]
    return [block for block in (*made, years(ahead, w), years_cost(ahead, w)) if block is not None]


def _block(key: str, title: str, columns: Sequence[str], lines: Sequence[Line], note: str = "") -> Block | None:
    return Block(key, title, columns, lines, note) if lines else None


def _is_something(e: E) -> bool:
    return bool(e.get("value"))


# --- households and what is said of them -------------------------------------------------------------


def report(answer: Answer, w: Words) -> Block | None:
    """Repayment as households made it, as lenders book it, as it is reported."""
    found = {**answer.data, **answer.data["truth_and_report"]}
    lines = [
        Line(key, w.label(key), "money" if key.endswith("_yuan") else "share", [found[key]])
        for key in _REPORT
        if found[key].get("value") is not None and (key not in _IF_THERE or _is_something(found[key]))
    ]
    note = w("Reported as repaid is all that is not booked as overdue on 31 December: also what was renewed, written off, or paid by the county or the fund.")  # fmt: skip
    return _block("report", w("What households repaid, what lenders book, what is reported"), [w("estimate")], lines, note)  # fmt: skip


def subsidy(answer: Answer, w: Words) -> Block | None:
    """Unpaid subsidy by age; nothing where all of it came in time."""
    ages = answer.data["subsidy_unpaid_by_age_yuan"]
    if not any(_is_something(e) for e in ages.values()):
        return None
    lines = [Line(f"age.{key}", w.label(f"age.{key}"), "money", [e]) for key, e in ages.items()]
    return _block("subsidy", w("Unpaid subsidy by age (mean on 31 December)"), [w("estimate")], lines)


# --- lenders -----------------------------------------------------------------------------------------


def lenders(answer: Answer, w: Words) -> Block | None:
    """What the year brings each lender and costs it, and what stands on its books."""
    found = answer.data["lenders"]
    if any("margin_yuan" not in of_one for of_one in found.values()):
        return None
    names = [lender.label.get(w.lang) for lender in answer.scenario.lenders]
    keys = [*_EARNED, *_SPENT, "margin", "receivable", "provisions"]
    keys += [f"{what}_{name}" for what in ("booked", "collected") for name in CLASSES]
    lines = [_of_lenders(f"{key}_yuan", found, w) for key in keys]
    note = w("Means of the year. Margin: interest, late interest and what came back, less the cost of money, provisions, losses and fees. Classes as booked on 31 December; collected: in the year, by the class in which the loan was.")  # fmt: skip
    shown = [x for x in lines if any(_is_something(e) for e in x.estimates)]
    return _block("lenders", w("What the year brings each lender"), names, shown, note)


def _of_lenders(key: str, found: Mapping[str, Mapping[str, E]], w: Words) -> Line:
    return Line(f"lender.{key}", w.label(f"lender.{key}"), "money", [of_one[key] for of_one in found.values()])


def stops(answer: Answer, w: Words) -> Block | None:
    """How often a rule stops lending or a quota is used up; nothing where the rules have neither."""
    found = answer.data["lending_stops"]
    labels = {lender.key: lender.label.get(w.lang) for lender in answer.scenario.lenders}
    lines = []
    if "stopped_chance" in found:
        lines.append(Line("stopped_chance", w("years in which a rule stops lending"), "share", [found["stopped_chance"]]))  # fmt: skip
    for key, e in found.get("months_stopped", {}).items():
        name = w("{lender}: months of the year in which lending is stopped", lender=labels[key])
        lines.append(Line(f"months_stopped.{key}", name, "months", [e]))
    for key, e in found.get("applications_by_rule", {}).items():
        lines.append(Line(f"refused_by.{key}", w.label(f"refused_by.{key}"), "count", [e]))
    return _block("stops", w("When rules stop lending (mean year, with the size set today)"), [w("estimate")], lines)


# --- money -------------------------------------------------------------------------------------------


def cap(answer: Answer, w: Words) -> Block | None:
    """A cap on the year's payments: how often it holds claims back, how much, how long."""
    found = answer.data.get("payout_cap")
    if found is None:
        return None
    lines = [
        Line("payout_cap.chance", w("years in which the cap holds claims back"), "share", [found["chance"]]),
        Line("payout_cap.waiting_yuan", w("held back in those years, mean"), "money", [found["waiting_yuan"]]),
        Line("payout_cap.longest_wait_days", w("longest wait in those years, mean"), "days", [found["longest_wait_days"]]),
    ]  # fmt: skip
    return _block("cap", w("The cap on the year's payments"), [w("estimate")], lines)


def insurance(answer: Answer, w: Words) -> Block | None:
    """Premiums and payments by kind of cover, who pays them, and how far an index stands for the loss."""
    found = answer.data.get("insurance")
    if found is None:
        return None
    lines = []
    for kind in (k for k in (LOANS, INDEX) if k in found):
        units = {
            "premium_yuan": "money",
            "paid_yuan": "money",
            "loss_ratio": "share",
            "correlation_with_own_loss": "count",
        }
        lines += [
            Line(f"insurance.{kind}.{key}", w.label(f"insurance.{kind}.{key}"), unit, [found[kind][key]])
            for key, unit in units.items() if key in found[kind]
        ]  # fmt: skip
    for payer in PAYERS:
        key, e = f"insurance.premium_by.{payer}", found["premium_by_payer_yuan"][payer]
        lines += [Line(key, w.label(key), "money", [e])] if _is_something(e) else []
    return _block("insurance", w("Insurance in the year (means)"), [w("estimate")], lines)


# --- years -------------------------------------------------------------------------------------------


def years(found: Mapping[str, Any], w: Words) -> Block | None:
    """Chance of a shortfall in the year and the three after it, by how the fund is filled up; of an answer's ``years``."""
    policies = [p for p in POLICIES if p in found]
    if not policies:
        return None
    lines = [
        Line(f"years.{p}", w(POLICIES[p]), "share", [
            *found[p]["short_by_year"].values(), found[p]["short_in_any_year"], found[p]["short_two_years_running"],
        ])
        for p in policies
    ]  # fmt: skip
    columns = [*found[policies[0]]["short_by_year"], w("in any of them"), w("two years running")]
    title = w("Chance of a shortfall, starting with {size}", size=w.advised(found["fund_yuan"]))
    return Block("years", title, columns, lines, head=w("policy"))


def years_cost(found: Mapping[str, Any], w: Words) -> Block | None:
    """What each way of filling up costs on 1 January of the years after the first."""
    policies = [p for p in POLICIES if p in found and p != "no_top_up"]
    if not policies:
        return None
    lines = [Line(f"years.{p}.paid_in", w(POLICIES[p]), "money", list(found[p]["paid_in_yuan"].values())) for p in policies]  # fmt: skip
    return Block(
        "years_cost", w("Paid in on 1 January, mean"), list(found[policies[0]]["paid_in_yuan"]), lines, head=w("policy")
    )
