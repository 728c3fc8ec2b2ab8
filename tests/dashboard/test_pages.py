"""Every page in both languages and in every state in which it may be opened: it shows something, and nothing is raised."""

from __future__ import annotations

import html
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sim
from dashboard import change, commands, fit_table, library, safe, scenario_file, serve
from dashboard.jobs import Job, Jobs
from dashboard.words import LANGUAGES, Words
from sim.errors import InputError

pytest.importorskip("streamlit")
from streamlit.testing.v1 import AppTest

APP = str(serve.APP)
PAGES = ("answer", "size", "compare", "lab", "county", "rules", "evidence", "runs", "present")
HAN = re.compile(r"[一-鿿]")


def opened(page: str, lang: str, runs: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A page in a language, over a runs folder."""
    monkeypatch.setenv(serve.RUNS, str(runs))
    at = AppTest.from_file(APP, default_timeout=60)
    at.query_params["lang"] = lang
    if page != "answer":  # as an address opens it: the answer page is not drawn first
        at.switch_page(f"views/{page}.py")
    at.run()
    assert not at.exception, [e.value for e in at.exception]
    return at


def said(at: AppTest) -> str:
    """All that a page says."""
    parts = [h.proto.body for h in at.get("html") if "rf-" in h.proto.body or "<table" in h.proto.body]
    for kind in ("markdown", "caption", "info", "warning", "error", "success"):
        parts += [str(x.value) for x in getattr(at, kind)]
    return "\n".join(parts)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_pages_with_a_result(page: str, lang: str, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened(page, lang, shelf, monkeypatch)
    text = said(at)
    assert not at.error, [e.value for e in at.error]
    assert 'class="rf-status"' in text and "RF-2018-" in text and "rf-band" in text
    assert Words(lang)("Demonstration data: not for a budget") in text
    assert "<script>alert" not in text and "<b>county" not in text  # the run's title is shown as text
    assert not list((shelf / ".jobs").glob("*/job.json"))  # looking at pages starts nothing


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("page", "n"), [("size", 6), ("evidence", 8)])
def test_every_part_of_a_page_can_be_opened(
    page: str, n: int, lang: str, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the part that is seen is drawn: each is opened once, and says something of its own."""
    at = opened(page, lang, shelf, monkeypatch)
    names = [tab.label for tab in at.tabs]
    seen = {said(at)}
    for name in names[1:]:
        at.session_state[f"{page}-parts-{lang}"] = name
        at.run()
        assert not at.exception and not at.error, (name, [e.value for e in at.error])
        seen.add(said(at))
    assert (len(names), len(seen)) == (n, n)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_shipped_scenario_can_be_chosen_by_its_title(
    lang: str, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = opened("runs", lang, shelf, monkeypatch)
    offered = [text for box in at.selectbox for text in box.options]
    titles = {name: sim.scenario(name).title.get(lang) for name in sim.scenario_names()}
    assert len(set(titles.values())) == len(titles)
    assert [name for name, title in titles.items() if not any(title in shown for shown in offered)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_evidence_page_tells_every_stored_fit(lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at, w = opened("evidence", lang, tmp_path, monkeypatch), Words(lang)
    at.session_state[f"evidence-parts-{lang}"] = w("Calibration")
    text = said(at.run())
    assert not at.error and "Traceback" not in text
    for fit in fit_table.shipped():
        assert html.escape(fit_table.title(fit, w)) in text
        assert fit_table.command(fit) in text
        assert all(html.escape(row[0]) in text for row in fit_table.target_rows(fit, w))


@pytest.mark.parametrize("state", ["empty", "stale", "broken", "half"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_without_one(
    state: str, lang: str, shelves: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = shelves(state)
    w = Words(lang)
    for page in PAGES:
        at = opened(page, lang, runs, monkeypatch)
        text = said(at)
        assert "Traceback" not in text and not at.error, (page, text)
        if state == "stale" and page == "answer":
            assert w("the model has been changed since this result was made") in text
            assert [b.label for b in at.button if b.key == "again"] == [w("Size it again")]
        if state == "broken" and page == "answer":
            assert "manifest" in text and "study" in text
        if state == "empty" and page in ("answer", "size", "present"):
            assert any(b.label == w("Size the demonstration county") for b in at.button)
        if state == "half" and page == "answer":
            assert (
                w("Draft: this run is not finished; what stands here comes from its first {n} histories.", n="100")
                in text
            )


def test_a_title_with_code_is_shown_as_text(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("answer", "zh", shelf, monkeypatch)
    bar = next(h.proto.body for h in at.get("html") if "rf-status" in h.proto.body)
    assert "&lt;script&gt;alert(1)" in bar and "<script>alert" not in said(at)
    assert safe.markdown("<b>*a*</b> $x$ [l](http://x)") == r"\<b\>\*a\*\</b\> \$x\$ \[l\]\(http\://x\)"


def test_chinese_pages_say_nothing_in_english(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for page in PAGES:
        at = opened(page, "zh", shelf, monkeypatch)
        labels = [
            x.label
            for kind in ("button", "selectbox", "multiselect", "text_input", "tabs", "expander")
            for x in getattr(at, kind)
        ]
        assert all(HAN.search(label) for label in labels if label and len(label) > 2), (page, labels)


# --- sliders -----------------------------------------------------------------------------------------


def test_the_slider_reads_and_never_starts_a_job(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("size", "en", shelf, monkeypatch)
    slider = at.select_slider[0]
    before = said(at)
    slider.set_value(slider.options and 0.0).run()
    assert said(at) != before
    assert "shortfall chance 100.0%" in said(at)
    assert not list((shelf / ".jobs").glob("*/job.json"))


def test_the_slider_answers_on_ten_thousand_histories_in_half_a_second(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a slider's move costs: one row, a need, the curve."""
    import numpy as np
    import pandas as pd

    from dashboard import options, readings
    from dashboard.figures import exceedance
    from dashboard.library import Stored
    from sim.answers.outlook import account_parts
    from sim.answers.sample import Sample

    answer = sim.read_answer(shelf / "sized")
    frame = answer.histories()
    many = pd.concat([frame] * (10_000 // len(frame) + 1), ignore_index=True)[:10_000]
    many["need_fen"] = many["need_fen"] + np.arange(10_000)  # all apart
    kept = Stored(Sample(many, None), account_parts(answer.scenario))
    took = []
    for size in (1e5, 2e5, 3e5):
        start = time.process_time()
        for more in range(9):
            readings.row_at(kept, size + more)
        options.need_at(kept.sample, 0.95)
        exceedance(answer.data, many, Words("zh"), fund_yuan=size)
        took.append(time.process_time() - start)
    assert min(took) < 0.5


def test_the_accepted_shortfall_moves_the_advice(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("answer", "en", shelf, monkeypatch)
    first = next(h.proto.body for h in at.get("html") if "rf-headline" in h.proto.body)
    at.selectbox(key="risk-en").set_value("2/20").run()
    assert not at.exception
    assert next(h.proto.body for h in at.get("html") if "rf-headline" in h.proto.body) != first


def test_what_was_chosen_outlives_a_change_of_language_and_a_link(
    shelves: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run, size, accepted shortfall and carry-over: by the address on every page, and in words of the language."""
    import shutil

    runs = shelves("ready")
    shutil.copytree(runs / "sized", runs / "older")
    os.utime(runs / "older" / "manifest.json", (1e9, 1e9))
    at = opened("answer", "zh", runs, monkeypatch)
    at.selectbox(key="run-zh").set_value("older").run()
    at.selectbox(key="risk-zh").set_value("2/20").run()
    at.switch_page("views/size.py").run()
    slider = at.select_slider(key="size-zh")
    slider.set_value(10_000.0).run()
    size = at.query_params["size"]
    at.segmented_control(key="lang-").set_value("en").run()
    assert not at.exception
    assert at.query_params["size"] == size and at.selectbox(key="run-en").value == "older"
    assert not HAN.search(str(at.selectbox(key="risk-en").options))
    at.switch_page("views/rules.py").run()
    kept = {k: at.query_params[k] for k in ("lang", "run", "risk", "size")}
    assert kept == {"lang": "en", "run": "older", "risk": "2/20", "size": size}


def test_the_page_the_command_and_python_give_the_same_figure(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the answer page offers to copy is run, and gives its need and its advice to the last digit."""
    import shlex
    import subprocess
    import sys

    at = opened("answer", "en", shelf, monkeypatch)
    command, snippet = (c.value for c in at.code[:2])
    data = sim.read_answer(shelf / "sized").data
    need, advised = data["need_yuan"]["value"], data["advice"]["fund_yuan"]
    assert any(f"need of {need} yuan" in c.value and f"{advised:.0f}" in c.value for c in at.caption)
    words = shlex.split(command)
    assert words[0] == "riskfund"
    told = json.loads(subprocess.run([sys.executable, "-m", "cli.main", *words[1:]], capture_output=True, check=True, timeout=120).stdout)  # fmt: skip
    assert (told["need_yuan"]["value"], told["advice"]["fund_yuan"]) == (need, advised)
    printed = subprocess.run([sys.executable, "-c", snippet], capture_output=True, check=True, timeout=120, text=True).stdout  # fmt: skip
    assert printed.split() == [repr(need), repr(advised)]


def test_pages_and_exports_offer_the_same_sizes(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lean, advised, safe and set are one thing everywhere."""
    from dashboard.export.report import Report

    w = Words("zh")
    at = opened("answer", "zh", shelf, monkeypatch)
    table = next(h.proto.body for h in at.get("html") if w("lean") in h.proto.body and "rf-table" in h.proto.body)
    found = Report(sim.read_answer(shelf / "sized"), w).options
    assert [o.key for o in found][:2] == ["lean", "advised"] and found[-1].key == "set"
    assert all(w.advised(o.fund_yuan) in table and w.money(o.gap_yuan) in table for o in found)
    assert all(f">{o.chance_said(w)}<" in table for o in found)
    never = [o for o in found if o.chance == 0]
    assert never and all(o.chance_said(w) == w("up to {p}", p=w.percent(o.row["shortfall_chance"]["ci95"][1])) for o in never)  # fmt: skip


def test_files_are_offered_by_what_they_hold_and_for_the_result_they_were_made_of(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = Words("zh")
    at = opened("runs", "zh", shelf, monkeypatch)
    at.button(key="export-go").click().run()
    (label,) = [b.proto.label for b in at.get("download_button")]
    assert w("slides") in label and ".pptx" in label
    at.query_params["risk"] = "2/20"
    assert not at.run().get("download_button")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_lab_says_beforehand_what_lateness_cannot_move(
    lang: str, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = Words(lang)
    at = opened("lab", lang, shelf, monkeypatch)
    other = safe.markdown(sim.scenario("x-county-late-subsidy-refund").title.get(lang))
    assert any(other in i.value for i in at.info)
    at.selectbox(key=next(s.key for s in at.selectbox if s.label == w("Scenario"))).select("x-county-households").run()
    assert not any(other in i.value for i in at.info)


def test_a_year_is_told_from_its_stored_history(shelf: Path) -> None:
    from dashboard import stories
    from sim.store import RunFolder

    answer, folder = sim.read_answer(shelf / "sized"), RunFolder(shelf / "sized")
    frame = answer.histories()
    row = frame.loc[frame["need_fen"].idxmax()]
    told = "\n".join(stories.told(answer, row, folder.read("months", "main", 60), folder.read("townships", "main", 60), Words("en")))  # fmt: skip
    assert f"History {int(row['replication'])}: the fund needed {Words('en').money(row['need_fen'] / 100)}" in told
    assert "had least at the end of" in told and f"{int(row['defaulted_count'])} loans" in told


def test_the_slider_reaches_the_set_size_and_one_more_million() -> None:
    source = (serve.APP.with_name("views") / "size.py").read_text(encoding="utf-8").replace("show(shell.view())", "")
    space: dict[str, Any] = {"__name__": "size"}
    exec(compile(source, "size.py", "exec"), space)
    sizes = space["sizes_of"](6e6, 5e6, 20e6)
    assert {0.0, 5e6, 6e6, 4e6, 20e6} <= set(sizes) and len(sizes) < 90


def test_one_in_a_hundred_is_not_asked_of_few_histories() -> None:
    from dashboard import readings

    assert readings.askable(60) == ["1/20", "2/20"]
    assert readings.askable(2000) == ["1/20", "2/20"]
    assert readings.askable(10_000) == ["1/20", "2/20", "1/100"]


# --- comparing ---------------------------------------------------------------------------------------


def test_what_differs_and_a_scenario_that_changes_nothing(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("compare", "en", shelf, monkeypatch)
    table = next(h.proto.body for h in at.get("html") if "What differs from the base" in h.proto.body)
    assert Words("en").field("opening.drought") in table and Words("en").field("defaults.anchor") not in table
    assert any("same as the base" in i.value for i in at.info)
    assert len(at.get("plotly_chart")) == 1 and at.get("plotly_chart")[0].proto.alt


def test_scenarios_that_cannot_be_compared_are_refused_in_words(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("compare", "zh", shelf, monkeypatch)
    at.multiselect(key="others-zh").set_value(["luoping-2023"]).run()
    assert any("只能比较同一年度" in x.value or "不能放在一起比较" in x.value for x in at.warning)
    assert not [b for b in at.button if b.key == "go-compare"]


def test_a_changed_scenario_is_saved_and_read_again(tmp_path: Path) -> None:
    path = scenario_file.save(tmp_path, "x-county", "县 一", {"defaults.anchor": "high", "rules.claim.steps.file.days": 10, "rules.claim.meetings": ["01-15", "07-15"]})  # fmt: skip
    loaded = sim.Scenario.load(str(path))
    assert loaded.defaults.anchor == "high" and loaded.rule_changes["claim.steps.file.days"] == 10
    assert set(sim.what_differs(sim.scenario("x-county"), loaded)) == {
        "defaults.anchor", "rules.claim.steps.file.days", "rules.claim.meetings",
    }  # fmt: skip
    with pytest.raises(InputError, match="name that is not taken"):
        scenario_file.save(tmp_path, "x-county", "县 一", {"defaults.anchor": "low"})
    for name in ("../x", "a/b", ""):
        with pytest.raises(InputError):
            scenario_file.save(tmp_path, "x-county", name, {"defaults.anchor": "low"})
    assert len(scenario_file.saved(tmp_path)) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_wrong_value_is_told_as_it_is_typed(lang: str) -> None:
    """By the field's name, with what was typed, in the reader's language; what a scenario can hold says nothing."""
    w, scenario, field = Words(lang), sim.scenario("x-county"), "defaults.drought.p_normal_to_dry"
    allowed = {"130%": "a number in per cent, from 0% to 100%", "many": "a number in per cent, such as 28%", "": "a number in per cent, such as 28%"}  # fmt: skip
    for text, expected in allowed.items():
        (told,) = change.problems({field: text}, scenario, w)
        assert w.field(field) in told and repr(text) in told and w(expected) in told and field not in told
    assert change.problems({field: "28", "defaults.drought.year_starts_month": "11"}, scenario, w) == []


@pytest.mark.parametrize("name", sim.scenario_names())
def test_a_whole_scenario_comes_back_from_its_file(name: str, tmp_path: Path) -> None:
    scenario = sim.scenario(name)
    assert sim.Scenario.load(str(scenario_file.save_whole(tmp_path / "s.toml", scenario))) == scenario


def test_a_stored_study_is_read_and_a_stale_one_refused(shelf: Path, shelves: Callable[[str], Path]) -> None:
    results = sim.read_results(shelf / "study")
    assert results.names == ("small", "dry", "same") and results.n == 60
    assert results.what_differs("same") == {} and set(results.what_differs("dry")) == {"opening.drought"}
    assert {row["metric"] for row in results.compare()} >= {"need_yuan", "shortfall_chance"}
    with pytest.raises(InputError, match="kind: found 'size'"):
        sim.read_results(shelf / "sized")
    with pytest.raises(sim.IncompatibleRun, match="code_sha256"):
        sim.read_results(shelves("stale") / "study")


# --- a long run --------------------------------------------------------------------------------------


def running_job(runs: Path) -> Job:
    """A job that says that it is at work: this very process stands for it."""
    import os

    from dashboard import processes

    home = runs / ".jobs" / "j1"
    home.mkdir(parents=True)
    job: dict[str, Any] = {
        "id": "j1", "kind": "size", "title": {"zh": "<i>long</i>", "en": "<i>long</i>"}, "mechanism": "reduced-form", "out": str(runs / "long"),
        "command": ["python", "-m", "cli.main", "size", "x-county"], "n": 2000, "state": "running", "done": 500, "total": 2000, "pid": os.getpid(),
        "pid_born": processes.born(os.getpid()), "began": time.time() - 60, "first_at": time.time() - 50, "asked": 1.0,
    }  # fmt: skip
    (home / "job.json").write_text(json.dumps(job), encoding="utf-8")
    (home / "stderr").write_text('{"done": 500, "total": 2000}\n', encoding="utf-8")
    return Job(**job)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_while_a_run_is_at_work(
    lang: str, shelves: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = shelves("ready")
    running_job(runs)
    for page in PAGES:
        at = opened(page, lang, runs, monkeypatch)
        if page == "present":
            continue
        bar = at.get("progress")[0].proto
        assert bar.value == 25 and "500" in bar.text and r"\<i\>" in bar.text
        assert any(b.key == "stop-strip-j1" for b in at.button)
    assert Jobs(runs).running() is not None


def test_a_button_starts_a_job_with_its_estimate(
    shelves: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = shelves("empty")
    started = []
    monkeypatch.setattr(commands, "size", lambda *args, **more: started.append(args))
    at = opened("answer", "en", runs, monkeypatch)
    assert any("nothing has been measured here yet" in c.value for c in at.caption)
    at.button(key="go-first").click().run()
    assert [args[1:3] for args in started] == [("x-county", 500)]


def test_runs_are_described_whatever_is_in_the_folder(shelves: Callable[[str], Path]) -> None:
    runs = shelves("ready")
    (runs / "nothing").mkdir()
    (runs / "odd").mkdir()
    (runs / "odd" / "manifest.json").write_text('{"identity": {"kind": "size"}, "complete_to": 5}', encoding="utf-8")
    found = {run.name: run.state for run in library.runs_in(runs)}
    assert found == {"sized": "ready", "study": "ready", "odd": "broken"}
