"""One reader's language: texts from the catalogue, terms from the glossary, numbers in the reader's units."""

from __future__ import annotations

import datetime as dt
import gettext
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from dashboard.words import fields, glossary, labels, numbers, reasons, sentence
from sim.law import Term, vocabulary
from sim.law.vocabulary import unit_words

LANGUAGES = ("zh", "en")

_LOCALE = Path(__file__).parent / "locale"


@cache
def _catalogue(lang: str) -> gettext.NullTranslations:
    """Never installed into builtins: two readers of different languages share one process."""
    if lang == "en":  # the texts in the code are English
        return gettext.NullTranslations()
    return gettext.translation("riskfund", _LOCALE, [lang], fallback=True)


def _is_han(character: str) -> bool:
    return "一" <= character <= "鿿" if character else False


class Words:
    """All that is said to one reader.

    Parameters
    ----------
    lang : {"zh", "en"}
    """

    def __init__(self, lang: str) -> None:
        if lang not in LANGUAGES:
            raise ValueError(f"language {lang!r}: one of {LANGUAGES}")
        self.lang = lang
        self._texts = _catalogue(lang)

    # --- texts

    def __call__(self, text: str, **values: Any) -> str:
        """A text of the catalogue, its placeholders filled."""
        return self._filled(self._texts.gettext(text), values) if text else ""

    def _filled(self, text: str, values: Mapping[str, Any]) -> str:
        """A text with its placeholders filled; in Chinese no space between an amount's unit and the word after it."""
        if self.lang == "en":
            return text.format(**values)
        out = ""
        for literal, name, form, conversion in Formatter().parse(text):
            if out and _is_han(out[-1]) and literal[:1] == " " and _is_han(literal[1:2]):
                literal = literal[1:]
            value = "" if name is None else Formatter().vformat(f"{{{name}{'!' + conversion if conversion else ''}:{form}}}", (), values)  # fmt: skip
            if literal[-1:] == " " and _is_han(literal[-2:-1]) and _is_han(value[:1]):
                literal = literal[:-1]
            out += literal + value
        return out

    def n(self, singular: str, plural: str, n: int, **values: Any) -> str:
        """A text that depends on a number, which its placeholder {n} shows."""
        return self._filled(self._texts.ngettext(singular, plural, n), {"n": numbers.number(n), **values})

    def lookup(self, text: str) -> str:
        """A text of the catalogue as it stands, its placeholders not filled; the text itself where there is none."""
        return self._texts.gettext(text) if text else ""

    def term(self, key: str) -> str:
        """A term of the glossary."""
        return glossary.term(key, self.lang)

    def label(self, key: str, **values: Any) -> str:
        """Name of something that the answer, a table or a trace calls by a key: need_yuan, cause.death, driver.drought."""
        return self(labels.LABELS[key], **values)

    def bearer(self, code: str) -> str:
        """Who bears a part of a loss."""
        return vocabulary()["loss.shares"].readings[code][self.lang]

    def unit(self, code: str) -> str:
        """Unit of a rule's value."""
        return unit_words()[code][self.lang]

    def rule_value(self, value: Any, term: Term | None = None, steps: Mapping[str, str] | None = None) -> str:
        """A value of a rule: its readings in words, yes and no, lists, amounts by lender; other words as they are.

        ``steps``: what the steps of a claim are called; without it they stand under their names in the pack.
        """
        if value is None:
            return self.label("left_open")
        if isinstance(value, bool):
            return self.label("yes" if value else "no")
        if isinstance(value, (list, tuple)):
            return self.listed([self.rule_value(x, term) for x in value]) or self.label("none")
        readings = term.readings if term is not None else {}
        if isinstance(value, dict) and "actor" in value:
            return self._step(value, steps or {})
        if isinstance(value, dict):
            names = {k: readings[k][self.lang] if k in readings else k for k in value}
            is_yuan = term is not None and term.unit == "yuan_by_lender"
            parts = {k: self.number(x) if is_yuan else self.rule_value(x) for k, x in value.items()}
            return self.listed([f"{names[k]} {part}" for k, part in parts.items()])
        return readings[value][self.lang] if isinstance(value, str) and value in readings else str(value)

    def step_names(self, terms: Mapping[str, Term]) -> dict[str, str]:
        """What the steps of a claim are called, from the terms of a pack's rules by key."""
        above = "claim.steps."
        return {key.removeprefix(above): t.label[self.lang] for key, t in terms.items() if key.startswith(above)}

    def _step(self, step: Mapping[str, Any], called: Mapping[str, str]) -> str:
        """When a step of a claim comes and how long it takes; who acts is its name."""
        before = [step["after"]] if isinstance(step["after"], str) else step["after"]
        names = [self.label("chain.entitled") if name == "entitled" else called.get(name, name) for name in before]
        takes = [
            self.label(f"chain.{key}", n=self.rule_value(x))
            for key, x in step.items()
            if key not in ("after", "actor") and x is not False
        ]
        return self.joined_clauses([self.label("chain.after", steps=self.listed(names)), *takes])

    def field(self, field: str) -> str:
        """What a field of a scenario, or a rule, is called."""
        return fields.label(field, self.lang)

    def field_value(self, field: str, value: Any) -> str:
        """A value of such a field in words."""
        return fields.value(field, value, self)

    def reason(self, text: str) -> str:
        """The model's reason for a missing figure, or another fixed English text of the model, in this language."""
        return reasons.reason(text, self)

    def source(self, text: str) -> str:
        """An article, or an assumption with its note."""
        return reasons.reason(text, self)

    def error(self, error: Exception) -> str:
        """An error that the user can put right, in one line."""
        return reasons.error(error, self)

    def bracketed(self, text: str, more: str) -> str:
        """A text with more in brackets, as the language sets them."""
        return f"{text}（{more}）" if self.lang == "zh" else f"{text} ({more})"

    def named(self, name: str, text: str) -> str:
        """A name, a colon, and what is said of it."""
        return f"{name}：{text}" if self.lang == "zh" else f"{name}: {text}"

    def joined(self, sentences: Sequence[str]) -> str:
        """Sentences one after the other."""
        return ("" if self.lang == "zh" else " ").join(sentences)

    def joined_clauses(self, clauses: Sequence[str]) -> str:
        """Parts of one sentence."""
        return ("；" if self.lang == "zh" else "; ").join(clauses)

    def listed(self, parts: Sequence[str]) -> str:
        """Several things one after the other."""
        return ("、" if self.lang == "zh" else ", ").join(parts)

    # --- numbers

    def number(self, x: float | None, digits: int = 0) -> str:
        """1,234.5; a dash where there is none."""
        return numbers.number(x, digits)

    def percent(self, x: float | None, digits: int = 1) -> str:
        """A share (0.05) as per cent (5.0%)."""
        return numbers.percent(x, digits)

    def money(self, yuan: float | None) -> str:
        """An amount with its unit."""
        return numbers.money(yuan, self.lang)

    def advised(self, yuan: float) -> str:
        """An advised size with its unit: never shown as less than it is."""
        return numbers.advised(yuan, self.lang)

    def exact_yuan(self, fen: int) -> str:
        """Money to the fen."""
        return numbers.exact_yuan(fen, self.lang)

    @property
    def money_unit(self) -> str:
        """Unit of axes and table headings."""
        return "万元" if self.lang == "zh" else "million yuan"

    def in_unit(self, yuan: float) -> float:
        """An amount in `money_unit`, for axes and cells."""
        return yuan / (10_000 if self.lang == "zh" else 1_000_000)

    def range_money(self, bounds: Sequence[float] | None) -> str:
        """From one amount to another, the unit once."""
        return numbers.NOTHING if bounds is None else numbers.range_money((bounds[0], bounds[1]), self.lang)

    def interval(self, bounds: Sequence[float] | None, form: Callable[[float], str] | None = None) -> str:
        """An interval, each end in the given form; of money where no form is given."""
        if bounds is None:
            return numbers.NOTHING
        if form is None:
            return self.range_money(bounds)
        return numbers.between(form(bounds[0]), form(bounds[1]), self.lang)

    def value(self, estimate: Mapping[str, Any], form: Callable[[float], str] | None = None) -> str:
        """An estimate's value, or the reason why it has none."""
        if estimate.get("value") is None:
            return self.reason(str(estimate.get("reason", ""))) or numbers.NOTHING
        return (form or self.money)(estimate["value"])

    # --- dates

    def date(self, day: str | dt.date) -> str:
        """A day in full."""
        return numbers.date(day, self.lang)

    def month(self, k: int) -> str:
        """A month's short name, 1 to 12."""
        return numbers.month(k, self.lang)

    # --- the answer

    def sentence(self, data: Mapping[str, Any]) -> str:
        """The answer in one sentence, from `Answer.data`."""
        return sentence.headline(data, self)

    def sentences(self, data: Mapping[str, Any]) -> dict[str, str]:
        """What stands under the headline too: `headline`, `why`, `if_short`, `range`, `error`; those that there are."""
        return sentence.sentences(data, self)

    def outside(self, as_if: Mapping[str, Any]) -> str:
        """That a rule pack is used outside its dates, from `Answer.data["as_if"]`."""
        return sentence.outside(as_if, self)

    def counted(self, chance: float, data: Mapping[str, Any]) -> tuple[str, str]:
        """How often a size is enough, and how often short, in the answer's own denominator."""
        return sentence.counted(chance, 1 - data["assurance"], data["replications"], self)
