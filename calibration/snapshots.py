"""Ledgers of several dates: loans matched by number, what became of them in between, and what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from calibration.ledger import Ledger

STATES = ("new", "current", "overdue", "default", "closed", "gone")
_EXTENDED_DAYS = 15


@dataclass(frozen=True)
class Snapshots:
    """What several ledgers say together.

    Attributes
    ----------
    loans : DataFrame
        Columns `calibration.ledger.CANONICAL`: each loan as the newest ledger that has it tells it; one that was open
        and is in no later ledger is closed.
    transitions : DataFrame
        ``earlier``, ``later`` (dates), ``state_before``, ``state_after`` (`STATES`), ``loans``, ``balance_fen`` (before).
    warnings : list of (str, str, int)
        Code, file and row of loans whose two records do not agree.
    n_gone : int
        Loans closed because a later ledger does not have them: the day of payment is a guess.
    """

    loans: Any
    numbers: Any
    transitions: Any
    warnings: list[tuple[str, str, int]]
    n_gone: int


def joined(ledgers: Sequence[tuple[date, Ledger]], wait_days: int) -> Snapshots:
    """Match ledgers of rising dates.

    A loan that was open and is missing from the next ledger counts as paid on its maturity, if that lies after the
    earlier date; else, being overdue then, on the day of the later ledger.

    Parameters
    ----------
    ledgers : sequence of (date, Ledger)
        Oldest first, read with one salt.
    wait_days : int [days]
    """
    tables = [(pd.Timestamp(on), _indexed(ledger)) for on, ledger in ledgers]
    names = [ledger.source_name for _, ledger in ledgers]
    held = tables[0][1]
    transitions, warnings, n_gone = [], [], 0
    for k in range(1, len(tables)):
        (before, _), (after, newer) = tables[k - 1], tables[k]
        open_before = held[(held["balance_fen"] > 0) & held["repaid_on"].isna()]
        gone = open_before.index.difference(newer.index)
        transitions.append(_moves(held, newer, before, after, wait_days))
        warnings += _changed(held, newer, names[k], before)
        warnings += [("gone_overdue", names[k - 1], int(row)) for row in
                     held.loc[gone][held.loc[gone, "matures_on"] < before]["row"]]  # fmt: skip
        n_gone += len(gone)
        closed = held.loc[held.index.difference(newer.index)].copy()
        day = closed["matures_on"].where(closed["matures_on"] > before, after).clip(upper=after)
        is_gone = closed.index.isin(gone)
        closed.loc[is_gone, "repaid_on"] = day[is_gone].astype("datetime64[s]")
        closed.loc[is_gone, "balance_fen"] = 0
        held = pd.concat([newer, closed])
    every = held.reset_index()
    loans = every[list(ledgers[0][1].loans.columns)]
    moves = pd.concat(transitions, ignore_index=True) if transitions else pd.DataFrame()
    return Snapshots(loans, every["number"].to_numpy(), moves, warnings, n_gone)


def _indexed(ledger: Ledger) -> Any:
    return ledger.loans.assign(row=ledger.rows, number=ledger.numbers).set_index("loan_id")


def states(loans: Any, on: Any, wait_days: int) -> Any:
    """(n,) str: state of each loan on a day."""
    late = (on - loans["matures_on"]).dt.days
    closed = (loans["balance_fen"] == 0) | (loans["repaid_on"] <= on)
    return pd.Series(
        np.select(
            [loans["originated_on"] > on, closed, late <= 0, late < wait_days],
            ["new", "closed", "current", "overdue"],
            "default",
        ),
        index=loans.index,
        dtype=object,
    )


def _moves(held: Any, newer: Any, before: Any, after: Any, wait_days: int) -> Any:
    old, new = states(held, before, wait_days), states(newer, after, wait_days)
    both = pd.DataFrame({"state_before": old, "state_after": new})
    both["state_before"] = both["state_before"].fillna("new")
    both["state_after"] = both["state_after"].fillna("gone")
    both["balance_fen"] = held["balance_fen"].reindex(both.index).fillna(0).astype(np.int64)
    both = both[~((both["state_before"] == "closed") & both["state_after"].isin(["gone", "closed"]))]
    counted = both.groupby(["state_before", "state_after"])["balance_fen"].agg(["size", "sum"]).reset_index()
    counted.columns = ["state_before", "state_after", "loans", "balance_fen"]
    counted.insert(0, "later", after.date().isoformat())
    counted.insert(0, "earlier", before.date().isoformat())
    return counted


def _changed(held: Any, newer: Any, name: str, before: Any) -> list[tuple[str, str, int]]:
    """Loans of both ledgers whose facts moved, by the row of the later one."""
    shared = newer.index.intersection(held.index)
    a, b = held.loc[shared], newer.loc[shared]
    masks = {
        "extended": (b["matures_on"] - a["matures_on"]).dt.days > _EXTENDED_DAYS,
        "changed": (a["principal_fen"] != b["principal_fen"]) | (a["originated_on"] != b["originated_on"]),
        "balance_rose": (b["balance_fen"] > a["balance_fen"]) & (a["principal_fen"] == b["principal_fen"]),
    }
    found = [(code, name, int(row)) for code, mask in masks.items() for row in b.loc[mask.to_numpy(), "row"]]
    late = newer[~newer.index.isin(held.index) & (newer["originated_on"] <= before)]
    return found + [("appeared_late", name, int(row)) for row in late["row"]]
