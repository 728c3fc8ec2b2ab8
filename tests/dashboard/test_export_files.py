"""Memo, forms and notebook opened again, and what an export refuses in one line."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from docx import Document

import sim
from calibration.stored_fit import draws_of, read_fit
from cli.main import main
from dashboard.export import csv as tables
from dashboard.export import docx, export, page, pptx, xlsx
from dashboard.export.report import Report
from dashboard.export.reproduce import as_toml, command, is_shipped, snippet
from dashboard.words import Words
from sim.answers.sample import Sample
from sim.errors import InputError
from sim.provenance import scenario_sha256, tables_sha256
from tests.dashboard.office_files import W, parts, written

# --- memo, forms, reproduction -----------------------------------------------------------------------


def test_every_run_of_the_memo_has_a_chinese_font(files: dict[str, Path]) -> None:
    runs = 0
    for _, root in parts(files[".docx"], r"word/(document|header|footer)\d*\.xml"):
        for run in root.iter(f"{W}r"):
            runs += 1
            fonts = run.find(f"{W}rPr/{W}rFonts")
            assert fonts is not None and fonts.get(f"{W}eastAsia")
            assert not [name for name in fonts.attrib if name.endswith("Theme")]
    assert runs > 50
    section = Document(str(files[".docx"])).sections[0]
    assert [
        round(x.mm) for x in (section.page_width, section.page_height, section.top_margin, section.left_margin)
    ] == [210, 297, 37, 28]


def test_forms_add_up(files: dict[str, Path], sized: sim.Answer, lang: str) -> None:
    w, unit = Words(lang), Words(lang).in_unit(1.0)
    monthly, quarterly = openpyxl.load_workbook(files["-forms.xlsx"], data_only=True).worksheets[:2]
    total = [c.value for c in monthly[11]]
    assert total[1] == w("total")
    before, count, new, _, gone, end, overdue, bad, share, _, paid, _ = total[2:14]
    assert before + new - gone == pytest.approx(end) and count > 0 and bad <= overdue < end
    assert share == pytest.approx(overdue / end)
    row = sized.histories().sort_values("need_fen", kind="stable").iloc[(80 - 1) // 2]
    assert end == pytest.approx(row["outstanding_fen"] / 100 * unit) and overdue == pytest.approx(
        row["overdue_fen"] / 100 * unit
    )
    assert paid >= 0
    opened, due, settled, old, left, late = [c.value for c in quarterly[11]][2:8]
    assert opened + due - settled == pytest.approx(left) and old <= settled and late <= left


def test_the_notebook_and_the_command_give_the_number_again(
    files: dict[str, Path], sized: sim.Answer, nasty: sim.Scenario
) -> None:
    notebook = json.loads(files[".ipynb"].read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code[0] == snippet(sized) and repr(sized.data["need_yuan"]["value"]) in code[0]
    compile(code[0], "cell", "exec")
    number = sized.data["provenance"]["result_number"]
    assert not is_shipped(
        sized
    ) and f"riskfund size {number}.toml --assurance 0.95 --replications 80 --seed 7" == command(sized)
    again = sim.scenario(str(files[f"{number}.toml"]))
    assert scenario_sha256(again) == scenario_sha256(nasty)


def test_shipped_scenarios_are_called_by_name(sized: sim.Answer) -> None:
    shipped = sim.Answer(sized.data, sim.scenario("x-county"), sized.folder, ())
    assert is_shipped(shipped) and 'sim.scenario("x-county")' in snippet(shipped)


def test_a_stored_fit_is_called_by_name_and_told(sized: sim.Answer) -> None:
    fitted = sim.scenario("x-county").with_changes({"posterior": {"file": str(draws_of("seed"))}})
    answer = sim.Answer(sized.data, fitted, sized.folder, ())
    assert is_shipped(answer) and command(answer).endswith(" --posterior seed")
    code = snippet(answer)
    compile(code, "cell", "exec")
    line = next(line for line in code.splitlines() if "scenario = " in line)
    there = {"sim": sim, "draws_of": draws_of}
    exec(line.strip(), there)
    assert scenario_sha256(there["scenario"]) == scenario_sha256(fitted)
    made = dict(Report(answer, Words("en")).made)[Words("en").field("posterior")]
    taken = {**sized.data["provenance"], "tables_sha256": tables_sha256(fitted)}
    lines = Report(sim.Answer({**sized.data, "provenance": taken}, fitted, sized.folder, ()), Words("zh")).made
    assert lines[-1][1] == read_fit("seed").made["draws_sha256"]
    assert made.startswith("Parameters come jointly from the fit seed: long-run default share (central), ")
    own = sim.Answer(sized.data, fitted.with_changes({"posterior": {"file": "/elsewhere/own.csv"}}), sized.folder, ())
    assert not is_shipped(own) and "--posterior" not in command(own)


@pytest.mark.parametrize("name", ["x-county", "x-county-all-three"])
def test_scenarios_survive_their_file(name: str, tmp_path: Path) -> None:
    scenario = sim.scenario(name).with_changes({"rules.claim.steps.file.days": 10})
    path = tmp_path / "own.toml"
    path.write_text(as_toml(scenario, "made by a test"), encoding="utf-8")
    assert scenario_sha256(sim.scenario(str(path))) == scenario_sha256(scenario)


# --- what cannot be done -----------------------------------------------------------------------------


def test_unknown_formats_are_refused_with_the_nearest(sized: sim.Answer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"to: found 'ppt'; .*nearest valid name: pptx"):
        export(sized, ["xlsx", "ppt"], "zh", tmp_path / "new")
    with pytest.raises(InputError, match="to: found ''"):
        export(sized, [], "zh", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_files_that_cannot_be_written_are_one_clear_line(sized: sim.Answer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="out: found"):
        export(sized, ["csv"], "zh", tmp_path / "file")
    stem = f"{sized.data['provenance']['result_number']}-95-zh"
    (tmp_path / f"{stem}-histories.csv").mkdir()  # stands where a file must go, as one does that is held open
    with pytest.raises(InputError, match="close it in the program that has it open"):
        export(sized, ["csv"], "zh", tmp_path)
    assert not (tmp_path / f"{stem}.csv").exists()


def run_command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command in this process; its exit code."""
    monkeypatch.setattr("sys.argv", ["riskfund", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_the_command_writes_files_and_names_them(
    sized: sim.Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(sized.folder), "--to", "csv,html", "--lang", "en", "--out", str(tmp_path / "out")]
    assert run_command(monkeypatch, *words) == 0
    made = capsys.readouterr().out.split()
    assert len(made) == 3 and all(Path(path).is_file() for path in made)


def test_the_command_refuses_in_one_line(
    sized: sim.Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["export", str(sized.folder), "--out", str(tmp_path / "out"), "--lang"]
    assert run_command(monkeypatch, *run, "zh", "--to", "powerpoint,docs") == 3
    line = capsys.readouterr().err.strip()
    assert "\n" not in line and line.endswith("最接近的名称：pptx")
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    assert run_command(monkeypatch, *run, "en", "--to", "csv") == 3
    line = capsys.readouterr().err.strip()
    assert "\n" not in line and "a folder that can be written" in line


def test_a_year_in_which_nothing_falls_due_can_be_exported(sized: sim.Answer, lang: str, tmp_path: Path) -> None:
    """No need, no advice, no cases: reasons and dashes, never an exception."""
    zero, none = (
        {"value": 0.0, "ci95": [0.0, 0.0], "conservative": 0.0},
        {"value": None, "reason": "no history was short"},
    )
    data = sized.data | {
        "need_yuan": zero, "need_yuan_pooled": zero, "need_yuan_stationary_opening": none,
        "advice": {"fund_yuan": 0.0, "shortfall_chance": zero},
        "need_by_anchor": dict.fromkeys(("low", "central", "high"), none), "need_by_opening": {},
        "waterfall": dict.fromkeys(sized.data["waterfall"], zero),
        "by_lender": {k: {"need_yuan": none, "shortfall_chance": none} for k in sized.data["by_lender"]},
    }  # fmt: skip
    report = Report(sim.Answer(data, sized.scenario, sized.folder, ()), Words(lang))
    frame = report.sample.frame
    needs = {c: 0 for c in frame if c.startswith("need")}
    report.__dict__["sample"] = Sample(frame.assign(**needs), None)
    for module, end in ((pptx, "pptx"), (xlsx, "xlsx"), (docx, "docx"), (page, "html"), (tables, "csv")):
        made = module.write(report, tmp_path / f"nothing.{end}")
        assert report.number in written(made), end
