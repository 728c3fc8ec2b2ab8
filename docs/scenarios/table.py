"""The table of all scenarios: runs each on the same seed, and writes figures.json and the tables of the two READMEs.

`python docs/scenarios/table.py` (400 histories each, in `runs/scenarios`; an interrupted run goes on) or, without
simulating, `python docs/scenarios/table.py --write`. The years of the change of 2026 stand in change-2026.json, which is what
`riskfund compare ... --to-year 2031 --json` printed.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import sim
from dashboard.words import Words
from sim.answers.fund import no_cover
from sim.answers.sample import Sample
from sim.store import RunFolder

HERE = Path(__file__).resolve().parent
FIGURES, CHECKS, YEARS = HERE / "figures.json", HERE / "checks.toml", HERE / "change-2026.json"
RATIOS = {
    "default_share": ("defaulted_fen", "due_fen"),
    "overdue_share_reported": ("overdue_fen", "outstanding_fen"),
    "subsidy_unpaid_share_90d": ("subsidy_unpaid_90d_fen", "subsidy_entitled_fen"),
}
HEADS = {
    "en": ("scenario", "year", "need in 19 of 20 years, million yuan", "defaults, % of principal due", "reported overdue, % of the book",
           "subsidy unpaid after 90 days, %", "does it make sense?"),
    "zh": ("情景", "年度", "20年中19年够用的规模，万元", "违约占到期本金，%", "上报逾期占余额，%", "贴息90天后未到位，%", "是否合理"),
}  # fmt: skip


def figures(name: str, n: int, seed: int, runs: Path) -> dict[str, Any]:
    """Four figures of a scenario with their intervals: need [yuan] at 0.95, and three shares."""
    scenario = sim.scenario(name)
    results = sim.run(scenario, n, seed=seed, workers=1, out=runs / name)
    h = Sample.of(RunFolder(results.folder), name, n)
    rules = scenario.law()
    need = h.quantile_yuan("need_fen", 0.95).as_dict()
    county = no_cover(h, rules, 0.95).get("no_cover", {})
    if county:
        need = county.get("county_pays_yuan") or {"value": None, "reason": "no fund"}
    return {
        "year": scenario.sized_year, "replications": n, "seed": seed, "failed": len(results.failures()), "need_yuan": need,
        "who_pays": county.get("who", "fund"),
        **{key: h.ratio(*columns).as_dict() for key, columns in RATIOS.items()},
    }  # fmt: skip


def table(found: dict[str, Any], lang: str) -> str:
    """The table in one language: value and 95 per cent interval, simulation error alone."""
    heads, checks = HEADS[lang], tomllib.loads(CHECKS.read_text(encoding="utf-8"))
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name, f in found.items():
        page = f"docs/scenarios/{name}{'' if lang == 'en' else '.zh'}.md"
        scale = 1e6 if lang == "en" else 1e4
        cells = [
            f"[`{name}`]({page})",
            str(f["year"]),
            _cell(f["need_yuan"], scale, lang),
            *(_cell(f[key], 0.01, lang) for key in RATIOS),
            checks[name][lang],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(x: dict[str, Any], scale: float, lang: str) -> str:
    if x.get("value") is None:
        return "–"
    digits = 1 if scale == 1e4 else 2
    value, (low, high) = x["value"] / scale, (y / scale for y in x["ci95"])
    if scale == 1e6 and value < 0.1:
        digits = 3
    return f"{value:.{digits}f} ({low:.{digits}f} – {high:.{digits}f})"


def page(f: dict[str, Any], lang: str) -> str:
    """The figures of one scenario's page."""
    lines = ["| | |", "|---|---|"]
    scale = 1e6 if lang == "en" else 1e4
    for head, cell in zip(
        HEADS[lang][2:6],
        (_cell(f["need_yuan"], scale, lang), *(_cell(f[key], 0.01, lang) for key in RATIOS)),
        strict=True,
    ):
        lines.append(f"| {head} | {cell} |")
    made = {
        "en": "Year {year}; {replications} histories, seed {seed}; in brackets the 95 per cent interval of simulation error.",
        "zh": "{year}年；模拟{replications}次，种子{seed}；括号内为模拟误差的95%区间。",
    }
    county = {
        "en": "The need is what the county pays for households.",
        "zh": "此处“规模”为县里代农户垫付的金额。",
    }
    more = f" {county[lang]}" if f["who_pays"] == "county" else ""
    return "\n".join([*lines, "", made[lang].format(**f) + more])


def change_of_2026(rows: list[dict[str, Any]], lang: str) -> str:
    """Need and payments by year: the line of 2021, and the difference that each reading of 2026 makes."""
    scale, unit = (1e6, "million yuan") if lang == "en" else (1e4, "万元")
    heads = {
        "en": ("year", "need, line of 2021", "above 50,000 not covered", "all covered", "falls due, 12 / 24 / 36 months (2021)",
               "not covered, added", "all covered, added"),
        "zh": ("年度", "规模，2021年口径", "5万元以上不补偿", "全部补偿", "应付，12／24／36个月期（2021年口径）", "不补偿，增减", "全部补偿，增减"),
    }[lang]  # fmt: skip
    at = {(r["year"], r["scenario"], r["metric"]): r for r in rows}
    names = ("assistance-2026", "assistance-2026-covered")
    terms = [f"due_{t}_months_yuan" for t in (12, 24, 36)]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for year in sorted({r["year"] for r in rows}):
        need = at[year, names[0], "need_yuan"]
        due = [at[year, names[0], t]["base"] / scale for t in terms]
        cells = [str(year), f"{need['base'] / scale:.2f}"]
        cells += [_signed(at[year, name, "need_yuan"]["difference"], scale) for name in names]
        cells += [" / ".join(f"{x:.2f}" for x in due)]
        cells += [
            " / ".join(f"{at[year, name, t]['difference']['value'] / scale:+.2f}" for t in terms) for name in names
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"({unit})"])


def _signed(d: dict[str, Any], scale: float) -> str:
    low, high = (x / scale for x in d["ci95"])
    return f"{d['value'] / scale:+.2f} ({low:+.2f} – {high:+.2f})"


def write(found: dict[str, Any]) -> None:
    """Put the tables between the marks of both READMEs, of the pages, and of the index."""
    for lang, tail in (("en", ""), ("zh", ".zh")):
        _between(HERE.parents[1] / f"README{tail}.md", "scenarios", table(found, lang))
        for name, f in found.items():
            _between(HERE / f"{name}{tail}.md", "figures", page(f, lang))
        if YEARS.is_file():
            made = json.loads(YEARS.read_text(encoding="utf-8"))
            _between(HERE / f"README{tail}.md", "2026", change_of_2026(made["by_year"], lang))


def _between(path: Path, mark: str, text: str) -> None:
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    head, rest = path.read_text(encoding="utf-8").split(begin)
    path.write_text(f"{head}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")


def main() -> None:
    """Run what is asked for, keep the figures, write the tables."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("names", nargs="*", default=sim.scenario_names())
    ask.add_argument("--replications", type=int, default=400)
    ask.add_argument("--seed", type=int, default=2027)
    ask.add_argument("--runs", type=Path, default=Path("runs/scenarios"))
    ask.add_argument("--write", action="store_true", help="only write the tables from figures.json")
    given = ask.parse_args()
    found = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.is_file() else {}
    for name in () if given.write else given.names:
        found[name] = figures(name, given.replications, given.seed, given.runs)
        ordered = {key: found[key] for key in sorted(found)}
        FIGURES.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
        print(Words("en").number(given.replications), name)
    write({key: found[key] for key in sorted(found)})


if __name__ == "__main__":
    main()
