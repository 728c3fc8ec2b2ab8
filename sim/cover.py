"""Sections of a scenario that describe insurance: what is covered, when it pays, who pays for it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.reading import Model, PositiveInt, Share, adds_up, refuse

Month = Annotated[int, Field(ge=1, le=12)]
Payers = dict[Literal["household", "county", "bank"], Share]


class LoanCover(Model):
    """Insurance of loans under the fund: the insurer pays a part of what the bank claims."""

    insured_share: Share  # of loans
    loss_share: Share  # of the claim, borne by the insurer
    premium_percent: Annotated[float, Field(ge=0, le=100)]  # of the principal, for a year; due at signing, for the term
    paid_by: Payers
    pays_after_days: Annotated[int, Field(ge=0, le=730)]  # after the bank has filed, then on the month's last day
    drawn_seed: int  # which loans are insured is the same in every history, like the register

    @model_validator(mode="after")
    def _sums(self) -> Self:
        adds_up("paid_by", self.paid_by.values())
        return self


class IndexCover(Model):
    """Weather-index insurance of households: pays by the township's drought index, whatever a household has lost."""

    insured_share: Share  # of households
    months: Annotated[
        list[Month], Field(min_length=1, max_length=12)
    ]  # whose mean index counts; the last one is its end
    trigger: Annotated[float, Field(lt=0)]  # mean index at which it begins to pay
    exhausted_at: Annotated[float, Field(lt=0)]  # at which the whole sum is paid
    sum_insured_yuan: PositiveInt  # of a household, or of a mu
    mu_per_head: Annotated[float, Field(gt=0)] | None = None  # None: the sum is a household's
    premium_percent: Annotated[float, Field(ge=0, le=100)]  # of the sum insured, at the end of the first month
    paid_by: Payers
    pays_to: Literal["household", "bank"]  # cash, or against the loan
    pays_after_months: Annotated[int, Field(ge=0, le=12)]
    drawn_seed: int

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        adds_up("paid_by", self.paid_by.values())
        for a, b in pairwise(self.months):
            if b != a % 12 + 1:
                refuse("months", f"{self.months}", "months in a row")
        if self.exhausted_at >= self.trigger:
            refuse(
                "exhausted_at", f"{self.exhausted_at}", f"below the trigger {self.trigger}: a drier season pays more"
            )
        return self


class Insurance(Model):
    """The insurer's two kinds of cover; what is not named is not sold."""

    loans: LoanCover | None = None
    index: IndexCover | None = None
