"""Writes `docs/validation.md` from the verdicts that a run of the theory tests has kept.

Usage: python tests/theory/render.py VERDICTS.json docs/validation.md
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

TITLES = {
    "D1": "Random numbers", "D2": "Definitions and dates", "D3": "Independent loans", "D4": "One common factor",
    "D5": "County and township factors", "D6": "Drought", "D7": "The fund's layer and its smallest size",
    "D8": "Stacked loans", "D9": "Late subsidy", "D10": "Monthly hazard", "D11": "First passage of the balance",
    "D12": "The claims office", "D13": "Paired arms and attribution",
    "P": "A published portfolio: the 25 obligors of CreditRisk+", "R": "An independent referee: GEMAct",
}  # fmt: skip

HEAD = """# Validation against exact answers

与精确解的对照检验：每项检验的精确值、模拟值、接受区间和结论。

This page is written by `tests/theory/render.py` from the verdicts of the theory tests: riskfund {version}, N = {n:,}
histories a check, seed {seed}. `make theory` runs them with 5,000 histories, `make theory-full` with 20,000 and writes this
page anew. D1 to D10 and D13 run through the public entry point, `sim.run`, where they simulate; D11 and D12 test the fund's
balance and the clerks' desk alone, marked (component).

- Every configuration is one whose answer is known without simulation: a sum, a quadrature, a recursion, an identity.
- A right simulator leaves an interval once in a million runs (two-sided 1e-6: exact binomial for probabilities,
  Cornish-Fisher for means, chi-square for bins). What leaves it gets a second run, four times as large and with another
  seed, and fails only if that leaves its interval too.
- Quantiles are tested as probabilities: P(loss > exact quantile), which is exactly binomial. VaR is the ceil(a n)-th order
  statistic; the tail mean is that of Acerbi and Tasche; a shortfall is need > fund, strictly.
- The last column names the faults that were planted in the simulator and made this statistic fail
  (`tests/theory/planted_bugs.py`); no statistic is without one.

{n_agree} of {n_checks} checks agree{again}.
"""

AFTER = {
    "P": """CreditRisk+ counts Poisson defaults, so a simulator of single loans must not meet its figures. The tests recompute them
from the portfolio to the dollar (mean 14,221,863; 99 per cent 55,311,503; 99.5 per cent 62,033,181; without the two largest
11,162,856 and 39,946,857), which proves that it was typed right. What the simulator must meet is the same portfolio with
Bernoulli defaults: without a factor, quantiles 32.955, 42.800 and 46.780 million at 95, 99 and 99.5 per cent; under the gamma
factor 37.310, 50.560 and 55.675.

Weaker than the rest: the simulator has no gamma factor. The factor is not drawn by it but given, in 50 equally likely slices,
each a study with its own seed, as a multiplier of the rates; defaults, unequal loans, claims and losses are its own. The tail
beyond the 99.5 per cent quantile of 50 slices lies 4 per cent below that of the continuous factor, far inside the interval. The
third table is the same portfolio under the factor that the simulator does draw.
""",
    "R": """GEMAct (Pittarello, Luini, Marchione) has its own Fourier transform, binomial, lognormal and layers. Its figures are the
exact values of this table; the compound binomial is computed a second time by convolution and agrees to 1e-12.
""",
}

FOOT = """## What these checks cannot see

- A beta-binomial with the same mean and default correlation has the same second moment as the Gaussian factor: only the bins
  tell them apart.
- An error below 3 per cent of a default probability needs 100,000 histories or more.
- A wrong order of months that is consistent with itself is seen by D11 and the dates of D2 only.
- Kupiec's, Christoffersen's and the traffic-light test and the CRPS are not built, so there is nothing to check: a fund has
  five to ten years of figures, in which they see nothing.
- Nothing here compares a household's behaviour with a real county.
"""


def number(x: float) -> str:
    """Six digits, thousands by commas."""
    return f"{x:,.0f}" if abs(x) >= 10_000 else f"{x:.6g}"


def row(oracle: str, name: str, check: dict[str, Any], verdict: dict[str, Any] | None, bugs: list[str]) -> str:
    """One line of a table."""
    cells = [f"{oracle} {name}"]
    value = None if verdict is None else verdict["value"]
    if check.get("exactly"):
        cells += [check["what"], "bit for bit" if oracle == "D1" else "exactly", "not random"]
    elif "edges" in check:
        found = "" if value is None else f"chi-square {value:.4g} (n = {verdict['n']:,})"
        cells += [f"{len(check['p'])} bins", found, f"at most {check['critical']}"]
    else:
        found = "" if value is None else f"{number(value)} (n = {verdict['n']:,})"
        accepted = "" if value is None else f"{number(verdict['low'])} to {number(verdict['high'])}"
        cells += [number(check["exact"]), found, accepted]
    said = "not run" if verdict is None else "agrees" if verdict["agrees"] else "FAILS"
    if verdict is not None and verdict["run"] != "first":
        said += " (second run)"
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in [*cells, said, "; ".join(dict.fromkeys(bugs))]) + " |"


def page(found: dict[str, Any], table: dict[str, Any]) -> str:
    """The whole page."""
    verdicts = {(v["oracle"], v["name"]): v for v in found["verdicts"]}
    names = [
        (oracle, name) for oracle, group in table.items() for name, check in group.items() if isinstance(check, dict)
    ]
    agree = sum(key in verdicts and verdicts[key]["agrees"] for key in names)
    again = sum(key in verdicts and verdicts[key]["run"] != "first" for key in names)
    words = f", {again} of them in the second run" if again else ""
    out = [HEAD.format(**found, n_agree=agree, n_checks=len(names), again=words)]
    for suite, title in TITLES.items():
        out.append(f"## {suite}. {title}\n" if suite.startswith("D") else f"## {title}\n")
        for oracle, group in table.items():
            if group["suite"] != suite:
                continue
            out.append(f"{group['what'][0].upper()}{group['what'][1:]}.\n")
            out.append("| check | exact | simulated | accepted | verdict | planted faults that it noticed |")
            out.append("|---|---|---|---|---|---|")
            for name, check in group.items():
                if isinstance(check, dict):
                    bugs = found["noticed"].get(f"{oracle} {name}", [])
                    out.append(row(oracle, name, check, verdicts.get((oracle, name)), bugs))
            out.append("")
        if suite in AFTER:
            out.append(AFTER[suite])
    return "\n".join([*out, FOOT])


def main() -> None:
    """Read the verdicts, write the page."""
    source, target = (Path(argument) for argument in sys.argv[1:3])
    table = tomllib.loads((Path(__file__).parent / "acceptance.toml").read_text(encoding="utf-8"))
    target.write_text(page(json.loads(source.read_text(encoding="utf-8")), table), encoding="utf-8")


if __name__ == "__main__":
    main()
