"""The commands as a user types them: real processes, shipped scenarios, exit codes, one line for each error."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sim
from dashboard import scenario_file

COMMAND = [sys.executable, "-m", "cli.main"]
ENV = {
    **os.environ,
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "LC_ALL": "",
    "LANG": "en_GB.UTF-8",
    "PYTHONUTF8": "1",
}
N = 120
needs_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL and no process groups")


def riskfund(cwd: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command and check its exit code; a traceback is never shown."""
    done = subprocess.run([*COMMAND, *words], cwd=cwd, env=ENV, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return done


# parameters taken as known: 128 warm-ups fewer for each command
KNOWN = ("--set", "uncertain=[]")
SIZE = ("size", "x-county", *KNOWN, "--replications", str(N), "--seed", "2027", "--json")


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """One sizing run on one worker: its folder and what it printed."""
    cwd = tmp_path_factory.mktemp("one-worker")
    return cwd, riskfund(cwd, *SIZE, "--workers", "1").stdout


def test_answer_has_every_figure_of_the_contract(sized: tuple[Path, str]) -> None:
    data = json.loads(sized[1])
    needs = ["need_yuan", "need_yuan_free_split", "need_yuan_pooled", "runoff_need_yuan", "top_up_yuan"]
    for key in needs:
        assert {"value", "ci95", "conservative"} <= set(data[key])
        assert data[key]["ci95"][0] <= data[key]["value"] <= data[key]["ci95"][1]
        assert data[key]["value"] <= data[key]["conservative"]
    others = [
        "ring_fencing_price_yuan",
        "shortfall_chance",
        "exhausting_share_of_maturities",
        "default_share",
        "default_share_by_count",
        "compensable_share",
        "overdue_share_reported",
        "bad_loan_ratio_reported",
        "hidden_default_share",
        "fiscal_debt_yuan",
        "subsidy_unpaid_share_90d",
        "subsidy_unpaid_share_90d_q4",
    ]
    for key in others:
        assert {"value", "ci95"} <= set(data[key]), key
    assert set(data["need_by_anchor"]) == {"low", "central", "high"}
    assert set(data["need_by_opening"]) == {"dry", "normal", "long_run"}
    assert set(data["by_lender"]) == {"rcc", "psbc"}
    assert data["mean_gap_if_short_yuan"] == {"value": None, "reason": "no history was short"}
    assert data["cutoff_maturity_on"] == "2018-06-06"
    assert data["failed"] == 0 and data["replications"] == N and data["fund_yuan"] == 20_000_000
    parts = sum(v["value"] for k, v in data["waterfall"].items() if k != "claimable_yuan")
    assert parts == pytest.approx(data["waterfall"]["claimable_yuan"]["value"], abs=0.05)
    assert data["need_by_anchor"]["low"]["value"] < data["need_yuan"]["value"] < data["need_by_anchor"]["high"]["value"]
    assert data["need_by_opening"]["normal"]["value"] < data["need_by_opening"]["dry"]["value"]
    assert data["need_yuan_free_split"]["value"] <= data["need_yuan"]["value"]
    assert {"version", "scenario_sha256", "rules_sha256", "opening_sha256"} <= set(data["provenance"])


@needs_posix
def test_two_workers_and_a_killed_run_that_resumes_print_the_same_bytes(
    sized: tuple[Path, str], tmp_path: Path
) -> None:
    """Catches: sums in order of completion, clocks in results, half-written parts taken for whole ones."""
    process = subprocess.Popen(
        [*COMMAND, *SIZE, "--workers", "2"], cwd=tmp_path, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 900
    while not list(tmp_path.rglob("histories/main/part-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    folder = next(tmp_path.glob("runs/x-county-2018-*"))
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["complete_to"] == 0
    done = set(folder.rglob("part-*.parquet"))
    assert 0 < len(done) < 3 * (4 + 6 * 2)  # batches, tables of the main arm and of the six others
    riskfund(tmp_path, "size", str(folder), "--json", code=3)  # not complete: refused
    assert riskfund(tmp_path, *SIZE, "--workers", "2").stdout == sized[1]
    assert riskfund(tmp_path, "size", str(folder), "--json").stdout == sized[1]


def test_no_resume_refuses_and_another_run_in_the_folder_too(sized: tuple[Path, str]) -> None:
    cwd = sized[0]
    assert "resuming is off" in riskfund(cwd, *SIZE, "--resume", "no", code=6).stderr
    folder = next(cwd.glob("runs/*"))
    assert (
        "seed"
        in riskfund(cwd, "size", "x-county", *KNOWN, "-n", "60", "--seed", "1", "--out", str(folder), code=6).stderr
    )


def test_a_stored_run_is_read_as_it_was_made(sized: tuple[Path, str], tmp_path: Path) -> None:
    """Options that would change a stored run are refused; damaged or exchanged files are named, not used."""
    run = tmp_path / "run"
    shutil.copytree(next(sized[0].glob("runs/*")), run)
    for words in (("--year", "2020"), ("--seed", "5"), ("--set", "defaults.anchor=high")):
        assert words[0] in riskfund(tmp_path, "size", "run", *words, code=3).stderr
    assert json.loads(riskfund(tmp_path, "size", "run", "-n", "100", "--json").stdout)["replications"] == 100
    assert "121 finished histories" in riskfund(tmp_path, "size", "run", "-n", "121", code=3).stderr
    part = run / "histories" / "main" / "part-00001.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:100])
    assert "histories/main/part-00001.parquet" in riskfund(tmp_path, "size", "run", code=3).stderr
    assert riskfund(tmp_path, *SIZE, "--out", "run", "--workers", "1").stdout == sized[1]  # made again
    shutil.copy(run / "opening-anchor-high.parquet", run / "opening-base.parquet")
    assert "opening state" in riskfund(tmp_path, "size", "run", code=6).stderr
    assert (
        "opening state"
        in riskfund(tmp_path, *SIZE[:4], "-n", "200", "--seed", "2027", "--out", "run", "-w", "1", code=6).stderr
    )
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest["identity"]["rules_sha256"] = "0"
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "rules_sha256" in riskfund(tmp_path, "size", "run", code=6).stderr


def test_runs_of_other_luck_are_no_pairs(tmp_path: Path) -> None:
    """The line says why, and names the command that would be right."""
    for seed in ("1", "2"):
        riskfund(tmp_path, "compare", "x-county", "x-county", "-n", "60", "-w", "1", "--seed", seed, "--out", f"run{seed}",
                 "--set", "uncertain=[]")  # fmt: skip
    refused = riskfund(tmp_path, "compare", "run1", "run2", code=6).stderr
    assert "seed is 2, run1 has 1" in refused
    assert "riskfund compare x-county x-county --seed 1" in refused


def test_an_information_date_inside_the_year(tmp_path: Path) -> None:
    """The budget season: cash of the whole year comes, and the fund is topped up on 1 January."""
    words = ("size", "x-county", "-n", "60", "-w", "1", "--json", *KNOWN, "--set", "information_on=2017-09-30")
    data = json.loads(riskfund(tmp_path, *words).stdout)
    assert data["subsidy_unpaid_share_90d"]["value"] < 0.6 and data["fiscal_debt_yuan"]["value"] < 100_000
    assert 0 < data["carried_over_yuan"] < 20_000_000


def _hears_interrupts() -> None:
    """What a shell starts in the background is deaf to them, and so is all that it starts, these tests among them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@needs_posix
def test_interrupt_keeps_what_is_done(small: sim.Scenario, tmp_path: Path) -> None:
    """The small county: its batches are short, so that the signal meets a run at work on a busy machine too."""
    path = scenario_file.save_whole(tmp_path / "small.toml", small)
    words = ("size", str(path), "--replications", "20000", "--workers", "2", "--lang", "en")
    with subprocess.Popen(
        [*COMMAND, *words],
        cwd=tmp_path,
        env=ENV,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=_hears_interrupts,
    ) as process:
        try:
            deadline = time.monotonic() + 900
            while not list(tmp_path.rglob("part-*.parquet")) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert process.poll() is None and list(tmp_path.rglob("part-*.parquet")), "no batch in fifteen minutes"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130 and "Traceback" not in errors and "runs" in errors
    assert list(tmp_path.rglob("part-*.parquet")) and not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("size", "x-couty"), 3, "nearest valid name: x-county"),
        (("size", "x-county", "-n", "0"), 3, "allowed: 1 or more"),
        (("size", "x-county", "-n", "58"), 5, "59 or more"),
        (("size", "x-county", "-n", "200", "-a", "0.99"), 5, "299 or more"),
        (("size", "x-county", "-a", "1.0"), 3, "between 0 and 1"),
        (("size", "x-county", "-w", "0"), 3, "workers"),
        (("size", "x-county", "--set", "defaults.anchr=high"), 3, "nearest valid name: anchor"),
        (("size", "x-county", "--set", "rules.loss.shares.fund=0.8"), 3, "add up to 1"),
        (("size", "x-county", "--set", "opening.kind=empty"), 3, "is nil, because the shortest loan runs 12 months"),
        (("size", "luoping-2023", "--year", "2025"), 3, "2024"),
        (("size", "x-county", "--lang", "fr"), 3, "zh or en"),
        (("size",), 2, "Missing argument"),
        (("trace", "x-county", "--matures", "15 July", "--unpaid"), 3, "YYYY-MM-DD"),
        (("trace", "x-county", "--matures", "2017-07-15"), 3, "--unpaid"),
        (("trace", "x-county", "--matures", "2017-07-15", "--unpaid", "--principal", "60000"), 3, "art. 10"),
        (("trace", "x-county", "--loan", "1"), 3, "for example"),
        (("compare", "x-county"), 3, "another scenario"),
        (("compare", "x-county", "luoping-2023"), 6, "sized_year"),
        (("rules", "show", "x-count"), 3, "nearest valid name: x-county"),
        (("check", "missing.toml"), 3, "missing.toml"),
        (("size", "."), 3, "manifest.json"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    done = riskfund(tmp_path, *words, code=code)
    assert says in done.stderr
    if code != 2:
        assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("runs/*"))


def test_errors_are_told_in_chinese_to_those_who_read_it(tmp_path: Path) -> None:
    for lang in (("--lang", "zh"), ("--lang=zh",)):
        done = riskfund(tmp_path, "size", "x-couty", *lang, code=3)
        assert (
            done.stderr
            == "scenarios：name：现为 'x-couty'；允许：自带情景的名称，或 .toml 文件；最接近的名称：x-county\n"
        )


def test_trace_of_the_regulations_calendar(tmp_path: Path) -> None:
    words = (
        "trace",
        "x-county",
        "--matures",
        "2017-07-15",
        "--unpaid",
        "--rate",
        "4.75",
        "--recovered",
        "10000",
        "--json",
    )
    steps = json.loads(riskfund(tmp_path, *words).stdout)
    found = [(s["on"], s["what"]) for s in steps]
    assert found == [
        ("2014-07-15", "made"), ("2017-07-15", "matured"), ("2017-07-15", "penalty"), ("2017-10-13", "entitled"),
        ("2017-11-02", "filed"), ("2017-11-13", "done"), ("2017-11-13", "done"), ("2017-11-20", "done"), ("2018-01-15", "approved"),
        ("2018-01-22", "done"), ("2018-01-22", "paid"), ("2018-01-22", "recovered"), ("2018-01-31", "handed_over"),
    ]  # fmt: skip
    by = {s["what"]: s for s in steps}
    assert by["filed"]["amounts"] == {"claim": 5_108_854, "principal": 5_000_000, "interest": 108_854, "days": 110}
    assert by["paid"]["amounts"] == {"fund": 3_576_198, "bank": 1_532_656}
    assert by["recovered"]["amounts"] == {"recovered": 1_000_000, "fund": 700_000, "bank": 300_000}
    assert all(s["source"] for s in steps)
    on_day_90 = json.loads(riskfund(tmp_path, *words, "--set", "rules.claim.steps.file.days=0").stdout)
    by = {s["what"]: s for s in on_day_90}
    assert by["filed"]["amounts"]["interest"] == 89_063 and by["filed"]["amounts"]["claim"] == 5_089_063
    assert by["paid"]["amounts"] == {"fund": 3_562_344, "bank": 1_526_719}
    december = 'rules.claim.meetings=["01-15","04-15","07-15","10-15","12-15"]'
    assert "2017-12-22  " in riskfund(tmp_path, *words[:-1], "--set", december).stdout


def test_a_policy_that_changes_nothing_differs_by_exactly_zero(tmp_path: Path) -> None:
    done = riskfund(tmp_path, "compare", "x-county", "x-county", "-n", "60", "--json")
    rows = json.loads(done.stdout)["differences"]
    assert len(rows) == 12
    assert all(r["difference"]["value"] == 0 and r["difference"]["ci95"] == [0, 0] for r in rows)
    changed = riskfund(tmp_path, "compare", "x-county", "--set", "defaults.anchor=high", "-n", "60", "--json")
    data = json.loads(changed.stdout)
    assert data["what_differs"] == {"x-county+": {"defaults.anchor": ["central", "high"]}}
    assert next(r for r in data["differences"] if r["metric"] == "payout_yuan")["difference"]["ci95"][0] > 0


def test_ledger_to_answer(tmp_path: Path) -> None:
    """A bank's ledger with Chinese headings becomes a scenario, and the scenario is sized."""
    rows = ["借据号,户编号,姓名,身份证号,承贷银行,乡镇,贷款金额(元),贷款余额(元),放款日期,到期日期,年利率(%)"]
    for i in range(300):
        year, month = 2016 + i % 2, 1 + i % 12
        date = (
            f"{year}-{month:02d}-{1 + i % 27:02d}",
            f"{year}年{month}月{1 + i % 27}日",
            f"{year}/{month}/{1 + i % 27}",
        )[i % 3]
        due = f"{year + 2}-{month:02d}-{1 + i % 27:02d}"
        bank = "县信用联社" if i % 4 else "邮政储蓄银行"
        rows.append(
            f"J{i:05d},H{i:05d},张三{i},51010119700101{i:04d},{bank},第{1 + i % 5}镇,50000,50000,{date},{due},4.75"
        )
    rows.append("J99999,H99999,李四,510101197001019999,县信用联社,第1镇,50000,约300万,2016-01-01,2018-01-01,4.75")
    ledger = tmp_path / "台账.csv"
    ledger.write_text("\n".join(rows), encoding="utf-8-sig")
    own = ("--sub-account", "rcc=1500000", "--sub-account", "psbc=500000", "--balance", "rcc=1200000")
    words = ("data", "import", str(ledger), "--out", "book", "--on", "2018-01-01")
    report = json.loads(riskfund(tmp_path, *words, *own, "--json", "--lang", "en").stdout)
    assert report["n_loans"] == 300 and report["n_problems"] == 1
    kept = b"".join(p.read_bytes() for p in (tmp_path / "book").iterdir())
    assert "张三".encode() not in kept and b"51010119700101" not in kept
    data = json.loads(riskfund(tmp_path, "size", "book/scenario.toml", "-n", "60", "--json").stdout)
    assert data["need_yuan"]["value"] > 0 and data["is_demonstration"] is False
    assert data["fund_yuan"] == 2_000_000 and data["carried_over_yuan"] == 1_700_000
    riskfund(tmp_path, *words)  # again, without a fund
    data = json.loads(
        riskfund(tmp_path, "size", "book/scenario.toml", "-n", "60", "--fund", "1000000", "--json").stdout
    )
    assert data["is_demonstration"] is True and data["fund_yuan"] == 1_000_000
    assert riskfund(tmp_path, "check", "book/scenario.toml").returncode == 0


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_reading_commands_in_both_languages(sized: tuple[Path, str], lang: str) -> None:
    cwd = sized[0]
    folder = str(next(cwd.glob("runs/*")))
    text = riskfund(cwd, "size", folder, "--lang", lang).stdout
    assert ("20 个同样可能的明年中，" if lang == "zh" else "19 of 20 equally likely next years") in text
    assert ("演示数据" if lang == "zh" else "Demonstration data") in text
    for words in (
        ("scenarios",),
        ("rules", "list"),
        ("rules", "show", "x-county", "--on", "2018-01-01"),
        ("trace", "x-county"),
    ):
        assert riskfund(cwd, *words, "--lang", lang).stdout.strip()
    assert json.loads(riskfund(cwd, "rules", "show", "x-county", "--on", "2018-01-01", "--json").stdout)


def test_schema_and_doctor(tmp_path: Path) -> None:
    assert "sized_year" in json.loads(riskfund(tmp_path, "schema").stdout)["properties"]
    assert all(item["ok"] for item in json.loads(riskfund(tmp_path, "doctor", "--json").stdout))


def test_luoping_is_sized(tmp_path: Path) -> None:
    data = json.loads(riskfund(tmp_path, "size", "luoping-2023", "-n", "60", "--json").stdout)
    assert data["year"] == 2024 and data["information_on"] == "2023-10-31"
    assert data["hidden_default_share"]["value"] > 0
    assert data["ring_fencing_price_yuan"]["value"] == 0  # one lender: nothing to ring-fence
