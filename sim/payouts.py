"""Money that a drought brings to households: the county's relief, and what their weather insurance pays."""

from __future__ import annotations

import numpy as np

from sim.cover import IndexCover
from sim.fund.claims import covered
from sim.households.state import OPEN, OVERDUE, livelihoods_of
from sim.insurance import INDEX, collect, shared
from sim.shocks.weather import loss
from sim.streams import stream_key, uniforms
from sim.units import F64, FEN_PER_YUAN, I64, PPM, Bool, percent_to_ppm, share_of
from sim.world import Setup, World

_BALANCE = 4  # row of the book, as in `Loans`


def relief(setup: Setup, world: World, k: int, end: int) -> None:
    """The county pays every household of the townships that were hit so long ago, by head."""
    c, h, terms = world.community, setup.households, livelihoods_of(setup.scenario).weather.relief
    assert c is not None and h is not None
    if terms is None or not c.sky.relief[k].any():
        return
    fen = np.where(c.sky.relief[k][h.register.township], h.register.persons * terms.yuan_per_head * FEN_PER_YUAN, 0)
    total = int(fen.sum())
    c.people.refund[:] += fen
    world.ledger.post(end, "drought relief", ("county", -total), ("households", total))
    world.relief.append((end, total))


def index(setup: Setup, world: World, k: int, end: int) -> None:
    """What last season's index pays, then the premiums of the season that begins. Nothing where weather is off.

    A household whose cash is below its part of the premium is not covered in that season.
    """
    insurance, weather = setup.scenario.insurance, livelihoods_of(setup.scenario).weather
    if insurance is None or insurance.index is None or not weather.on:
        return
    cover, length = insurance.index, len(insurance.index.months)
    last = k - cover.pays_after_months
    if _calendar_month(setup, k) == cover.months[-1]:
        _record(setup, world, cover, k, end)
    if _calendar_month(setup, last) == cover.months[-1]:
        _pay(setup, world, cover, k, last, end)
    if _calendar_month(setup, k) == cover.months[0]:
        _sell(setup, world, cover, k, k + length - 1, end)


def _calendar_month(setup: Setup, k: int) -> int:
    return (setup.first_month + k) % 12 + 1


def sum_insured(setup: Setup, cover: IndexCover) -> I64:
    """Of each household, insured or not (n,) [fen]."""
    h = setup.households
    assert h is not None
    units = np.ones(h.register.id.size) if cover.mu_per_head is None else h.register.persons * cover.mu_per_head
    return np.floor(units * cover.sum_insured_yuan * FEN_PER_YUAN + 0.5).astype(np.int64)


def is_insured(setup: Setup, cover: IndexCover) -> Bool:
    """Which households buy it when they can: a fact of the household, the same in every history."""
    h = setup.households
    assert h is not None
    return uniforms(stream_key(cover.drawn_seed, "insurance.index"), 0, 0, h.register.id)[0] < cover.insured_share


def paid_share(cover: IndexCover, mean_index: F64) -> F64:
    """Part of the sum insured that a season's mean index pays: none at the trigger, all where it is exhausted."""
    return np.clip((cover.trigger - mean_index) / (cover.trigger - cover.exhausted_at), 0.0, 1.0)


def _sell(setup: Setup, world: World, cover: IndexCover, k: int, season: int, end: int) -> None:
    c, h = world.community, setup.households
    assert c is not None and h is not None
    premium = share_of(sum_insured(setup, cover), percent_to_ppm(cover.premium_percent))
    parts = shared(premium, cover.paid_by)
    sold = is_insured(setup, cover) & (c.people.cash >= parts["household"])
    c.covered[season] = sold
    c.people.cash[:] -= np.where(sold, parts["household"], 0)
    by_bank = np.bincount(h.register.lender, weights=np.where(sold, parts["bank"], 0), minlength=setup.set_fen.size)
    of_household, of_county = (int(parts[payer][sold].sum()) for payer in ("household", "county"))
    collect(world, end, INDEX, "households", of_household, of_county, by_bank.astype(np.int64))


def _season(setup: Setup, world: World, cover: IndexCover, last: int) -> tuple[Bool, F64]:
    """Who is covered in the season that ends in month ``last``, and its mean index by township."""
    c = world.community
    assert c is not None
    who = c.covered.get(last)
    if who is None:  # bought before the history begins
        who = is_insured(setup, cover)
    index = np.concatenate([c.sky.past, c.sky.index])
    end = last + len(c.sky.past) + 1
    return who, index[end - len(cover.months) : end].mean(axis=0)


def _record(setup: Setup, world: World, cover: IndexCover, last: int, end: int) -> None:
    """What the index will pay, and what drought and own luck take of the crop: they part, which is the basis risk."""
    c, h = world.community, setup.households
    assert c is not None and h is not None
    who, mean = _season(setup, world, cover, last)
    r = h.register
    lost = loss(livelihoods_of(setup.scenario).weather, mean)[r.township]
    own = 1 - c.people.harvest_ppm / PPM * (1 - r.rain_fed_ppm / PPM * lost)
    world.insurer.seasons.append((end, paid_share(cover, mean)[r.township[who]], own[who]))


def _pay(setup: Setup, world: World, cover: IndexCover, k: int, last: int, end: int) -> None:
    c, h = world.community, setup.households
    assert c is not None and h is not None
    who, mean = _season(setup, world, cover, last)
    whole = sum_insured(setup, cover) * paid_share(cover, mean)[h.register.township]
    fen = np.where(who, np.floor(whole + 0.5), 0).astype(np.int64)
    total = int(fen.sum())
    if total == 0:
        return
    world.ledger.post(end, "weather insurance pays", ("insurer", -total), ("households", total))
    world.insurer.payouts.append((end, total))
    c.people.refund[:] += fen if cover.pays_to == "household" else fen - _against_loans(setup, world, k, fen)


def _against_loans(setup: Setup, world: World, k: int, fen: I64) -> I64:
    """The bank keeps it against an open or overdue loan, down to its last yuan, so that the loan ends on its date."""
    c, h = world.community, setup.households
    assert c is not None and h is not None
    p, rules = c.people, setup.rules
    owes = (p.status >= OPEN) & (p.status <= OVERDUE)
    off = np.where(owes, np.minimum(fen, np.maximum(p.principal - FEN_PER_YUAN, 0)), 0)
    freed = covered(rules, p.principal) - covered(rules, p.principal - off)
    p.principal[:] -= off
    c.book[_BALANCE, p.loan[owes]] -= off[owes]
    for lender in range(setup.set_fen.size):
        whose = h.register.lender == lender
        c.repaid[lender, k] += off[whose].sum()
        if rules.fund.leverage_on == "cumulative":
            c.counts_on += int(freed[whose].sum())
        else:
            c.used[lender] -= freed[whose].sum()
    return off
