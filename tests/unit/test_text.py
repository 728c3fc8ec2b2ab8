"""What people read: both languages complete, money and rounding as the wording asks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sim
from cli import text
from cli.text import money, percent, rounded_up
from sim.drivers import absent

ROOT = Path(__file__).parents[2]


def test_every_text_exists_in_both_languages_with_the_same_fields() -> None:
    for key, (zh, en) in text._TEXT.items():
        fields = [set(re.findall(r"{(\w+)}", t)) for t in (zh, en)]
        assert fields[0] == fields[1], key
        assert re.search(r"[一-鿿]", zh), key


def test_every_reason_of_the_model_has_a_chinese_text() -> None:
    """A new `reason` in sim/ without a translation fails here."""
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "sim").glob("*.py"))
    reasons = set(re.findall(r'reason="([^"]+)"', source)) | set(re.findall(r'out\["reason"\] = "([^"]+)"', source))
    reasons |= {"sub-accounts are pooled", "the scenario has no drought", "switched off in the scenario"}
    bare = {"drought": None, "late_subsidy": None, "stacking": {}}
    reasons |= set(
        absent(sim.scenario("x-county").with_changes({f"defaults.{k}": v for k, v in bare.items()})).values()
    )
    assert reasons <= set(text._REASONS), reasons - set(text._REASONS)


@pytest.mark.parametrize(
    ("yuan", "zh", "en"),
    [
        (2_754_119, "275万元", "CNY 2.75 million"),
        (999_999, "100.0万元", "CNY 1.00 million"),
        (43_210, "4.3万元", "CNY 43,210"),
        (120_000_000, "1.20亿元", "CNY 120.00 million"),
        (-500_000, "-50.0万元", "-CNY 0.50 million"),
        (None, "—", "—"),
    ],
)
def test_money(yuan: float | None, zh: str, en: str) -> None:
    assert money(yuan, "zh") == zh
    assert money(yuan, "en") == en


def test_percent() -> None:
    assert percent(0.05) == "5.0%" and percent(0.0003) == "0.03%" and percent(0) == "0.0%"


@pytest.mark.parametrize(
    ("yuan", "half", "up"), [(2_862_386, 83_810, 2_900_000), (2_862_386, 1, 2_870_000), (100_000, 60_000, 100_000)]
)
def test_advice_is_rounded_up_to_a_step_not_finer_than_the_error(yuan: float, half: float, up: float) -> None:
    assert rounded_up(yuan, half) == up
