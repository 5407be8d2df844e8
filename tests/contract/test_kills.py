"""A suite that is killed at any moment loses nothing, leaves no process and goes on where it stopped."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

SUITE = """
title = "Killed again and again"
[budget]
evaluations = 40
[[problem]]
use = "quadratic(n=20)"
[[problem]]
use = "rosenbrock"
[[problem]]
use = "beale"
[[optimizer]]
use = "lbfgs"
[[optimizer]]
use = "bfgs"
[[optimizer]]
use = "cg"
"""
COMMAND = (sys.executable, "-c", "import sys; from optbench.cli import main; sys.exit(main())")
ARGUMENTS = ("suite", "killed.toml", "--json", "--no-report", "--store", "killed.sqlite")


def stored(folder: Path) -> set[tuple[str, str]]:
    try:
        with sqlite3.connect(folder / "killed.sqlite") as database:
            return set(database.execute("select id, pass from results"))
    except sqlite3.OperationalError:
        return set()


def descendants_left(pids: set[int]) -> set[int]:
    return {pid for pid in pids if is_alive(pid)}


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ten_kills_lose_nothing_and_leave_no_process(tmp_path: Path) -> None:
    (tmp_path / "killed.toml").write_text(SUITE)
    moments, before = random.Random(5), set()
    for _ in range(10):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running = subprocess.Popen([*COMMAND, *ARGUMENTS], cwd=tmp_path, **quiet)
        time.sleep(moments.uniform(0.5, 6.0))
        try:
            children = {child.pid for child in psutil.Process(running.pid).children(recursive=True)}
        except psutil.NoSuchProcess:
            children = set()
        running.kill()
        running.wait()
        deadline = time.monotonic() + 2.0
        while descendants_left(children) and time.monotonic() < deadline:
            time.sleep(0.05)

        assert descendants_left(children) == set()
        now = stored(tmp_path)
        assert before <= now
        before = now

    done = subprocess.run([*COMMAND, *ARGUMENTS], cwd=tmp_path, capture_output=True, text=True, check=True)
    finished = json.loads(done.stdout)
    with sqlite3.connect(tmp_path / "killed.sqlite") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    trials_before = {identity for identity, pass_ in before if pass_ == "time"}
    assert finished["reused"] == len(trials_before)
    assert finished["ran"] + finished["reused"] == 9
    assert not (tmp_path / "killed.sqlite.spool").exists()
