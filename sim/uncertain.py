"""What is not known about a parameter: its distribution before data, or after them."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from scipy.special import expit, logit, ndtri

from sim.reading import Model, refuse

Z05 = 1.6448536269514722
SETS = ("low", "central", "high")  # stand at the 5th, 50th and 95th per cent points
BEHAVIOUR = "livelihoods.behaviour"


class Uncertain(Model):
    """A field of the scenario that is drawn for each history.

    Between ``p05`` and ``p95`` the value lies with a chance of nine in ten; of a uniform distribution they are the
    ends. "between_sets" moves all values of `livelihoods.behaviour` together from set to set.
    """

    field: str
    distribution: Literal["lognormal", "logit_normal", "normal", "uniform", "between_sets"]
    p05: Annotated[float, Field(allow_inf_nan=False)] | None = None
    p95: Annotated[float, Field(allow_inf_nan=False)] | None = None
    note: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.field.startswith("rules.") or self.field.split(".")[0] in ("name", "uncertain", "posterior", "sources"):
            refuse("field", self.field, "a field of the county or of behaviour: rules are law, not uncertain")
        if (self.distribution == "between_sets") != (self.field == BEHAVIOUR):
            refuse("distribution", self.distribution, f'"between_sets" exactly for the field {BEHAVIOUR}')
        if self.distribution == "between_sets":
            if self.p05 is not None or self.p95 is not None:
                refuse("p05", f"{self.p05}", "nothing: the sets low, central and high stand at 5, 50 and 95 per cent")
            return self
        if self.p05 is None or self.p95 is None or not self.p05 < self.p95:
            refuse("p05", f"{self.p05} and p95 {self.p95}", "two numbers, p05 below p95")
        assert self.p05 is not None and self.p95 is not None
        if self.distribution == "lognormal" and self.p05 <= 0:
            refuse("p05", f"{self.p05}", "more than 0 for a lognormal distribution")
        if self.distribution == "logit_normal" and not 0 < self.p05 < self.p95 < 1:
            refuse("p05", f"{self.p05} and p95 {self.p95}", "between 0 and 1, both excluded, for logit_normal")
        return self

    def value(self, u: float) -> float:
        """The u-quantile of the distribution; of "between_sets" the standard normal position."""
        z = float(ndtri(u))
        if self.distribution == "between_sets":
            return z
        assert self.p05 is not None and self.p95 is not None
        if self.distribution == "uniform":
            return self.p05 + u * (self.p95 - self.p05)
        if self.distribution == "lognormal":
            return math.exp(_between(math.log(self.p05), math.log(self.p95), z))
        if self.distribution == "logit_normal":
            return float(expit(_between(float(logit(self.p05)), float(logit(self.p95)), z)))
        return _between(self.p05, self.p95, z)


class Posterior(Model):
    """Fields that are drawn together: a table with one column for each field and one row for each draw.

    It is what a calibration leaves of the parameters, with all that it says of how they go together. A field that is
    uncertain by itself as well is taken from here.
    """

    file: str


def _between(p05: float, p95: float, z: float) -> float:
    """Value of a normal distribution with these per cent points, z standard deviations from its middle."""
    return (p05 + p95) / 2 + z / Z05 * (p95 - p05) / 2
