"""What people read: numbers in the reader's units, both languages complete, the sentences as they may be said."""

from __future__ import annotations

import ast
import gettext
import io
import re
from pathlib import Path
from typing import Any

import pytest

import sim
from cli.text import language_of, rule_value
from dashboard.words import LANGUAGES, Words, catalogue, glossary, labels, model_texts
from dashboard.words.sentence import years_of
from sim.errors import InputError, Interrupted, TooFewHistories
from sim.estimate import rounded_up
from sim.law import vocabulary

ROOT = Path(__file__).parents[2]
ZH, EN = Words("zh"), Words("en")
HAN = re.compile(r"[一-鿿]")


# --- numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yuan", "zh", "en"),
    [
        (12_500_000, "1,250 万元", "CNY 12.5 million"),
        (2_754_119, "275 万元", "CNY 2.75 million"),
        (125_000_000, "1.25 亿元", "CNY 125 million"),
        (99_999_999, "1 亿元", "CNY 100 million"),  # as shown it is a hundred million: no 10,000 万元
        (99_994_999, "9,999 万元", "CNY 100 million"),
        (999_999, "100 万元", "CNY 1 million"),
        (999_499, "99.9 万元", "CNY 1 million"),
        (10_000, "1 万元", "CNY 10,000"),
        (9_999.5, "1 万元", "CNY 10,000"),
        (9_999.4, "9,999 元", "CNY 9,999"),
        (8_500, "8,500 元", "CNY 8,500"),
        (0.5, "1 元", "CNY 1"),
        (0, "0 元", "CNY 0"),
        (-0.4, "0 元", "CNY 0"),
        (-500_000, "−50 万元", "−CNY 0.50 million"),
        (None, "—", "—"),
        (float("nan"), "—", "—"),
    ],
)
def test_money(yuan: float | None, zh: str, en: str) -> None:
    assert ZH.money(yuan) == zh
    assert EN.money(yuan) == en


@pytest.mark.parametrize(
    ("x", "digits", "text"),
    [(0.5, 0, "1"), (1.5, 0, "2"), (2.5, 0, "3"), (-0.5, 0, "−1"), (-0.4, 0, "0"), (0.285, 2, "0.29"), (1234.55, 1, "1,234.6"), (1e16, 0, "10,000,000,000,000,000"), (1e-7, 1, "0.0"), (None, 1, "—")],
)  # fmt: skip
def test_halves_round_away_from_zero_and_nothing_is_negative_nothing(x: float | None, digits: int, text: str) -> None:
    assert EN.number(x, digits) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.05, "5.0%"), (0.1025, "10.3%"), (0.0003, "0.03%"), (0.00099, "0.099%"), (1e-7, "0.00001%"), (-0.00022, "−0.022%"), (0, "0.0%"), (1, "100.0%"), (None, "—")],
)  # fmt: skip
def test_percent(share: float | None, text: str) -> None:
    assert ZH.percent(share) == EN.percent(share) == text


def test_ranges_say_their_unit_once_and_no_dash_meets_a_minus() -> None:
    assert ZH.range_money((11_500_000, 14_000_000)) == "1,150–1,400 万元"
    assert EN.range_money([11_500_000, 14_000_000]) == "CNY 11.5–14.0 million"
    assert ZH.range_money((-50_000, 100_000)) == "−5.0 至 10.0 万元"
    assert EN.range_money((-1e6, 2e6)) == "CNY −1.00 to 2.00 million"
    assert EN.range_money(None) == EN.interval(None) == "—"
    assert ZH.interval((0.024, 0.083), ZH.percent) == "2.4%–8.3%"
    assert EN.interval((-0.01, 0.01), EN.percent) == "−1.0% to 1.0%"


def test_units_of_axes_agree_with_money() -> None:
    assert (ZH.money_unit, EN.money_unit) == ("万元", "million yuan")
    assert ZH.number(ZH.in_unit(12_500_000)) + " " + ZH.money_unit == ZH.money(12_500_000)
    assert EN.in_unit(12_500_000) == 12.5


def test_advised_size_is_never_shown_as_less_than_it_is() -> None:
    assert (ZH.advised(12_540_000), EN.advised(12_540_000)) == ("1,254 万元", "CNY 12.54 million")
    assert (ZH.advised(123_450_000), EN.advised(123_450_000)) == ("1.2345 亿元", "CNY 123.45 million")
    assert (ZH.advised(3_000_000), EN.advised(3_000_000)) == ("300 万元", "CNY 3 million")
    assert ZH.advised(123_456_789) == "1.2346 亿元"


@pytest.mark.parametrize(
    ("yuan", "half", "up"), [(2_862_386, 83_810, 2_900_000), (2_862_386, 1, 2_870_000), (100_000, 60_000, 100_000)]
)
def test_advice_is_rounded_up_to_a_step_not_finer_than_the_error(yuan: float, half: float, up: float) -> None:
    assert rounded_up(yuan, half) == up


def test_dates() -> None:
    assert (ZH.date("2018-01-01"), EN.date("2018-01-01")) == ("2018年1月1日", "1 January 2018")
    assert [ZH.month(3), EN.month(3), EN.month(12)] == ["3月", "Mar", "Dec"]
    with pytest.raises(ValueError, match="month 0"):
        EN.month(0)


def test_money_to_the_fen() -> None:
    assert (ZH.exact_yuan(5_108_854), EN.exact_yuan(-5_108_854)) == ("51,088.54元", "−CNY 51,088.54")


def test_a_figure_without_a_value_gives_its_reason() -> None:
    none = {"value": None, "reason": "no history was short"}
    assert (ZH.value(none), EN.value(none)) == ("没有出现缺口", "no history was short")
    assert ZH.value({"value": None}) == "—"
    assert EN.value({"value": 0.035}, EN.percent) == "3.5%"


# --- the answer in sentences -------------------------------------------------------------------------


def answer_of(
    chance: float, assurance: float = 0.95, replications: int = 2000, gap: float | None = None, **more: Any
) -> dict[str, Any]:
    """The part of an answer that the sentences read."""
    return {
        "year": 2027, "assurance": assurance, "replications": replications, "cutoff_maturity_on": "2027-06-06",
        "need_yuan": {"value": 12.1e6, "ci95": [11.9e6, 12.3e6], "conservative": 12.3e6},
        "advice": {
            "fund_yuan": 12_500_000, "shortfall_chance": {"value": chance}, "mean_gap_if_short_yuan": {"value": gap},
        }, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "zh", "en"),
    [
        (
            answer_of(0.05),
            "明年（2027年度）建议安排 1,250 万元：20 个同样可能的明年中，约 19 个够用，1 个会有缺口（缺口概率 5.0%）。",
            "Set aside CNY 12.5 million for 2027: enough in about 19 of 20 equally likely next years, short in 1 (shortfall chance 5.0%).",
        ),
        (answer_of(0.035), "约 19 个够用，1 个会有缺口（缺口概率 3.5%）", "about 19 of 20"),
        (answer_of(0.012), "至少 19 个够用（模拟中 1.2% 的年份有缺口）", "at least 19 of 20"),
        (answer_of(0.09, 0.9), "约 18 个够用，2 个会有缺口", "about 18 of 20"),
        (answer_of(0.018, 0.98), "100 个同样可能的明年中，约 98 个够用，2 个会有缺口", "about 98 of 100"),
        (answer_of(0.011, 0.98), "模拟中 1.1% 的年份有缺口，样本不足", "short in 1.1% of the simulated years"),
        (answer_of(0.009, 0.99), "少于 1%，样本不足以精确估计", "fewer than 1%"),
        (answer_of(0.009, 0.99, 10_000), "约 99 个够用，1 个会有缺口", "about 99 of 100"),
        (answer_of(0.0005, 0.999, 50_000), "少于 1%", "fewer than 1%"),
    ],
)  # fmt: skip
def test_headline(data: dict[str, Any], zh: str, en: str) -> None:
    assert zh in ZH.sentence(data)
    assert en in EN.sentence(data)


def test_one_denominator_follows_from_what_is_accepted() -> None:
    assert years_of(0.5, 1 - 0.95, 60) == (10, 20)
    assert years_of(0.0, 1 - 0.95, 60) == (0, 20)
    assert years_of(0.03, 1 - 0.98, 2000) == (3, 100)
    assert years_of(0.0, 1 - 0.999, 10**6) is None


def test_a_year_in_which_nothing_falls_due_says_only_that() -> None:
    data = answer_of(0.0) | {"need_yuan": {"value": 0, "conservative": 0}}
    assert ZH.sentences(data) == {
        "headline": "2027年度内没有到期应付的代偿：2027年6月6日以后到期的贷款由以后年度的补偿金承担。"
    }


def test_the_three_kinds_of_not_knowing_are_told_apart() -> None:
    spread = {"need_over_parameters_yuan": {"p05": 8.0e6, "p95": 21.0e6}}
    said = ZH.sentences(answer_of(0.05, uncertainty=spread, gap=2_300_000))
    assert list(said) == ["headline", "why", "if_short", "range", "error"]
    assert said["if_short"].replace(" ", "") == "规模1,250万元一旦不够，平均还差230万元。"
    assert said["range"] == "受参数把握程度影响，建议规模的合理区间为 800–2,100 万元。"
    assert said["error"] == "抽样误差：±20 万元（模拟 2,000 次）。"
    known = {"need_over_parameters_yuan": {"value": None, "reason": "every parameter is taken as known"}}
    said = EN.sentences(answer_of(0.05, uncertainty=known))
    assert said["range"].endswith("is not worked out here: every parameter is taken as known.")
    assert "was enough in every simulated year" in said["if_short"]


def test_the_size_is_explained_with_the_need_its_upper_figure_and_the_step() -> None:
    """All three numbers, and how one comes from the other."""
    need = {"value": 3_228_756.0, "ci95": [2_950_000.0, 4_100_000.0], "conservative": 4_070_000.0}
    data = answer_of(0.01) | {"need_yuan": need}
    data["advice"] = {**data["advice"], "fund_yuan": 5_000_000.0}
    said = EN.sentences(data)["why"]
    assert [x in said for x in ("CNY 5 million", "CNY 3.23 million", "CNY 4.07 million", "steps of CNY 1 million")] == [
        True
    ] * 4
    assert all(x in ZH.sentences(data)["why"] for x in ("500 万元", "323 万元", "407 万元", "100 万元"))


@pytest.mark.parametrize(
    ("chance", "accepted", "n", "said"),
    [(0.10, 0.05, 200, ("18/20", "2/20")), (0.015, 0.05, 200, ("at least 19/20", "fewer than 1/20")),
     (0.0, 0.05, 200, ("20/20", "0/20")), (0.015, 0.01, 10_000, ("98/100", "2/100")), (0.004, 0.01, 2000, ("99.6%", "0.4%"))],
)  # fmt: skip
def test_one_rule_makes_counts_of_chances(chance: float, accepted: float, n: int, said: tuple[str, str]) -> None:
    assert EN.counted(chance, {"assurance": 1 - accepted, "replications": n}) == said


def test_an_amount_is_not_followed_by_a_gap_in_chinese() -> None:
    assert "500 万元一旦" in ZH("If {fund} is not enough, {gap} is missing on average.", fund="500 万元", gap="34 万元")
    assert "县 一：" in ZH("{title}: waits in line", title="县 一")  # names stay as people wrote them


# --- what may not be said ----------------------------------------------------------------------------

BANNED = re.compile(
    r"[十百千]年一遇|年一遇|置信度|保证够|绝对|万无一失|最坏情况|最坏的情况|不会出现|智能体|偿付能力"
    r"|worst[- ]case|once in \w+ years|1-in-\d+|one-in-\w+ year|will never|guaranteed to|interest discount",
    re.IGNORECASE,
)


def test_banned_words_would_be_found() -> None:
    for text in (
        "二十年一遇",
        "百年一遇",
        "置信度95%保证",
        "最坏情况",
        "不会出现缺口",
        "once in 20 years",
        "the worst case",
    ):
        assert BANNED.search(text), text


def test_nobody_is_promised_anything() -> None:
    for message in catalogue.stored():
        for text in (message.id, message.string):
            for part in (text,) if isinstance(text, str) else text:
                assert not BANNED.search(part), part
    for term in glossary.terms().values():
        assert not BANNED.search(term.zh + term.en + term.meaning), term


# --- the catalogue -----------------------------------------------------------------------------------

SAME_IN_BOTH = {"LPR", "CSV", "PD"}
LATIN = re.compile(r"[A-Za-z]{2}")
PLACEHOLDER = re.compile(r"{[^{}]*}")


def texts() -> list[tuple[str, str]]:
    """Every text that has a Chinese one, plural forms one by one."""
    out = []
    for message in catalogue.stored():
        if message.id:
            many = not isinstance(message.id, str)
            out += [
                (message.id[1] if many else message.id, zh) for zh in (message.string if many else [message.string])
            ]
    return [(en, zh) for en, zh in out if zh]


def test_every_text_has_a_chinese_one() -> None:
    """A text that is new in the code, or gone from it, fails here: `make words`, then fill what is empty."""
    today, stored = catalogue.template(), catalogue.stored()
    ids = [{m.id if isinstance(m.id, str) else m.id[0] for m in c if m.id} for c in (today, stored)]
    assert ids[0] == ids[1], ids[0] ^ ids[1]
    assert catalogue.missing(stored) == []


def test_chinese_texts_are_chinese_and_keep_the_placeholders() -> None:
    for en, zh in texts():
        assert sorted(PLACEHOLDER.findall(en)) == sorted(PLACEHOLDER.findall(zh)), en
        bare = PLACEHOLDER.sub("", zh)
        assert en in SAME_IN_BOTH or HAN.search(bare) or not LATIN.search(bare), en
        assert en in SAME_IN_BOTH or zh != en or not LATIN.search(bare), en
        assert not re.search(r"[一-鿿][,;:?!][^\d]", bare), f"Chinese text with Latin punctuation: {zh}"


def test_texts_are_spoken_whole() -> None:
    """Texts are collected from the code as it stands: one that is put together or chosen inside the call is not found."""
    pieces = (ast.IfExp, ast.JoinedStr, ast.BinOp, ast.BoolOp)
    for folder in catalogue.FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and node.args
                    and ast.unparse(node.func).split(".")[-1] in catalogue.KEYWORDS
                ):
                    assert not isinstance(node.args[0], pieces), f"{path}: {ast.unparse(node)}"


def test_the_compiled_catalogue_is_that_of_the_text() -> None:
    compiled = gettext.GNUTranslations(io.BytesIO(catalogue.MO.read_bytes()))._catalog  # type: ignore[attr-defined]
    from_text = gettext.GNUTranslations(io.BytesIO(catalogue.as_mo(catalogue.PO.read_bytes())))._catalog  # type: ignore[attr-defined]
    assert {k: v for k, v in compiled.items() if k} == {k: v for k, v in from_text.items() if k}


def test_no_english_text_stays_behind_in_chinese() -> None:
    assert ZH("Run folder: {path}", path="x") == "结果文件夹：x"
    assert ZH.n("{n} day", "{n} days", 1) == "1 天"
    assert (EN.n("{n} day", "{n} days", 1), EN.n("{n} day", "{n} days", 1200)) == ("1 day", "1,200 days")
    assert ZH("a text that nobody has put into Chinese") == "a text that nobody has put into Chinese"
    for key, text in labels.LABELS.items():
        assert HAN.search(ZH.lookup(text)), key
    with pytest.raises(ValueError, match="language"):
        Words("fr")


def test_two_languages_live_in_one_process() -> None:
    assert [w("figure") for w in map(Words, (*LANGUAGES, *LANGUAGES))] == ["指标", "figure", "指标", "figure"]


# --- what the model writes itself --------------------------------------------------------------------


def reasons_in(path: Path) -> set[str]:
    """English sentences that a file gives as reasons; a number or name in them is written as 7."""
    out = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        values = []
        if isinstance(node, ast.keyword) and node.arg == "reason":
            values.append(node.value)
        if isinstance(node, ast.Assign) and any(
            ast.unparse(t) in ("reason", "nil", "out['reason']") for t in node.targets
        ):
            values.append(node.value)
        for value in values:
            for leaf in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                    out.add(leaf.value)
                if isinstance(leaf, ast.JoinedStr):
                    parts = (p.value if isinstance(p, ast.Constant) else "7" for p in leaf.values)
                    out.add("".join(str(p) for p in parts))
    return out


def test_every_reason_of_the_model_has_a_chinese_text() -> None:
    """A new reason in sim/ that is not in `model_texts` fails here."""
    found = set().union(*map(reasons_in, (ROOT / "sim").rglob("*.py")))
    assert {"no history was short", "7 or more histories are needed"} <= found
    assert not [text for text in found if re.search(r"[a-z]{3}", re.sub(r"\w+\.(parquet|csv)", "", ZH.reason(text)))]
    off = {f"defaults.{k}": v for k, v in {"drought": None, "late_subsidy": None, "stacking": {}}.items()}
    for why in sim.drivers.absent(sim.scenario("x-county").with_changes(off)).values():
        assert HAN.search(ZH.reason(why)), why


def test_reasons_with_numbers_and_in_parts() -> None:
    assert ZH.reason("768 or more histories are needed") == "需模拟 768 次以上"
    two = "no driver of default is switched on: drought: the scenario has no drought; stacking: switched off in the scenario"
    assert ZH.reason(two) == "没有开启任何违约成因：旱灾：情景不含旱灾；一户多贷：情景中已关闭"
    assert ZH.reason("something new") == "something new"
    assert EN.reason(two) == two and ZH.reason("") == ""


def test_no_pattern_takes_what_a_fuller_one_says() -> None:
    for text in model_texts.TEXTS:
        filled = text.format(**dict.fromkeys(re.findall(r"{(\w+)}", text), "7"))
        wanted = ZH.lookup(text).format(**dict.fromkeys(re.findall(r"{(\w+)}", text), "7"))
        assert ZH.reason(filled) == wanted, text


def test_sources() -> None:
    assert ZH.source("X county regulation, art. 9(1)") == "X县办法第9(1)条"
    assert ZH.source("assumption: as in X county") == "假设：同X县"
    assert EN.source("assumption: as in X county") == "assumption: as in X county"
    for name in sim.pack_names():
        for parameter in sim.load_pack(name).parameters.values():
            assert all(HAN.search(ZH.source(value.source)) for value in parameter.values)
            assert HAN.search(ZH.unit(parameter.unit))
    for name in sim.scenario_names():
        assert all(HAN.search(ZH.source(s.note)) for s in sim.scenario(name).sources)


def test_values_of_rules_in_words() -> None:
    assert (
        ZH.rule_value(True) == "是"
        and ZH.rule_value([]) == "无"
        and ZH.rule_value(["death", "disaster"], vocabulary()["claim.compensable_causes"]) == "死亡、灾害"
    )
    term = vocabulary()["claim.wilful_default"]
    assert (
        rule_value("after_court", ZH, term) == "经法院程序之后（after_court）"
        and rule_value("01-15", ZH, term) == "01-15"
    )
    assert rule_value("after_court", EN, term) == "after_court"
    assert (
        EN.rule_value("after_court", term) == "after the court's step" and EN.rule_value("after_court") == "after_court"
    )


def test_steps_of_a_claim_come_after_what_others_do() -> None:
    step, term = {"after": ["file", "own"], "actor": "public", "days": 7}, vocabulary()["claim.steps"]
    names = ZH.step_names({f"claim.steps.{key}": t.term for key, t in _steps().items()})
    assert ZH.rule_value(step, term, names) == "在承贷机构申请、own之后；7天"
    assert (
        ZH.rule_value({"rcc": 15_000_000, "own": 5}, vocabulary()["fund.sub_accounts_yuan"])
        == "农村信用社 15,000,000、own 5"
    )


def _steps() -> dict[str, Any]:
    above = "claim.steps."
    return {k.removeprefix(above): p for k, p in sim.load_pack("x-county").parameters.items() if k.startswith(above)}


def test_errors_in_one_line() -> None:
    error = InputError("own.toml", "defaults.anchor", "hihg", "one of ['low', 'high']", ["low", "high"])
    assert ZH.error(error) == "own.toml：defaults.anchor：现为 'hihg'；允许：['low', 'high'] 之一；最接近的名称：high"
    assert EN.error(error) == str(error)
    few = TooFewHistories(
        "replications: found 58; allowed: 59 or more for an assurance of 0.95 (the upper 95 per cent order statistic does not exist for fewer)"
    )
    assert ZH.error(few).startswith("replications：现为 58；允许：够用概率为 0.95 时 59 以上")
    assert ZH.error(Interrupted("runs/x", 3, 9)) == "已中断：完成3/9次，已保存在runs/x，再次运行同一命令即可继续。"


def test_errors_are_told_in_the_language_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LANG", "C")
    assert language_of(["size", "x", "--lang", "en"]) == language_of(["--lang=en"]) == "en"
    assert language_of(["size", "--lang"]) == language_of(["--lang", "fr"]) == language_of([]) == "zh"
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert language_of(["size", "x"]) == "en" and language_of(["--lang=zh"]) == "zh"


# --- the glossary ------------------------------------------------------------------------------------


def test_glossary_is_complete_and_one_thing_has_one_name() -> None:
    terms = glossary.terms()
    assert (ZH.term("fund_need"), EN.term("fund_need")) == ("需要的规模", "need")
    for term in terms.values():
        assert HAN.search(term.zh) and not HAN.search(term.en) and term.status in ("O", "S", "P"), term
    for names in ([t.zh for t in terms.values()], [t.en for t in terms.values()]):
        assert len(set(names)) == len(names)
    assert {"drought", "late_subsidy", "stacking"} == set(sim.drivers.DRIVERS) <= set(terms)


def test_the_glossary_page_is_written_from_the_terms() -> None:
    assert (ROOT / "docs/glossary.md").read_text(encoding="utf-8") == glossary.as_markdown()


def test_figures_carry_the_glossarys_terms() -> None:
    """Names of figures and terms do not drift apart."""
    same = {"hidden_default_share": "hidden_default", "ring_fencing_price_yuan": "ring_fencing_price", "in_process": "in_process",
            "refused": "refused", "driver.drought": "drought", "driver.late_subsidy": "late_subsidy", "driver.stacking": "stacking",
            "need_yuan": "need_headline", "need_yuan_pooled": "need_pooled", "runoff_need_yuan": "runoff_need",
            "clerk_utilisation": "clerks", "need_tail_mean_yuan": "need_tail_mean", "top_up_yuan": "top_up"}  # fmt: skip
    assert {key: ZH.label(key) for key in same} == {key: ZH.term(term) for key, term in same.items()}
