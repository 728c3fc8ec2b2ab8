"""One loan's life in dates, words, articles and amounts: a made-up loan, or one of a simulated history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sim import clock
from sim.arms import horizon
from sim.clock import Calendar
from sim.errors import InputError
from sim.fund import claims as fund_claims
from sim.fund.account import handed_over_on
from sim.fund.claims import FAR, NEVER
from sim.fund.days import decision_days, entitled_on, filing_days, walk
from sim.households.reduced_form import CAUSES, DEFAULTED
from sim.law import Rules, load_rates, vocabulary
from sim.law.chain import START, ClaimStep
from sim.law.pack import load_calendar
from sim.lending.applications import rate_ppm
from sim.lending.loans import Loans
from sim.parameters import of_history
from sim.reading import Text
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.units import FEN_PER_YUAN, I64, percent_to_ppm
from sim.warmup import opening_state
from sim.world import Setup, World


@dataclass(frozen=True)
class Step:
    """One line of a trace.

    Attributes
    ----------
    on : date
    what : str
        Key of the sentence (`dashboard.words.labels` holds it).
    rule : str
        Parameter of the rule pack behind the step, "" where the step is the household's own.
    source : str
        Article or assumption behind that rule.
    amounts : dict of str -> int [fen]
        Keys that end in ``_ppm`` are parts per million; ``days`` and ``months`` are counts.
    names : dict of str -> Text or str
        Words of the sentence: in both languages, or the key of a text.
    """

    on: dt.date
    what: str
    rule: str = ""
    source: str = ""
    amounts: dict[str, int] = field(default_factory=dict)
    names: dict[str, Text | str] = field(default_factory=dict)


def trace_unpaid(
    scenario: Scenario, matures: dt.date, *, principal_yuan: float = 50_000, term_months: int | None = None,
    rate_percent: float | None = None, cause: str = "inability", recovered_yuan: float | None = None,
) -> list[Step]:  # fmt: skip
    """A made-up loan that matures on a day and is not repaid, through every step of the rules.

    Parameters
    ----------
    scenario : Scenario
    matures : date
    principal_yuan, term_months
        Within the pack's ceiling and longest term; by default 36 months or, where that is shorter, the longest term.
    rate_percent : float, optional
        Contract rate [% a year]; by default the pack's rate table on the day of signing.
    cause : str
        One of `CAUSES`.
    recovered_yuan : float, optional
        Also show how money collected after the payment is shared.

    Returns
    -------
    list of Step, in order of date.

    Raises
    ------
    InputError
    """
    rules, calendar, rates = scenario.law(), load_calendar(), load_rates()
    term_months = min(36, rules.loan.term_max_months) if term_months is None else term_months
    _check_made_up(rules, matures, principal_yuan, term_months, cause)
    for name, given, most, words in (
        ("rate", rate_percent, 36, "0 to 36 per cent a year"),
        ("recovered", recovered_yuan, 2 * principal_yuan, "0 yuan to twice the principal"),
    ):
        if given is not None and not 0 <= given <= most:
            raise InputError("command", name, given, words)
    due = clock.day_of(matures)
    start = int(clock.add_months(np.array([due]), -term_months)[0])
    principal = round(principal_yuan * FEN_PER_YUAN)
    table = rate_ppm(rules, rates, np.array([start]), np.array([term_months]))
    rate = percent_to_ppm(rate_percent) if rate_percent is not None else int(table[0])
    code = np.array([CAUSES.index(cause)])
    entitled, filed, _, ready_on = fund_claims.chain(
        rules, calendar, np.array([due]), code, scenario.defaults.court_days
    )
    meetings = decision_days(rules, calendar, int(ready_on[0]), int(ready_on[0]) + 500)
    meeting, pays = fund_claims.payment_due(rules, calendar, ready_on, meetings, np.array([0]))
    amount = int(fund_claims.claim_amount(rules, principal, rate, due, int(filed[0])))
    fund, bank = (int(fen) for fen in fund_claims.split(rules, amount))
    steps = [
        _step(rules, start, "made", _rate_rule(term_months > 12), principal=principal, rate_ppm=rate),
        *_subsidy_over(rules, start, due, int(entitled[0])),
        _missed(rules, "matured", start, due, int(entitled[0]), principal=principal),
        *_unpaid_steps(rules, calendar, due, int(entitled[0]), int(filed[0]), None, principal, amount),
    ]  # fmt: skip
    steps.sort(key=lambda step: step.on)
    if not fund_claims.is_compensable(rules, code)[0]:
        rule = "claim.wilful_default" if cause == "wilful" else "claim.compensable_causes"
        return [*steps, _step(rules, int(meeting[0]), _by_whom(rules, "refused"), rule, claim=amount)]
    steps += [
        _step(rules, int(meeting[0]), _by_whom(rules, "approved"), _decision_rule(rules), claim=amount),
        *_steps_after(rules, calendar, int(meeting[0])),
        _paid(rules, int(pays[0]), fund, bank, amount - fund - bank),
    ]
    if recovered_yuan is not None:
        recovered = round(recovered_yuan * FEN_PER_YUAN)
        to_fund, to_bank = fund_claims.return_of(rules, int(code[0]), recovered, fund, amount - fund - bank)
        rule = "recovery.wilful" if cause == "wilful" else "recovery.split"
        steps.append(_recovered(rules, int(pays[0]), rule, recovered, to_fund, to_bank))
        handed = int(handed_over_on(rules, calendar, pays)[0])
        within = rules.recovery.return_working_days is not None
        rule = "recovery.return_working_days" if within else "recovery.returned_at"
        steps += [_step(rules, handed, "handed_over", rule, fund=to_fund)] if to_fund else []
    return steps


def _end_of_subsidy(rules: Rules, start: int, due: int, entitled: int) -> tuple[int, str]:
    """First day without subsidy of a loan that is not repaid on its date, and the rule that ends it."""
    subsidy = rules.subsidy
    ends = [(due if subsidy.stops_at == "maturity" else entitled, "subsidy.stops_at")]
    if subsidy.months is not None:
        ends.append((int(clock.add_months(np.array([start]), subsidy.months)[0]), "subsidy.months"))
    if subsidy.until is not None:
        ends.append((clock.day_of(dt.date.fromisoformat(subsidy.until)) + 1, "subsidy.until"))
    day, rule = min(ends, key=lambda end: end[0])
    return max(day, start), rule


def _subsidy_over(rules: Rules, start: int, due: int, entitled: int) -> list[Step]:
    """The end of the subsidy, where it is not the date of repayment."""
    day, rule = _end_of_subsidy(rules, start, due, entitled)
    return [_step(rules, day, "subsidy_over", rule)] if day != due else []


def _missed(rules: Rules, what: str, start: int, due: int, entitled: int, **amounts: int) -> Step:
    """The date passes without payment: ``what`` says that the subsidy ends as well, where it does."""
    day, rule = _end_of_subsidy(rules, start, due, entitled)
    if day == due:
        return _step(rules, due, what, rule, **amounts)
    return _step(rules, due, f"{what}_only", "claim.counts_from", **amounts)


def _check_made_up(rules: Rules, matures: dt.date, principal_yuan: float, term_months: int, cause: str) -> None:
    """A made-up loan must be one that the rules allow."""
    if cause not in CAUSES:
        raise InputError("command", "cause", cause, f"one of {list(CAUSES)}", CAUSES)
    for name, value, limit, unit, key in (
        ("principal", principal_yuan, rules.loan.most_yuan, "yuan", rules.loan.most_rule),
        ("term", term_months, rules.loan.term_max_months, "months", "loan.term_max_months"),
    ):
        if not 0 < value <= limit:
            raise InputError("command", name, value, f"more than 0, at most {limit} {unit} ({rules.sources[key]})")
    if not 2006 <= matures.year <= 2040:
        raise InputError("command", "matures", matures.isoformat(), "a date from 2006 to 2040")


def trace_history(
    scenario: Scenario, *, loan_id: int | None = None, replication: int = 0, seed: int = 2027
) -> list[Step]:
    """A loan of one simulated history; the first one that the fund paid when no id is given.

    Raises
    ------
    InputError
        No such loan in this history.
    """
    if replication < 0:
        raise InputError("command", "replication", replication, "0 or more")
    there = of_history(scenario, seed, replication)  # the run's own history, its parameters too
    setup = prepare(there, seed, opening_state(there), horizon(there))
    world = simulate(setup, replication)
    row = _row_of(setup, world, loan_id)
    rules, loans, fates, claims = setup.rules, world.loans, world.fates, world.claims
    balance = int(loans.balance[row])
    steps = [made_step(rules, loans, row)]
    if fates.renewed[row]:
        steps.append(_step(rules, int(loans.due[row]), "renewed", "loan.renewals_max"))
    claim = np.flatnonzero(claims.row == row)
    if fates.fate[row] != DEFAULTED:
        what = "repaid_late" if fates.repaid[row] > fates.missed[row] else "repaid"
        return [*steps, _step(rules, int(fates.repaid[row]), what, "subsidy.stops_at", principal=balance)]
    if claim.size == 0:
        start, missed = int(loans.start[row]), int(fates.missed[row])
        entitled = int(entitled_on(rules, setup.calendar, np.array([missed]))[0])
        return [*steps, _missed(rules, "missed", start, missed, entitled, principal=balance)]
    return steps + claim_steps(setup, world.flows, claims, int(claim[0]), int(loans.start[row]))


def made_step(rules: Rules, loans: Loans, row: int) -> Step:
    """The loan is made."""
    rule = _rate_rule(int(loans.due[row] - loans.start[row]) > 366)
    terms = {"principal": int(loans.balance[row]), "rate_ppm": int(loans.rate_ppm[row]), "loan_id": int(loans.id[row])}
    return _step(rules, int(loans.start[row]), "made", rule, **terms)


def _row_of(setup: Setup, world: World, loan_id: int | None) -> int:
    """Row of a loan; of the first that the fund paid in this history when no id is given."""
    claims, ids = world.claims, world.loans.id
    if loan_id is None:
        paid = np.flatnonzero((claims.paid > 0) & (claims.due >= setup.first_day))
        if paid.size == 0:
            raise InputError("command", "loan", None, "a loan id; no loan of this history was paid by the fund")
        return int(claims.row[paid[0]])
    found = np.flatnonzero(ids == loan_id)
    if found.size == 0:
        example = f", for example {int(ids[0])}" if ids.size else ""
        where = f"a loan of history {world.replication} with seed {setup.seed}{example}"
        raise InputError("command", "loan", loan_id, where)
    return int(found[0])


def _rate_rule(is_long: bool) -> str:
    return "loan.rate_over_one_year" if is_long else "loan.rate_up_to_one_year"


def claim_steps(setup: Setup, flows: Any, claims: Any, i: int, start: int) -> list[Step]:
    """A claim on its way, as far as the history goes; ``start`` is the day on which its loan was made."""
    rules = setup.rules
    amount, principal = int(claims.amount[i]), int(claims.principal[i])
    missed, entitled, filed = int(claims.missed[i]), int(claims.entitled[i]), int(claims.filed[i])
    steps = [
        _missed(rules, "missed", start, missed, entitled, principal=principal, cause=int(claims.cause[i])),
        *_unpaid_steps(rules, setup.calendar, missed, entitled, filed, int(claims.reviewed[i]), principal, amount),
    ]  # fmt: skip
    if claims.decided[i] > 0:
        what = "refused" if claims.is_refused[i] else "approved"
        steps.append(_step(rules, int(claims.decided[i]), _by_whom(rules, what), _decision_rule(rules), claim=amount))
        if not claims.is_refused[i]:
            steps += _steps_after(rules, setup.calendar, int(claims.decided[i]))
    for at, day, fen in flows.payments:
        if at == i:
            steps.append(_paid(rules, day, fen, int(claims.bank_part[i]), int(claims.direct_part[i])))
    for at, day, fen in flows.backstop:
        if at == i:
            steps.append(_step(rules, day, "paid_by_county", "fund.backstop_on", fund=fen))
    back = [(day, f, b) for at, day, f, b in flows.returns if at == i]
    if back:
        day, fund, bank = back[0]
        steps.append(_recovered(rules, day, "recovery.split", amount, fund, bank))
    elif claims.recovered_on[i] < FAR and claims.recovered_on[i] <= setup.last_day:
        steps.append(
            _step(rules, int(claims.recovered_on[i]), "collected_first", "claim.counts_from", recovered=amount)
        )
    return sorted((s for s in steps if clock.day_of(s.on) <= setup.last_day), key=lambda s: s.on)


def _unpaid_steps(
    rules: Rules, calendar: Calendar, due: int, entitled: int, filed: int, reviewed: int | None, principal: int, amount: int
) -> list[Step]:  # fmt: skip
    """From the missed date, itself not told, to the decision: the pack's own steps, the clerks' on the day they were done.

    ``reviewed`` is None where no clerk holds the claim up, NEVER where they have not come to it.
    """
    chain = rules.claim.steps
    at = {START: np.array([entitled]), chain.application.name: np.array([filed])}
    waits: set[str] = set()
    if chain.queue is not None and reviewed is not None:
        at[chain.queue.name] = np.array([reviewed])
        waits = {chain.queue.name, *(s.name for s in chain.behind_queue)} if reviewed == NEVER else set()
    walk(chain.before, at, calendar)
    covered = int(fund_claims.covered(rules, principal))
    amounts = {"claim": amount, "principal": principal, "interest": amount - covered, "days": filed - due}
    if covered < principal:
        amounts["covered"] = covered
    what = "filed" if covered == principal else "filed_in_part"
    done = [
        _step(rules, filed, what, _rule(s), **amounts) if s == chain.application else _done(rules, s, at)
        for s in chain.before
        if s.name not in waits
    ]
    may_file = filing_days(rules, calendar)
    if filed in may_file and filed - 1 not in may_file:
        done.insert(0, _step(rules, filed, "window", "claim.windows"))
    unit = "entitled" if rules.claim.wait_unit == "days" else "entitled_working"
    return [
        _step(rules, due, "penalty", "claim.penalty_multiplier"),
        _step(rules, entitled, unit, "claim.wait_days", days=rules.claim.wait_days),
        *sorted(done, key=lambda step: step.on),
    ]


def _steps_after(rules: Rules, calendar: Calendar, decided: int) -> list[Step]:
    """From the approval to the day of payment."""
    chain = rules.claim.steps
    at = {chain.decision.name: np.array([decided])}
    walk(chain.after, at, calendar)
    return [_done(rules, s, at) for s in chain.after]


def _rule(step: ClaimStep) -> str:
    return f"claim.steps.{step.name}"


def _by_whom(rules: Rules, what: str) -> str:
    """A decision without its meeting where the pack has none."""
    return what if rules.claim.steps.decision.kind == "meeting" else f"{what}_without_meeting"


def _decision_rule(rules: Rules) -> str:
    """The calendar of the meetings where there is one, else the step itself."""
    decision = rules.claim.steps.decision
    return "claim.meetings" if decision.kind == "meeting" else _rule(decision)


def _done(rules: Rules, step: ClaimStep, at: dict[str, I64]) -> Step:
    """A step of the chain that is no more than the time it takes."""
    words = vocabulary()["claim.steps"].readings[step.actor]
    done = _step(rules, int(at[step.name][0]), "done", _rule(step))
    return replace(done, names={"step": Text(zh=words["zh"], en=words["en"])})


def _paid(rules: Rules, day: int, fund: int, bank: int, others: int) -> Step:
    if others:
        return _step(rules, day, "paid_by_all", "loss.shares", fund=fund, others=others, bank=bank)
    return _step(rules, day, "paid", "loss.shares", fund=fund, bank=bank)


def _recovered(rules: Rules, day: int, rule: str, recovered: int, fund: int, bank: int) -> Step:
    others = recovered - fund - bank
    if others:
        return _step(rules, day, "recovered_by_all", rule, recovered=recovered, fund=fund, others=others, bank=bank)
    return _step(rules, day, "recovered", rule, recovered=recovered, fund=fund, bank=bank)


def _step(rules: Rules, day: int, what: str, rule: str, **amounts: int) -> Step:
    return Step(clock.date_of(day), what, rule, rules.sources.get(rule, ""), amounts)
