"""A budget read backwards by running: the highest ceiling of cover."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim import solving


def test_the_ceiling_stands_on_the_conservative_need(
    small: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Needs are the ceiling times 1 to 100: at 95 per cent 95 of them, at most 98 with 95 per cent confidence."""

    def run(arms: list[Any], n: int, **more: Any) -> Any:
        names = [arm.name for arm in arms]
        cover = dict(zip(names, (arm.law().claim.covered_principal_yuan for arm in arms), strict=True))
        table = {
            name: pd.DataFrame({"replication": np.arange(n), "need_fen": np.arange(1, n + 1) * cover[name]})
            for name in names
        }
        return SimpleNamespace(names=names, histories=table.__getitem__, folder=tmp_path)

    monkeypatch.setattr(solving, "run", run)

    def ceiling(budget: float) -> Any:
        return solving._ceiling(small, budget, 0.95, 100, 1, tmp_path, {})

    own = small.law().claim.covered_principal_yuan
    assert (
        ceiling(96 * own / 100)["covered_principal_yuan"] == own * 4 // 5
    )  # enough for the estimate, not for the upper figure
    assert ceiling(96 * own / 100)["ci95"] == [own * 4 // 5, own]
    assert ceiling(100 * own / 100)["covered_principal_yuan"] == own
    poor = ceiling(1.0)
    assert poor["covered_principal_yuan"] is None
    assert poor["reason"] == "even cover of 10,000 yuan a loan needs more"
