"""`riskfund rules`: what each command says; a new pack is a pack; the guide's example works as it is printed."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sim
from cli.rule_template import template
from cli.rules import app
from sim.errors import InputError
from sim.law import Rules, load_pack, vocabulary
from sim.law.rules import REQUIRED, check_pack, first_day
from sim.trace import trace_unpaid

DOCS = Path(sim.__file__).resolve().parents[1] / "docs"
GUIDES = {"en": "write-a-rule-pack.md", "zh": "write-a-rule-pack.zh.md"}


def ask(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def answer(*words: str) -> Any:
    return json.loads(ask(*words, "--json"))


def test_every_shipped_pack_is_listed_and_in_order() -> None:
    rows = {row["id"]: row for row in answer("list")}
    assert list(rows) == sim.pack_names()
    for name in rows:
        check_pack(load_pack(name))
        assert rows[name]["from"] == first_day(load_pack(name)).isoformat()


def test_what_a_day_says() -> None:
    rows = {row["key"]: row for row in answer("show", "x-county", "--on", "2018-01-01")}
    assert rows["loss.shares"]["value"] == {"fund": 0.7, "bank": 0.3}
    assert rows["claim.steps.file"]["source"].startswith("assumption: no deadline")
    assert "公示" in ask("show", "x-county", "--lang", "zh") and "[X county regulation, art. 19]" in ask("show", "x-county", "--lang", "en")  # fmt: skip


def test_what_two_packs_say_differently() -> None:
    rows = {row["key"]: row for row in answer("diff", "x-county", "national-2021")}
    assert "loan.ceiling_yuan" not in rows
    assert rows["loan.extra_ceiling_yuan"]["x-county"] is None
    assert rows["loan.extra_ceiling_yuan"]["national-2021"]["value"] == 100_000
    assert rows["fund.size_yuan"]["national-2021"] is None  # no such rule there
    assert "loss.shares" not in rows and "claim.steps.notice" not in rows
    assert answer("diff", "x-county", "x-county") == []


def test_what_the_notice_of_2026_changes() -> None:
    rows = {row["key"]: row for row in answer("diff", "national-2021", "assistance-2026")}
    assert {key: row["assistance-2026"]["value"] if row["assistance-2026"] else None for key, row in rows.items()} == {
        "loan.ceiling_yuan": 100_000, "loan.extra_ceiling_yuan": None, "loan.admits": ["registered", "borderline", "in_need"],
        "claim.cover_above_share": None, "subsidy.pays_above_ceiling": None,
    }  # fmt: skip
    assert rows["loan.ceiling_yuan"]["national-2021"]["value"] == 50_000
    for lang, told in (("en", "left to the scenario: whether the fund covers"), ("zh", "由情景给出：")):
        assert ask("diff", "national-2021", "assistance-2026", "--lang", lang).count(told) == {"en": 1, "zh": 2}[lang]


def test_articles_and_what_rests_on_them() -> None:
    found = answer("cite", "x-county")
    assert found["X county regulation, art. 10"][:2] == ["loan.ceiling_yuan", "loan.term_max_months"]
    sources = list(found)
    first = next(k for k, source in enumerate(sources) if source.startswith("assumption"))
    assert all(source.startswith("assumption") for source in sources[first:])


@pytest.mark.parametrize("key", vocabulary())
def test_every_rule_is_explained(key: str) -> None:
    for lang in ("zh", "en"):
        told = ask("explain", key, "--lang", lang)
        assert key in told and vocabulary()[key].meaning[lang] in told.replace("\n", "")


def test_a_rule_is_explained_in_a_pack() -> None:
    found = answer("explain", "claim.steps.notice", "--pack", "x-county", "--on", "2018-01-01")
    assert found["value"]["source"] == "X county regulation, art. 20(2)" and len(found["history"]) == 1
    assert answer("explain", "loss.shares.fund", "--pack", "x-county")["value"]["value"] == 0.7
    assert answer("explain", "claim.windows", "--pack", "x-county")["value"] is None


def test_a_rule_on_a_day_is_told_for_every_pack_in_force() -> None:
    found = answer("explain", "subsidy.share", "--on", "2026-03-01")["values"]
    assert {"x-county", "assistance-2026"} <= found.keys()
    assert "national-2021" not in found  # it ended the day before the notice of 2026
    assert "national-2021" in answer("explain", "subsidy.share", "--on", "2026-02-27")["values"]
    assert answer("explain", "claim.wait_days", "--on", "2018-01-01")["values"]["huangping"]["value"] == 30
    told = ask("explain", "fund.top_up", "--on", "2018-01-01", "--lang", "en")
    assert "refill-county" in told and "nothing is added" in told
    assert "values" not in answer("explain", "claim.wait_days")


@pytest.mark.parametrize(
    ("words", "field", "nearest"),
    [
        (("explain", "claim.wait_day"), "key", "claim.wait_days"),
        (("show", "x-conty"), "pack", "x-county"),
        (("diff", "x-county", "x-county", "--on", "2018"), "on", ""),
        (("show", "x-county", "--on", "2010-01-01"), "on", "from which x-county is in force"),
        (("cite", "national-2021", "--on", "2010-01-01"), "on", "from which national-2021 is in force"),
        (("diff", "x-county", "national-2021", "--on", "2018-01-01"), "on", "from which national-2021 is in force"),
        (("new", "a/b"), "name", ""),
        (("new", ".hidden"), "name", ""),
    ],
)
def test_what_cannot_be_answered_is_one_line(words: tuple[str, ...], field: str, nearest: str) -> None:
    with pytest.raises(InputError) as caught:
        ask(*words)
    assert caught.value.field == field and str(caught.value).endswith(nearest)


# --- a new pack --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("like", sim.pack_names())
def test_a_new_pack_like_another_has_its_rules_as_assumptions(like: str, lang: str, tmp_path: Path) -> None:
    path, base = tmp_path / "own.toml", load_pack(like)
    path.write_text(template("own", base, dt.date(2017, 1, 1), lang), encoding="utf-8")
    pack = load_pack(str(path))
    check_pack(pack)
    assert {k: p.values[-1].value for k, p in pack.parameters.items()} == {k: p.values[-1].value for k, p in base.parameters.items()}  # fmt: skip
    assert all(not value.cite for p in pack.parameters.values() for value in p.values)


def test_a_blank_pack_names_all_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ask("new", "blank")
    with pytest.raises(InputError) as caught:
        ask("check", "blank.toml")
    named = {caught.value.field, *caught.value.allowed.partition("also missing: ")[2].split(", ")}
    assert named == REQUIRED - {"claim.steps"}
    with pytest.raises(InputError, match="would be lost"):
        ask("new", "blank")
    text = (tmp_path / "blank.toml").read_text(encoding="utf-8")
    assert all(f"({key})" in text for key in vocabulary())
    limits = [term.not_simulated for term in vocabulary().values() if term.not_simulated]
    assert limits and sum(any(why in text for why in words.values()) for words in limits) == len(limits)


# --- the guide ---------------------------------------------------------------------------------------


def example(lang: str) -> list[str]:
    text = (DOCS / GUIDES[lang]).read_text(encoding="utf-8")
    return re.findall(r"```toml\n(.*?)```", text, re.DOTALL)


def test_both_languages_print_the_same_example() -> None:
    assert [tomllib.loads(block) for block in example("zh")] == [tomllib.loads(block) for block in example("en")]


def test_the_guides_example_is_a_pack_as_printed(tmp_path: Path) -> None:
    """Begun like X county, each printed block in the place of the one that is there, and the meetings deleted."""
    text = template("y-county", load_pack("x-county"), dt.date(2017, 1, 1), "en")
    blocks = "\n\n".join(example("en"))
    own = {key: block for block in blocks.split("\n\n") if (key := re.findall(r"\[\[(.*?)\.values", block)[0])}
    kept = []
    for block in re.split(r"\n(?=\[\[[\w.]+\.values\]\])|\n\n", text):
        key = re.match(r"\[\[(.*?)\.values", block)
        if key is None or key[1] not in {*own, "claim.meetings"}:
            kept.append(block)
    path = tmp_path / "y-county.toml"
    path.write_text("\n\n".join([*kept, *own.values()]), encoding="utf-8")
    pack = load_pack(str(path))
    check_pack(pack)
    rules = Rules.view(pack, dt.date(2018, 1, 1))
    assert [s.name for s in rules.claim.steps.before] == ["file", "village", "township", "notice", "review"]
    assert rules.loss.direct == (("guarantee_company", 200_000),) and rules.loss.fund_ppm == 500_000
    steps = trace_unpaid(sim.Scenario.load("x-county", {"rules": str(path)}), dt.date(2017, 7, 15))
    assert str(next(s.on for s in steps if s.what == "filed")) == "2018-03-01"  # 60 + 10 working days, then the window
    assert next(s for s in steps if s.what == "paid_by_all").amounts["others"] > 0
    assert {s.source for s in steps if s.rule == "claim.steps.notice"} == {"Y county measures, art. 9"}
