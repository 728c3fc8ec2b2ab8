"""Jobs are the command itself in its own process: progress, stopping, a killed worker, the queue, an estimate."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import sim
from dashboard import commands, serve
from dashboard.jobs import ENDED, Job, Jobs, Keeper
from sim.sizing import finished_histories

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


def until(what: Callable[[], bool], seconds: float = 60) -> None:
    """Wait, as the server's keeper does, until something holds."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def ends(jobs: Jobs, job: Job, wanted: str, seconds: float = 90) -> None:
    """Wait until a job has ended, and as it should."""
    until(lambda: state(jobs, job) in ENDED, seconds)
    now = jobs.get(job.id)
    assert now is not None and now.state == wanted, now


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """Jobs of a runs folder."""
    return Jobs(tmp_path / "runs")


def state(jobs: Jobs, job: Job) -> str:
    jobs.tick()
    now = jobs.get(job.id)
    return "" if now is None else now.state


def begun(jobs: Jobs, job: Job) -> bool:
    """Is there a finished batch, and more to come?"""
    jobs.tick()
    now = jobs.get(job.id)
    assert now is not None and now.state in ("queued", "running"), now and now.message
    return now.done > now.first_done or now.done >= 50


def small_size(jobs: Jobs, file: Path, n: int) -> Job:
    """Size the small county in one process."""
    job = commands.size(jobs, str(file), n, "en")
    return job


TITLE = {"zh": "县", "en": "county"}


@needs_posix
def test_a_job_from_start_to_stop_to_end(jobs: Jobs, small_file: Path) -> None:
    """Progress is seen, stopping keeps what is finished, the same command goes on, and the queue moves on."""
    job = small_size(jobs, small_file, 3000)
    waiting = jobs.submit("size", TITLE, "reduced-form", [sys.executable, "-c", "print('{}')"], jobs.runs / "b", 1, 1)
    assert (jobs.running() or job).id == job.id and [j.id for j in jobs.queued()] == [waiting.id]
    assert small_size(jobs, small_file, 3000).id == job.id  # asked twice, run once
    until(
        lambda: (
            finished_histories(Path(job.out)) >= 50
            if (Path(job.out) / "manifest.json").exists()
            else begun(jobs, job) and False
        )
    )
    again = Jobs(jobs.runs)  # a second tab, or the page reloaded
    until(lambda: begun(again, job))
    start = time.monotonic()
    again.cancel(job.id)
    ends(jobs, job, "cancelled")
    assert time.monotonic() - start < 15  # 5 s on a machine that is not overloaded
    kept = finished_histories(Path(job.out))
    assert 50 <= kept < 3000
    draft = sim.read_answer(Path(job.out), replications=100 if kept >= 100 else 60 if kept >= 60 else 50, assurance=0.9)
    assert draft.data["need_yuan"]["value"] > 0
    ends(jobs, waiting, "done")
    shorter = [word if word != "3000" else "60" for word in job.command]
    resumed = jobs.submit("size", job.title, job.mechanism, shorter, Path(job.out), 60, job.total)
    until(lambda: state(jobs, resumed) in ("done", "failed", "died"), 90)
    ended = jobs.get(resumed.id)
    assert ended is not None and ended.state == "done" and ended.first_done >= 50  # it went on, not anew
    assert sim.read_answer(Path(job.out)).data["replications"] == 60


@needs_posix
def test_a_killed_worker_is_told_and_can_go_on(jobs: Jobs, small_file: Path) -> None:
    job = small_size(jobs, small_file, 3000)
    until(lambda: begun(jobs, job))
    pid = jobs.running().pid  # type: ignore[union-attr]
    os.kill(pid, signal.SIGKILL)
    ends(jobs, job, "died")
    with pytest.raises(ProcessLookupError):  # nothing of its group is left
        until(lambda: os.killpg(pid, 0) is not None, 10)
    again = jobs.resume(job.id)
    assert again is not None and again.command == job.command and again.is_open
    until(lambda: begun(jobs, again))
    jobs.cancel(again.id)
    ends(jobs, again, "cancelled")


def test_a_job_that_cannot_be_done_says_why(jobs: Jobs) -> None:
    command = [sys.executable, "-m", "cli.main", "size", "no-such-county", "--progress", "json", "--lang", "en"]
    job = jobs.submit("size", TITLE, "reduced-form", command, jobs.runs / "x", 60, 60)
    ends(jobs, job, "failed")
    ended = jobs.get(job.id)
    assert ended is not None and "no-such-county" in ended.message and "Traceback" not in ended.message


def test_a_job_that_lost_its_server_is_found_dead_or_done(jobs: Jobs) -> None:
    """A record from before: its process is gone and nobody has its exit code."""
    for name, printed, found in (("a", "{}", "done"), ("b", "", "died")):
        home = jobs.folder / name
        home.mkdir(parents=True)
        job = Job(
            name,
            "size",
            TITLE,
            "reduced-form",
            ["x"],
            str(jobs.runs / name),
            1,
            state="running",
            pid=2**22 - 3,
            pid_born=1.0,
        )
        (home / "job.json").write_text(json.dumps(dataclasses.asdict(job)), encoding="utf-8")
        (home / "stdout").write_text(printed, encoding="utf-8")
        assert state(jobs, job) == found


def test_a_queued_job_is_cancelled_and_forgotten(jobs: Jobs) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    first = jobs.submit("size", TITLE, "reduced-form", sleeper, jobs.runs / "1", 1, 1)
    second = jobs.submit("size", TITLE, "reduced-form", sleeper, jobs.runs / "2", 1, 1)
    jobs.cancel(second.id)
    assert state(jobs, second) == "cancelled"
    jobs.delete(first.id)  # at work: stays
    jobs.delete(second.id)
    assert [job.id for job in jobs.all()] == [first.id]
    jobs.cancel(first.id)
    ends(jobs, first, "cancelled")


def test_the_keeper_moves_jobs_without_a_page(jobs: Jobs) -> None:
    keeper = Keeper(jobs)
    try:
        job = jobs.submit("size", TITLE, "reduced-form", [sys.executable, "-c", "print('{}')"], jobs.runs / "1", 1, 1)
        until(lambda: (jobs.get(job.id) or job).state == "done", 20)
    finally:
        keeper.stop()


def test_estimates_are_measured_once_something_ran(jobs: Jobs) -> None:
    assert not jobs.estimate(6000, "size", "reduced-form").is_measured
    home = jobs.folder / "old"
    home.mkdir(parents=True)
    old = Job(
        "old",
        "size",
        TITLE,
        "reduced-form",
        ["x"],
        "o",
        100,
        state="done",
        done=1000,
        total=1000,
        began=100.0,
        first_at=110.0,
        ended=120.0,
    )
    (home / "job.json").write_text(json.dumps(dataclasses.asdict(old)), encoding="utf-8")
    found = jobs.estimate(6000, "size", "reduced-form")
    assert found.is_measured and found.seconds == pytest.approx(10 + 60)
    assert not jobs.estimate(6000, "size", "household").is_measured
    grid = jobs.estimate(6000, "grid", "reduced-form")  # another kind of run on the same model tells as well
    assert grid.is_measured and grid.seconds == found.seconds


def test_the_end_of_a_job_is_told_until_somebody_has_seen_it(jobs: Jobs) -> None:
    job = jobs.submit("size", TITLE, "reduced-form", [sys.executable, "-c", "print('{}')"], jobs.runs / "1", 1, 1)
    assert jobs.last_ended(3600) is None
    ends(jobs, job, "done")
    told = Jobs(jobs.runs).last_ended(3600)  # in any tab
    assert told is not None and told.id == job.id
    jobs.see(job.id)
    assert Jobs(jobs.runs).last_ended(3600) is None and jobs.get(job.id) is not None


@needs_posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_the_command_stops_its_server(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C, also where the shell had it ignored, and an ordinary kill: nothing goes on listening."""
    import psutil

    port = serve.free_port()
    code = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from cli.main import app; app(['dashboard', '--no-browser', '--port', '{port}', '--runs', {str(tmp_path / 'runs')!r}])"  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    url = f"http://{serve.HOST}:{port}/".encode()
    assert any(line.strip() == url for line in process.stdout)  # told once the server answers
    children = psutil.Process(process.pid).children(recursive=True)
    try:
        assert children
        process.send_signal(number)
        assert process.wait(timeout=30) == 0
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    finally:
        for left in (process, *children):
            if psutil.pid_exists(left.pid):
                left.kill()
