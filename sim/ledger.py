"""Double-entry accounts in fen. Every posting adds up to zero; guarded accounts cannot be overdrawn.

Each transaction is a set of legs (account, amount). Assets and money are positive on the account that
has them; what an account owes is negative. So the sum over all accounts is zero at any moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import index

from sim.errors import ConservationError


@dataclass(frozen=True, slots=True)
class Posting:
    """One transaction: the day, what it was, and its legs."""

    day: int
    what: str
    legs: tuple[tuple[str, int], ...]


@dataclass
class Ledger:
    """Balances by account name [fen].

    Attributes
    ----------
    guarded : set of str
        Accounts that hold real money and may never fall below zero.
    journal : list of Posting or None
        Kept when a history is traced, None otherwise.
    """

    balances: dict[str, int] = field(default_factory=dict)
    guarded: set[str] = field(default_factory=set)
    journal: list[Posting] | None = None
    n_postings: int = 0

    def open(self, account: str, *, guarded: bool = False) -> None:
        """Create an account with a balance of zero."""
        if account in self.balances:
            raise ConservationError(f"account {account} opened twice")
        self.balances[account] = 0
        if guarded:
            self.guarded.add(account)

    def post(self, day: int, what: str, *legs: tuple[str, int]) -> None:
        """Move money. Refuses legs that do not add up to zero, unknown accounts and overdrafts.

        Raises
        ------
        ConservationError
            Nothing is posted then.
        """
        balances, total = self.balances, 0
        for account, fen in legs:
            if account not in balances:
                raise ConservationError(f"{what}: no account {account}")
            total += index(fen)
        if total != 0:
            raise ConservationError(f"{what}: legs do not add up to zero: {legs}")
        is_low = False
        for account, fen in legs:
            balances[account] = balance = balances[account] + index(fen)
            is_low |= balance < 0 and account in self.guarded
        if is_low:
            self._refuse_overdraft(what, legs)
        self.n_postings += 1
        if self.journal is not None:
            self.journal.append(Posting(day, what, tuple((a, index(f)) for a, f in legs)))

    def _refuse_overdraft(self, what: str, legs: tuple[tuple[str, int], ...]) -> None:
        """Take a posting back that leaves an account it takes from overdrawn."""
        for account, fen in legs:
            if fen < 0 and self.balances[account] < 0 and account in self.guarded:
                short = -self.balances[account]
                for again, back in legs:
                    self.balances[again] -= index(back)
                raise ConservationError(f"{what}: {account} would be overdrawn by {short} fen")

    def check(self) -> None:
        """Every account together is zero, guarded accounts are not negative.

        Raises
        ------
        ConservationError
        """
        total = sum(self.balances.values())
        if total != 0:
            raise ConservationError(f"ledger is out by {total} fen")
        for account in self.guarded:
            if self.balances[account] < 0:
                raise ConservationError(f"{account} is overdrawn")
