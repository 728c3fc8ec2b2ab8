"""What the histories of an arm share about households, and the households of one history with their growing book."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.households.firms import Covering
from sim.households.groups import Ties
from sim.households.register import Register
from sim.households.state import Now, Out, People, Terms
from sim.shocks.disease import Herds
from sim.shocks.replay import Replay
from sim.shocks.space import Places
from sim.shocks.weather import Sky
from sim.units import F64, I64, Array, Bool


@dataclass(frozen=True)
class OpeningBook:
    """The book on the information date, as every history begins with it.

    Attributes
    ----------
    book, fates : (columns of `Loans` and of `Fates`, n) int64
    owner : (n,) int64
        Row of the household in the register.
    no_cause : (bad loans,) int64
        Rows whose cause is not known: each history draws it.
    used : (n_lenders,) int64 [fen]
        Covered principal outstanding.
    out : Out
        Yearly interest by lender, and neighbours in arrears and with loans, at the end of the month before.
    belief : list of int [fen]
        What the fund paid in each month of the last year.
    """

    book: I64
    fates: I64
    owner: I64
    no_cause: I64
    used: I64
    out: Out
    belief: list[int]


@dataclass(frozen=True)
class Households:
    """What no history changes.

    Attributes
    ----------
    start : People
        On the information date.
    circle, n_circles
        Village or group whose arrears a household sees.
    places
        Where the townships lie, if distance counts.
    whole_herd, nobody : (n,) float64
        Ones: what is left of the herds where there is no disease. Zeros.
    service_fen : (n, MAX_DEBTS) int64 [fen a year]
        Debt service of the other debts; of debts that make income only the interest.
    days : list of three (days of the month,) int64 by month
        Contract rates by day of signing, up to one year and longer, and the first working day on or after.
    month_starts : (months,) int64 [day]
    keys
        Screening by the lender; what becomes of the money and the lender's lot; the lot of a cautious lender; whether a
        firm gets the money.
    wrongly_admitted : (n + parts of firms,) bool
        On the list although the rules exclude them: their claims are refused.
    firms : Covering, optional
        Firms that cover households; their parts own loans behind the ``n`` households.
    never_pays : (n,) float64
        Log odds of not wanting to pay that are the household's own: nothing, or so much that it never does.
    ties : Ties, optional
        Groups whose members are liable for one another.
    """

    register: Register
    terms: Terms
    start: People
    opening: OpeningBook
    circle: I64
    n_circles: int
    service_fen: I64
    replay: Replay | None
    places: Places | None
    whole_herd: F64
    days: list[tuple[I64, I64, I64]]
    month_starts: I64
    keys: tuple[np.uint64, ...]
    wrongly_admitted: Array
    nobody: F64
    firms: Covering | None
    never_pays: F64
    ties: Ties | None


@dataclass
class FirmsNow:
    """Firms of one history: their parts, what parts did in the month, applications, and (month, firm) of each failure."""

    people: People
    out: Out
    counts: I64
    interest_missed: I64  # by part: see `Community`
    failed: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Community:
    """The households of one history.

    Attributes
    ----------
    price : (n_months, n_townships) float64
        Of what projects sell.
    book : (columns of `Loans`, capacity) int64
    fates : (columns of `Fates`, capacity) int64
        The first ``n`` loans are filled.
    owner : (capacity,) int64
        Row of the household in the register.
    lent, repaid, interest : (n_lenders, n_months) int64 [fen]
        For the lenders' books. Interest: paid first, with penalties and with the principal.
    entitled, lines : (n_settlements, n_lenders) int64
    used, refused : (n_lenders,) int64 [fen]
        Covered principal that counts against the multiple; what found no room under it since the last top-up.
    counts_on : int [fen]
        Part of ``used`` that is outstanding no more, where the multiple is on all that was ever lent.
    quota_left : (1,) int64 [fen]
        New lending that the year still allows; -1 without a quota.
    is_stopped : (n_lenders,) int64
        A rule allows no new loans this month.
    counted : list of (n_lenders,) int64 [fen]
        What counted against the multiple on each day of a top-up.
    is_open, charges : (n_lenders,) int64
        The lender renews and grants freely; households pay the subsidised interest first.
    cautions : list of (n_lenders,) float64 by month
        Share of the month's applications that each lender turns away.
    refunds : dict of file -> (n,) int64
        Running sum of the households' parts in a file whose money goes to households.
    refunded : dict of file -> fen
    interest_missed : (n,) int64 [day]
        First settlement whose interest is still unpaid; `NEVER_DAY` for none.
    released : (capacity,) bool
        Claims whose principal has left the guaranteed book.
    """

    people: People
    out: Out
    sky: Sky
    price: F64
    herds: Herds | None  # where there is disease
    book: I64
    fates: I64
    owner: I64
    n: int
    lent: I64
    repaid: I64
    interest: I64
    entitled: I64
    used: I64
    refused: I64
    quota_left: I64
    is_stopped: I64
    is_open: I64
    charges: I64
    counts: I64  # applications and why they were refused
    interest_missed: I64
    refunds: dict[int, I64] = field(default_factory=dict)
    refunded: dict[int, int] = field(default_factory=dict)
    released: Array = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    belief: list[int] = field(
        default_factory=list
    )  # what the fund paid in each month, the last year before the history too [fen]
    n_payments_seen: int = 0
    n_fund_payments_seen: int = 0
    n_lists_seen: int = 0
    counts_on: int = 0
    cautions: list[F64] = field(default_factory=list)
    unpaid: list[int] = field(default_factory=list)  # files not fully paid
    counted: list[I64] = field(default_factory=list)
    went_bad: I64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    # at the end of each December: months below the floor and relapses so far, by household
    lives: dict[int, tuple[I64, I64]] = field(default_factory=dict)
    # by December (month of the history): borrowers, over-indebted, poor, months below the floor so far, counts so far
    years: dict[int, I64] = field(default_factory=dict)
    covered: dict[int, Bool] = field(
        default_factory=dict
    )  # by last month of a season: who has weather insurance for it
    firms: FirmsNow | None = None  # where there are any
    given: I64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # what each had of its group this month
    helped: list[tuple[int, int, int]] = field(default_factory=list)  # month, helped loans, what groups gave [fen]
    put_off: list[tuple[int, int, int, int]] = field(default_factory=list)  # day, loan, old date, new date
    # by month: what the watched household had of its group (or gave), paid itself and had of kin when its group helped
    watched_group: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    watched: int = -1  # row of a household whose story is told
    seen: list[tuple[Now, People]] = field(default_factory=list)  # before and after each month's step

    def look(self, now: Now) -> None:
        """Keep what the watched household has; nothing where none is watched."""
        if self.watched >= 0:
            row = slice(self.watched, self.watched + 1)
            self.seen.append((now._replace(is_open=now.is_open.copy()), People(*(a[row].copy() for a in self.people))))
