"""Targets of the calibration: what their files must say, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.target_list import FOLDER, read_targets
from sim.errors import InputError


def test_the_shipped_targets_say_what_they_count() -> None:
    found = read_targets()
    by_key = {t.key: t for t in found.targets}
    assert by_key["dehong.default_share"].value == pytest.approx(133.61 / 15648.6, rel=0.005)
    assert by_key["mouding.reported_share"].layer == "reported"
    assert by_key["luoping.overdue_share"].kind == "stock"
    assert {t.layer for t in found.targets} == {"true", "booked", "reported"}
    assert all(t.judged.zh and t.judged.en and t.source for t in found.targets)
    assert len(found.kept_out) >= 10
    assert all(k.reason.zh and k.reason.en for k in found.kept_out)
    assert len(found.of("reduced-form")) >= 9


def test_an_error_of_a_share_is_even_on_the_scale_of_the_fit() -> None:
    for t in read_targets().targets:
        inside = t.value - 0.5 * t.standard_error
        step = abs(t.scaled(t.value) - t.scaled(inside)) / t.scaled_error
        assert 0.2 < float(step) < 1.0, t.key
        assert np.isfinite(t.scaled_error)


def _folder(tmp_path: Path, text: str, change: tuple[str, str] = ("", "")) -> Path:
    (tmp_path / "a.toml").write_text((FOLDER / "dehong.toml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "b.toml").write_text(text.replace(*change) if change[0] else text, encoding="utf-8")
    return tmp_path


AS_PRINTED = """
[[target]]
key = "dehong.subsidy_as_printed"
measure = "subsidy_paid_share"
place = "dehong"
label = { zh = "印刷数", en = "as printed" }
value = 0.05
standard_error = 0.02
judged = { zh = "照印刷", en = "as printed" }
date = 2015-03-31
source = "the same"
layer = "true"
by = "amount"
kind = "share"
mechanisms = ["reduced-form"]
"""


def test_a_figure_that_contradicts_another_is_refused_in_clear_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"contradicts dehong\.subsidy_paid_share in a\.toml") as error:
        read_targets(_folder(tmp_path, AS_PRINTED))
    assert "kept_out" in str(error.value)
    assert error.value.where == "b.toml"


def test_a_second_figure_that_agrees_would_count_twice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="count it twice"):
        read_targets(_folder(tmp_path, AS_PRINTED, ("value = 0.05", "value = 0.48")))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('place = "dehong"', 'place = "elsewhere"\nnumerator = 1.0\ndenominator = 2.0', "0.5, which 1 of 2 give"),
        ('measure = "subsidy_paid_share"', 'measure = "arrears"', "one of"),
        ("value = 0.05", "value = 1.5", "a share between 0 and 1"),
        ("standard_error = 0.02", "standard_error = 0.0", "greater than 0"),
        ('layer = "true"', 'layer = "rumour"', "layer"),
    ],
)
def test_what_a_target_may_not_say(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_targets(_folder(tmp_path, AS_PRINTED, (old, new)))


def test_an_empty_folder_is_no_list_of_targets(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one"):
        read_targets(tmp_path)
