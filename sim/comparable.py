"""What scenarios must share to stand side by side, and how far they may run."""

from __future__ import annotations

from sim.errors import IncompatibleRun, InputError
from sim.outcomes import year_span
from sim.scenario import Scenario
from sim.years import N_YEARS


def check_comparable(base: Scenario, other: Scenario) -> None:
    """Refuse a pair that cannot start from one opening state.

    Raises
    ------
    IncompatibleRun
    """
    for field in ("sized_year", "information_on"):
        if getattr(base, field) != getattr(other, field):
            raise IncompatibleRun(
                f"{other.name}: {field} is {getattr(other, field)}, {base.name} has {getattr(base, field)}; only one year can be compared"
            )
    for field in ("lenders", "townships"):
        if [x.key for x in getattr(base, field)] != [x.key for x in getattr(other, field)]:
            raise IncompatibleRun(
                f"{other.name}: other {field} than {base.name}; they cannot start from one opening state"
            )
    if base.defaults.mechanism != other.defaults.mechanism:
        raise IncompatibleRun(
            f"{other.name}: mechanism {other.defaults.mechanism}, {base.name} has {base.defaults.mechanism}; they cannot "
            "start from one opening state. Size each and compare the answers"
        )
    if base.opening.portfolio != other.opening.portfolio:
        raise IncompatibleRun(
            f"{other.name}: another portfolio than {base.name}; they cannot start from one opening state"
        )


def end_of(year: int, base: Scenario) -> int:
    """31 December of a year that lies beyond the usual four and within what a calendar can say [day]."""
    first, latest = base.sized_year + N_YEARS, base.sized_year + 10
    if not first <= year <= latest:
        raise InputError("command", "to-year", year, f"a year from {first} to {latest}")
    return year_span(year)[1]
