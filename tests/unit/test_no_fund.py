"""Rules without a fund: the answer says who bears the losses in place of a size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sim
from dashboard.words import Words
from sim.estimate import quantile_value
from sim.scenario import Scenario
from sim.store import RunFolder


def sized(scenario: Scenario, path: Path) -> sim.Answer:
    return sim.size(scenario, replications=60, workers=1, out=path)


def test_where_the_bank_bears_all_nothing_is_set_aside(small: Scenario, tmp_path: Path) -> None:
    answer = sized(small.with_changes({"rules.loss.shares": {"fund": 0.0, "bank": 1.0}}, "bank"), tmp_path / "bank")
    assert answer.data["no_cover"] == {"who": "bank"}
    assert answer.data["failed"] == 0 and answer.data["need_yuan"]["value"] == 0
    assert "the bank bears its losses" in Words("en").sentence(answer.data)
    assert "损失由银行自担" in Words("zh").sentence(answer.data)


def test_where_the_town_borrows_the_county_pays(small: Scenario, tmp_path: Path) -> None:
    answer = sized(small.with_changes({"rules.loan.borrower_of_record": "township"}, "town"), tmp_path / "town")
    pays = answer.data["no_cover"]["county_pays_yuan"]
    paid = RunFolder(answer.folder).read("histories", "main", 60)["county_paid_fen"].to_numpy(dtype=float)
    assert pays["value"] == pytest.approx(quantile_value(paid, 0.95) / 100)
    assert np.median(paid) > 0
    assert Words("en").money(pays["value"]) in Words("en").sentence(answer.data)
    assert "县里垫付" in Words("zh").sentence(answer.data)


def test_a_fund_that_pays_is_told_as_before(small: Scenario, tmp_path: Path) -> None:
    answer = sized(small, tmp_path / "fund")
    assert "no_cover" not in answer.data and "as_if" not in answer.data
    assert Words("en").sentence(answer.data).startswith("Set aside")
