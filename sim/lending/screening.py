"""Errors in finding out who may borrow: eligible households turned away, others let in."""

from __future__ import annotations

from sim.scenario import Screening
from sim.streams import stream_key, uniforms
from sim.units import I64


def admitted(screening: Screening, is_eligible: I64, household: I64, seed: int) -> I64:
    """Who is on the list of those who may borrow, 0 or 1 by household.

    The list is drawn up once: an error stays with its household, in every history.

    Parameters
    ----------
    is_eligible, household : (n,) int64
        What the rules say (0 or 1), and the ids.
    seed : int
        Of the register, to which the list belongs.
    """
    u, v = uniforms(stream_key(seed, "lender.eligibility"), 0, 0, household)
    left_off, let_in = u < screening.false_refusal, v < screening.false_admission
    return (is_eligible & ~left_off) | ((1 - is_eligible) & let_in)
