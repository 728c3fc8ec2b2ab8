"""What collectors are paid for: a share of the money that comes in, by the class of the loan it comes in on."""

from __future__ import annotations

import numpy as np

from sim.law import Rules
from sim.lending.classes import CLASSES, DOUBTFUL, SUBSTANDARD, limits
from sim.units import I64, PPM, share_of

REVIVED = "revived"  # renewed instead of defaulting: counts as a success of collection


def gains_by_waiting(rules: Rules) -> bool:
    """Is a collector paid more for the same money once the loan is doubtful, by the class on the day it comes in?"""
    fees = rules.collection.fee_by_class
    jump = fees.get(CLASSES[DOUBTFUL], 0.0) > fees.get(CLASSES[SUBSTANDARD], 0.0)
    return rules.collection.class_counts_at == "recovery_date" and jump and limits(rules) is not None


def fees(rules: Rules, by_class: I64, revived: I64, stock: I64) -> I64:
    """Fees of a year by lender [fen].

    Parameters
    ----------
    by_class : (n_lenders, 5) int64 [fen]
        Collected in the year after the date, by the class that counts.
    revived : (n_lenders,) int64 [fen]
        Principal renewed instead of defaulting.
    stock : (n_lenders,) int64 [fen]
        Overdue principal on 1 January: the target is a share of it.

    Source: the class that counts, the fees and the bonus are the pack's (`collection`).
    """
    collection = rules.collection
    ppm = np.array([round(collection.fee_by_class.get(name, 0.0) * PPM) for name in CLASSES], dtype=np.int64)
    above = np.maximum(by_class.sum(axis=1) - share_of(stock, round(collection.target_share * PPM)), 0)
    out: I64 = ((by_class * ppm + PPM // 2) // PPM).sum(axis=1)
    out += share_of(revived, round(collection.fee_by_class.get(REVIVED, 0.0) * PPM))
    out += share_of(above, round(collection.bonus_share * PPM)) if collection.fee_by_class else 0
    return out
