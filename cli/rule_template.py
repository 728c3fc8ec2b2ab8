"""The text of a new rule pack: each rule of the vocabulary explained, its value to be filled in or taken from another pack."""

from __future__ import annotations

import datetime as dt
from typing import Any

from calibration.toml_text import value_text
from dashboard.words import Words
from dashboard.words.reasons import reason
from sim.law import Pack, Term, vocabulary
from sim.law.chain import DURATIONS
from sim.law.vocabulary import allowed

_HEAD = {
    "zh": (
        "# 规则包 {name}。怎样填写：docs/write-a-rule-pack.zh.md；检查：riskfund rules check {name}.toml",
        "# 每个数值写明生效日期（from），以及出处（cite，条款）或理由（assumption），二者必居其一。",
        "# 标“必填”的规则去掉前面的 # 后填写；标“可略”的不写也可以，不写时的含义在旁边。",
    ),
    "en": (
        "# Rule pack {name}. How to fill it in: docs/write-a-rule-pack.md; check it: riskfund rules check {name}.toml",
        "# Each value says from when it holds (from) and either its article (cite) or why it was taken (assumption).",
        "# Take the # away from a rule that says `needed` and fill it in; one that says `may be left out` says what that means.",
    ),
}
_SAYS = {
    "zh": {"needed": "必填", "optional": "可略：{words}", "readings": "可选：{words}", "allowed": "写法：{words}",
           "cite": "或 assumption = \"理由\"", "like": "同{title}，待核对"},
    "en": {"needed": "needed", "optional": "may be left out: {words}", "readings": "one of: {words}", "allowed": "form: {words}",
           "cite": "or: assumption = \"why\"", "like": "as in {title}, to be checked"},
}  # fmt: skip
_STEP = '{ after = "entitled", actor = "bank", days = 20 }'


def template(name: str, base: Pack | None, begins: dt.date | None, lang: str) -> str:
    """A pack to fill in.

    Parameters
    ----------
    name : str
    base : Pack, optional
        Its last values stand in the file, each as an assumption, so that the file is a pack at once.
    begins : date, optional
        Day from which they hold; by default each value's own.
    lang : str
    """
    title = value_text({"zh": name, "en": name})
    head = "\n".join(line.format(name=name) for line in _HEAD[lang])
    blocks = [f"{head}\n\nid = {value_text(name)}\ntitle = {title}"]
    for key, term in vocabulary().items():
        blocks.append("\n".join(_comment(key, term, lang) + _values(key, term, base, begins, lang)))
    return "\n\n".join(blocks) + "\n"


def _comment(key: str, term: Term, lang: str) -> list[str]:
    says = _SAYS[lang]
    form = reason(allowed(term.unit), Words(lang))
    lines = [f"{term.label[lang]} ({key})", term.meaning[lang], says["allowed"].format(words=form)]
    if term.readings:
        words = [f"{code}" + (f" ({told[lang]})" if told else "") for code, told in term.readings.items()]
        lines.append(says["readings"].format(words=", ".join(words)))
    if term.unit == "step":
        lines.append(f"after: entitled / NAME / [NAME, ...]; {' | '.join(DURATIONS)}")
    lines.append(says["optional"].format(words=term.absent[lang]) if term.absent else says["needed"])
    if term.not_simulated:
        lines.append(Words(lang)("(not simulated: {why})", why=term.not_simulated[lang]))
    return [f"# {line}" for line in lines]


def _values(key: str, term: Term, base: Pack | None, begins: dt.date | None, lang: str) -> list[str]:
    says, names = _SAYS[lang], [key]
    if base is not None:
        names = [k for k in base.parameters if k == key or (term.each and k.startswith(f"{key}."))]
        out = []
        for k in names:
            last = base.parameters[k].values[-1]
            why = says["like"].format(title=base.title[lang])
            since = value_text(begins or last.from_date)
            if last.open:
                out += [f"[[{k}.values]]", f"from = {since}", f"open = {value_text(last.open)}"]
                continue
            out += _entry(k, since, value_text(last.value), f"assumption = {value_text(why)}")
        if out:
            return out
    named = f"{key}.file" if term.each else key
    example = _STEP if term.each else ""
    lines = _entry(named, value_text(begins) if begins else "2020-01-01", example, f'cite = ""  # {says["cite"]}')
    return [f"# {line}".rstrip() for line in lines]


def _entry(key: str, begins: str, value: str, source: Any) -> list[str]:
    return [f"[[{key}.values]]", f"from = {begins}", f"value = {value}".rstrip(), source]
