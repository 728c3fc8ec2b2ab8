"""A made-up table of households, and a scenario that uses it, for tests of what counties hand in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

COLUMNS = (
    "household_id", "township", "village", "group", "persons", "workers", "age", "sex", "category", "rating", "crop_yuan",
    "livestock_yuan", "wage_yuan", "transfer_yuan", "rain_fed_share", "savings_yuan", "products",
)  # fmt: skip
PRODUCTS = ("", "", "renovation", "mutual_fund", "", "start_up;relocation")
EXCLUDED = 1007  # the only five-guarantee household


def rows(n: int = 240) -> list[dict[str, str]]:
    """Households 1000, 1001, ... over all townships of x-county, no two alike."""
    out = []
    for i in range(n):
        persons, base = 1 + i % 5, 3000 + 37 * (i % 101)
        cells = (
            1000 + i, f"t{i % 12 + 1:02d}", i % 8 + 1, i % 3 + 1, persons, 1 + i % persons, 22 + i % 41, "fm"[i % 2],
            "five_guarantee" if 1000 + i == EXCLUDED else "registered", i % 5 + 1, base * persons, 900 * persons, 2500 * persons,
            800 * persons, i % 11 / 10, 2000 + 13 * i, PRODUCTS[i % len(PRODUCTS)],
        )  # fmt: skip
        out.append(dict(zip(COLUMNS, map(str, cells), strict=True)))
    return out


def write_table(path: Path, changed: Mapping[int, Mapping[str, str]] | None = None, n: int = 240) -> Path:
    """The table, with some cells of some rows (from 0) changed."""
    table = rows(n)
    for k, cells in (changed or {}).items():
        table[k].update(cells)
    lines = [",".join(COLUMNS), *(",".join(row[c] for c in COLUMNS) for row in table)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


LOANS = "loan_id,household_id,lender,township,principal_fen,balance_fen,originated_on,matures_on,rate_ppm"  # as `riskfund data import` writes them


def write_loans(path: Path, households: list[int]) -> Path:
    """A loan of 50,000 yuan to each household, due in the course of 2018; its township is the household's."""
    lines = [LOANS]
    for k, ident in enumerate(households):
        month = k % 12 + 1
        township = f"t{(ident - 1000) % 12 + 1:02d}"
        lines.append(f"{k + 1},{ident},rcc,{township},5000000,5000000,2016-{month:02d}-10,2018-{month:02d}-10,47500")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_scenario(folder: Path, more: str = "", top: str = "") -> str:
    """A scenario file beside `households.csv`; ``more`` goes below, ``top`` before the first section."""
    text = f"""extends = "x-county-households"
title = {{ zh = "本县农户", en = "own households" }}
{top}
[livelihoods]
file = "households.csv"
{more}
"""
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path.name
