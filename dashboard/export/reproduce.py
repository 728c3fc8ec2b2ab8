"""How to get the same number again: a command line, a few lines of Python, a notebook, each with the number to expect."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import sim
from calibration import toml_text
from calibration.stored_fit import fit_names, name_of
from dashboard.export.report import Report
from sim.answers.answer import Answer
from sim.errors import RiskfundError
from sim.provenance import scenario_sha256


def is_shipped(answer: Answer) -> bool:
    """Is the scenario one of the project's own, without a change but a fit that is stored with the project?"""
    name = answer.scenario.name
    if name not in sim.scenario_names():
        return False
    try:
        own = answer.scenario.with_changes({"posterior": None}) if stored_fit(answer) else answer.scenario
        return scenario_sha256(sim.scenario(name)) == scenario_sha256(own)
    except RiskfundError:
        return False


def stored_fit(answer: Answer) -> str | None:
    """The fit stored with the project that the scenario takes parameters from; None where it takes none, or another's."""
    posterior = answer.scenario.posterior
    name = "" if posterior is None else name_of(posterior.file)
    return name if name in fit_names() else None


def scenario_file(answer: Answer) -> str:
    """What the command reads: a shipped scenario's name, or the file that is exported beside the notebook."""
    return answer.scenario.name if is_shipped(answer) else f"{answer.data['provenance']['result_number']}.toml"


def command(answer: Answer) -> str:
    """The command line."""
    d = answer.data
    words = ["riskfund", "size", scenario_file(answer), "--assurance", f"{d['assurance']:g}", "--replications", str(d["replications"]), "--seed", str(d["seed"])]  # fmt: skip
    if d["sampling"]["kind"] != "plain":
        words += ["--sampling", d["sampling"]["kind"], "--allocation", d["sampling"]["allocation"]]
    if is_shipped(answer) and (fit := stored_fit(answer)):
        words += ["--posterior", fit]
    return shlex.join(words)


def snippet(answer: Answer) -> str:
    """Python that sizes the fund again and checks the number."""
    d = answer.data
    how = ""
    if d["sampling"]["kind"] != "plain":
        how = f", sampling=sim.Sampling({d['sampling']['kind']!r}, {d['sampling']['allocation']!r})"
    scenario, imports = f"sim.scenario({json.dumps(scenario_file(answer))})", ["import sim"]
    if is_shipped(answer) and (fit := stored_fit(answer)):
        scenario += f'.with_changes({{"posterior": {{"file": str(draws_of("{fit}"))}}}})'
        imports.append("from calibration.stored_fit import draws_of")
    return "\n".join([
        *imports,
        "",
        f'if __name__ == "__main__":  # result {d["provenance"]["result_number"]}, riskfund {d["provenance"]["version"]}',
        f"    scenario = {scenario}",
        f"    answer = sim.size(scenario, assurance={d['assurance']!r}, replications={d['replications']}, seed={d['seed']}{how})",
        '    need = answer.data["need_yuan"]["value"]',
        f"    print(need)  # {d['need_yuan']['value']!r}",
        f"    assert need == {d['need_yuan']['value']!r}",
    ])  # fmt: skip


def write(r: Report, path: Path) -> list[Path]:
    """Write the notebook, and the scenario's file where it is not one of the project's own."""
    path.write_text(json.dumps(notebook(r), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if is_shipped(r.answer):
        return [path]
    own = path.with_name(scenario_file(r.answer))
    own.write_text(as_toml(r.answer.scenario, r.stamp), encoding="utf-8")
    return [path, own]


def notebook(r: Report) -> dict[str, Any]:
    """A notebook: the answer in words, the code that makes it, and the command line."""
    w, answer = r.w, r.answer
    said = [f"# {r.heading}", "", *(f"**{text}**" for text in r.warnings), "", *(_escaped(t) for t in r.sentences), "", f"`{r.stamp}`"]  # fmt: skip
    again = [w("The same from the command line:"), "", "```sh", command(answer), "```"]
    more = "histories = answer.histories()\nhistories[['replication', 'need_fen', 'payout_fen']].describe()"
    cells = [_markdown("\n".join(said)), _code(snippet(answer)), _markdown("\n".join(again)), _code(more)]
    return {
        "cells": [cell | {"id": f"cell-{k}"} for k, cell in enumerate(cells)],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}},
        "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": text.splitlines(keepends=True)}  # fmt: skip


def _escaped(text: str) -> str:
    """Names come from people: Markdown must not make links, HTML or formulas of them."""
    for sign in "\\`*_{}[]<>#$|":
        text = text.replace(sign, "\\" + sign)
    return text + "\n"


def as_toml(scenario: sim.Scenario, comment: str) -> str:
    """A scenario as a file: every field, those without a value left out."""
    return f"# {comment}\n" + toml_text.lines(toml_text.difference({}, scenario.model_dump(mode="json")))
