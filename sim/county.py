"""The county's one pot: what the fund takes of it is not there for the subsidy, and the other way round."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim import clock
from sim.units import PPM, share_of


@dataclass
class CountyCash:
    """How the fund and the subsidy compete for the county's money within a year.

    Attributes
    ----------
    crowding_out_ppm : int [1e-6]
        Share of what one of them takes that the other does not get; 0: two budgets that do not know each other.
    cuts : dict of year -> fen
        What the fund has taken and the year's coming releases have not yet given up.
    """

    crowding_out_ppm: int
    cuts: dict[int, int] = field(default_factory=dict)

    @staticmethod
    def of(share: float) -> CountyCash:
        """From the scenario's share."""
        return CountyCash(round(share * PPM))

    def to_fund(self, day: int, fen: int, subsidy_unpaid: int = 0) -> tuple[int, int]:
        """Money meant for the fund: what goes there, and what unpaid subsidy takes of it before.

        What does go to the fund is taken from the subsidy's releases of the rest of the year.
        """
        to_subsidy = int(share_of(min(fen, subsidy_unpaid), self.crowding_out_ppm))
        year = clock.date_of(day).year
        self.cuts[year] = self.cuts.get(year, 0) + int(share_of(fen - to_subsidy, self.crowding_out_ppm))
        return fen - to_subsidy, to_subsidy

    def released(self, day: int, fen: int) -> int:
        """What is left of a release of the subsidy's budget."""
        year = clock.date_of(day).year
        cut = min(fen, self.cuts.get(year, 0))
        if cut:
            self.cuts[year] -= cut
        return fen - cut
