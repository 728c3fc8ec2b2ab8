"""A claim on the fund: the dates of its chain, its amount, what decides it and what comes back.

Dates follow from the missed date by arithmetic, except that claims wait for the office's clerks and for
the meeting; those waits are made by the processes in `fund.meetings` and `fiscal.office`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from sim.clock import Calendar
from sim.fund.days import begin, decision_days, entitled_on, filing_days, pay_days, walk
from sim.law import Rules
from sim.law.chain import START
from sim.scenario import Defaults
from sim.streams import stream_key, uniforms
from sim.units import F64, FEN_PER_YUAN, I64, PPM, Array, Bool, interest, share_of

NEVER = -1
FAR = 10_000_000  # a day beyond every horizon
WRITTEN_OFF_AFTER = 365  # days from a refusal until the lender writes the loan off: an assumption
_WILFUL = 3
_DEATH = 1
_INABILITY = 0


@dataclass
class Claims:
    """Claims as arrays (n,), in order of claim id (day 90, then loan id). Filled in as time goes on.

    Attributes
    ----------
    row
        Row of the loan in the history's book.
    lender, cause
    principal : [fen]
        Outstanding principal of the loan.
    missed, entitled, filed, arrives, ready_on : [day]
        Missed date, day 90, bank's application, the file on the clerks' desk, and the day on which a meeting could
        decide it if no clerk held it up.
    amount : [fen]
        Claim at the application: covered principal and interest.
    fund_part, bank_part : [fen]
        What the fund's account pays and what the bank bears; what is left others pay themselves (`direct_part`).
    is_refused, has_objection : bool
        What the leading group will find.
    recovered_on : [day]
        When collection succeeds; FAR if never within sight.
    reviewed, decided, due : [day]
        Clerks done; meeting that decided; day the payment falls due. NEVER until then.
    paid : [fen]
        Paid by the fund so far.
    first_wait, paid_on : [day]
        First day the claim was due and unpaid for want of money; day of the last payment.
    insurer_part, insurer_on : [fen, day]
        What an insurer bears, and when it pays, if the loan has not been collected by then. ``amount`` is the sum of
        the three parts.
    """

    row: I64
    lender: I64
    cause: I64
    principal: I64
    missed: I64
    entitled: I64
    filed: I64
    arrives: I64
    ready_on: I64
    amount: I64
    fund_part: I64
    bank_part: I64
    is_refused: Bool
    has_objection: Bool
    recovered_on: I64
    reviewed: I64
    decided: I64
    due: I64
    paid: I64
    first_wait: I64
    paid_on: I64
    insurer_part: I64
    insurer_on: I64
    room: tuple[Array, Array] = field(default=(np.zeros((0, 0)), np.zeros((2, 0))), repr=False)

    def __len__(self) -> int:
        return int(self.row.size)

    @property
    def direct_part(self) -> I64:
        """What other bearers pay themselves on the day of payment [fen]."""
        return self.amount - self.insurer_part - self.fund_part - self.bank_part

    def take(self, rows: Array) -> Claims:
        """Some of the claims, in the given order."""
        return Claims(**{name: getattr(self, name)[rows] for name in FIELDS})

    def paid_by_insurer(self, day: int) -> I64:
        """What the insurer has paid on each claim by the end of a day [fen]."""
        has_paid = (self.insurer_on <= day) & (self.insurer_on < self.recovered_on)
        return np.where(has_paid, self.insurer_part, 0)

    def append(self, columns: I64) -> None:
        """Add claims, later ones in order of claim id; the stages they have not reached are NEVER.

        The arrays become views of longer ones, so that what is added month by month is not copied each time.

        Parameters
        ----------
        columns : (15, n) int64
            The fields from ``row`` to ``recovered_on``, in order.
        """
        size, more, names = len(self), columns.shape[1], FIELDS
        if self.room[0].shape[1] < size + more:
            length = 8 * (size + more)
            self.room = np.full((len(_NUMBERS), length), NEVER, dtype=np.int64), np.zeros((2, length), dtype=np.bool_)
            for name, (half, k) in names.items():
                self.room[half][k, :size] = getattr(self, name)
            for name in ("paid", "insurer_part"):
                self.room[0][names[name][1], size:] = 0
        numbers, flags = self.room
        numbers[:12, size : size + more], numbers[12, size : size + more] = columns[:12], columns[14]
        flags[:, size : size + more] = columns[12:14]
        views = (*numbers[:, : size + more], *flags[:, : size + more])
        self.__dict__.update(zip(names, views, strict=True))


_NUMBERS = [f.name for f in fields(Claims) if f.name not in ("is_refused", "has_objection", "room")]
FIELDS = {name: (0, k) for k, name in enumerate(_NUMBERS)} | {"is_refused": (1, 0), "has_objection": (1, 1)}


def covered(rules: Rules, principal_fen: Array | int) -> Any:
    """Principal that the fund covers: up to the covered principal, and the share of what is above it."""
    most, above = rules.claim.covered_principal_yuan * FEN_PER_YUAN, round(rules.claim.cover_above_share * PPM)
    inside = np.minimum(principal_fen, most)
    return inside + share_of(principal_fen - inside, above) if above else inside


def claim_amount(
    rules: Rules, principal_fen: Array | int, rate_ppm: Array | int, missed: Array | int, filed: Array | int
) -> Any:
    """Principal covered and interest from the missed date to the application.

    Parameters
    ----------
    principal_fen, rate_ppm, missed, filed : (n,) int64 or int

    Returns
    -------
    (n,) int64 or int [fen]
        Interest at the contract rate times the overdue multiple, actual days, no compound interest.
        Subsidy accrued before maturity is never in a claim.

    Source: X county regulation, art. 13 (principal and interest); multiple: law `claim.penalty_multiplier`.
    """
    principal = covered(rules, principal_fen)
    if not rules.claim.includes_interest:
        return principal
    multiple = rules.claim.penalty_multiplier if rules.claim.includes_penalty else 1.0
    rate = (np.asarray(rate_ppm) * round(multiple * PPM) + PPM // 2) // PPM
    return principal + interest(principal, rate, np.maximum(np.asarray(filed) - missed, 0), rules.interest.day_count)


def split(rules: Rules, amount_fen: Array | int) -> tuple[Any, Any]:
    """What the fund's account pays (half up to the fen) and the bank's part, which is the rest.

    What others pay themselves is between the two: the first shares together, rounded, less the fund's part.

    Source: X county regulation, art. 22.
    """
    loss = rules.loss
    fund = share_of(amount_fen, loss.fund_ppm)
    borne = share_of(amount_fen, loss.fund_ppm + loss.direct_ppm) if loss.direct else fund
    return fund, amount_fen - borne


def apportion(fen: I64, parts: Iterable[tuple[str, int]]) -> dict[str, I64]:
    """Amounts given out over bearers in proportion to their shares: running totals rounded half up, so that they add up.

    Parameters
    ----------
    fen : (n,) int64 [fen]
    parts : (bearer, share [1e-6]) in order
    """
    parts = list(parts)
    total, run, before, out = sum(ppm for _, ppm in parts), 0, np.zeros_like(fen), {}
    for bearer, ppm in parts:
        run += ppm
        upto = (fen * run + total // 2) // max(total, 1)
        out[bearer], before = upto - before, upto
    return out


def return_of(
    rules: Rules, cause: int, recovered_fen: int, fund_paid_fen: int, direct_paid_fen: int = 0
) -> tuple[int, int]:
    """The fund's and the bank's part of money recovered; never more to anybody than it had paid, the rest to the bank.

    What is between the two goes back to those who paid their part themselves.

    Source: X county regulation, art. 23: by the share of the risk; from wilful defaulters to the fund
    until it is whole, then to the bank.
    """
    rule, loss = rules.recovery.wilful if cause == _WILFUL else rules.recovery.split, rules.loss
    if rule == "fund_first":
        fund = min(recovered_fen, fund_paid_fen)
        direct = min(recovered_fen - fund, direct_paid_fen)
    else:
        part = int(share_of(recovered_fen, loss.fund_ppm))
        fund = min(part, fund_paid_fen)
        direct = min(int(share_of(recovered_fen, loss.fund_ppm + loss.direct_ppm)) - part, direct_paid_fen)
    return fund, recovered_fen - fund - direct


def chain(rules: Rules, calendar: Calendar, missed: Array, cause: Array, court_days: int) -> tuple[I64, I64, I64, I64]:
    """Day 90, application, the file on the clerks' desk, and what a meeting waits for over (all (n,) int64 days).

    A wilful defaulter's loan waits for the court step.

    Source: X county regulation, art. 19, 20, 24.
    """
    entitled = entitled_on(rules, calendar, missed)
    at, steps = {START: entitled}, rules.claim.steps
    walk(steps.before, at, calendar)
    court = np.where(cause == _WILFUL, court_days if rules.claim.wilful_default == "after_court" else 0, 0)
    filed = at[steps.application.name] + court
    open_days = filing_days(rules, calendar)
    if open_days.size:
        filed = open_days[np.searchsorted(open_days, filed)]
    return entitled, filed, *after_filing(rules, calendar, entitled, filed)


def after_filing(rules: Rules, calendar: Calendar, entitled: Array, filed: Array) -> tuple[I64, I64]:
    """The file on the clerks' desk, and what a meeting waits for over, of applications made on given days."""
    at = {START: entitled, rules.claim.steps.application.name: filed}
    walk(rules.claim.steps.before, at, calendar)
    queue, decision = rules.claim.steps.queue, rules.claim.steps.decision
    return begin(queue or decision, at), begin(decision, at)


def payment_due(
    rules: Rules, calendar: Calendar, ready_on: Array, meetings: I64, wait_meetings: Array
) -> tuple[I64, I64]:
    """Meeting and payment day of claims that no clerk holds up.

    Parameters
    ----------
    ready_on : (n,) int64 [day]
    meetings : (k,) int64 [day]
        Ascending; a claim that becomes ready on the day of a meeting is in time.
    wait_meetings : (n,) int64
        Meetings lost to objections.

    Returns
    -------
    meeting, due : (n,) int64 [day]
        FAR where no meeting is left.
    """
    at = np.searchsorted(meetings, ready_on) + wait_meetings
    inside = at < meetings.size
    meeting = np.where(inside, meetings[np.minimum(at, meetings.size - 1)], FAR)
    due = np.full(meeting.shape, FAR, dtype=np.int64)
    due[inside] = pay_days(rules, calendar, meeting[inside])
    return meeting, due


def cutoff_maturity(rules: Rules, calendar: Calendar, last_day: int) -> int:
    """Last maturity whose claim still falls due for payment by ``last_day``, in the default calendar."""
    missed = np.arange(last_day - 1000, last_day + 1)
    _, _, _, ready_on = chain(rules, calendar, missed, np.zeros(missed.size, np.int64), 0)
    meetings = decision_days(rules, calendar, int(missed[0]), last_day + 400)
    _, due = payment_due(rules, calendar, ready_on, meetings, np.zeros(missed.size, np.int64))
    return int(missed[np.flatnonzero(due <= last_day)[-1]])


def claim_keys(seed: int) -> Array:
    """Keys of what is found on a claim (negligence, objection), and of its acceptance and collection."""
    return np.array([stream_key(seed, "claim.negligence"), stream_key(seed, "claim.acceptance")], dtype=np.uint64)


def decide(
    defaults: Defaults, rules: Rules, loan_id: I64, cause: I64, replication: int, seed: int,
    negligence: F64 | None = None,
) -> tuple[Bool, Bool, F64]:  # fmt: skip
    """What the leading group will find on each claim, and how collection will go, by loan address.

    Parameters
    ----------
    negligence : (n,) float64, optional
        Chance of a refusal for negligence, where it differs from lender to lender.

    Returns
    -------
    is_refused, has_objection : (n,) bool
    recovery_u : (n,) float64
        Uniform that `recovery_day` turns into a date.

    Source: X county regulation, art. 20(3), 21, 23, 25; shares are the scenario's assumptions.
    """
    finding, collecting = claim_keys(seed)
    negligence_u, objection_u = uniforms(finding, replication, 0, loan_id)
    accept_u, recovery_u = uniforms(collecting, replication, 0, loan_id)
    refused = negligence_u < (defaults.negligence if negligence is None else negligence)
    refused |= (cause == _INABILITY) & (accept_u >= defaults.inability_accepted)
    refused |= ~is_compensable(rules, cause)
    return refused, objection_u < defaults.objection, recovery_u


def is_compensable(rules: Rules, cause: I64) -> Bool:
    """Do the rules compensate a cause at all? Wilful default counts where it is compensated after court.

    Source: X county regulation, art. 23 and 25.
    """
    is_paid = [name in rules.claim.compensable_causes for name in _CAUSE_NAMES]
    is_paid[_WILFUL] |= rules.claim.wilful_default == "after_court"
    return np.array(is_paid)[cause] & rules.has_cover


_CAUSE_NAMES = ("inability", "death", "disaster", "wilful")


def recovery_day(defaults: Defaults, cause: I64, entitled: I64, known_from: I64, u: F64) -> I64:
    """Day on which collection succeeds, FAR if never.

    A share of the loans comes back within a year after day 90, evenly spread, then a share of what is
    left each year; of death cases a share comes back from the heirs in place of that.

    Parameters
    ----------
    cause, entitled : (n,) int64
    known_from : (n,) int64 [day]
        The loan is known not to have come back by this day: the chance is conditional on that.
    u : (n,) float64
        Uniforms.
    """
    r = defaults.recovery
    first = np.where(cause == _DEATH, r.heirs, r.first_year)
    later = np.where(cause == _DEATH, 0.0, r.per_year_after)
    elapsed = np.maximum(known_from - entitled, 0) / 365.0
    gone = np.where(elapsed < 1, first * elapsed, 1 - (1 - first) * (1 - later) ** np.maximum(elapsed - 1, 0))
    u = gone + (1 - gone) * u
    years = np.full(u.shape, np.inf)
    early = u < first
    years[early] = u[early] / first[early]
    late = ~early & (later > 0) & (first < 1)
    left = (1 - u[late]) / (1 - first[late])
    years[late] = 1 + np.log(left) / np.log1p(-later[late])
    days = np.minimum(years * 365.0, FAR)
    return np.minimum(entitled + 1 + days.astype(np.int64), FAR)
