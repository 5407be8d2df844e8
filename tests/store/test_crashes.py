from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from optbench.records import Component, Status, TrialRecord, TrialSpec
from optbench.store import ResultKey, Store

WRITER = Path(__file__).with_name("writer.py")


def start_writer(path: Path, first: int, limit: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, str(WRITER), str(path), str(first), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def key_of(seed: int) -> ResultKey:
    spec = TrialSpec(problem=Component(name="a/problem"), optimizer=Component(name="an/optimizer"), seed=seed)
    return ResultKey(TrialRecord(spec=spec, status=Status.OK).id, "time", "machine", "source")


def assert_all_are_stored(path: Path, seeds: list[int]) -> None:
    """Each acknowledged result is there with its whole trace, and the file is sound."""
    with Store.open(path) as store:
        keys = [key_of(seed) for seed in seeds]
        records = store.get(keys)
        assert [records[key].f_best for key in keys] == seeds
        assert {len(trace) for _, trace in store.traces(keys, "events")} == {300}
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.slow
def test_a_writer_that_is_killed_loses_nothing_that_was_acknowledged(tmp_path):
    path, moments, acknowledged = tmp_path / "results.sqlite", random.Random(0), []
    for round_number in range(6):
        with start_writer(path, first=1_000_000 * round_number) as writer:
            # Killed once a random number of results is known to be stored, at whatever it does then.
            acknowledged += [int(writer.stdout.readline()) for _ in range(moments.randint(1, 200))]
            writer.kill()
            rest = writer.stdout.read()
        acknowledged += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    assert_all_are_stored(path, acknowledged)


@pytest.mark.slow
def test_processes_that_open_and_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "results.sqlite"
    writers = [start_writer(path, first=1000 * number, limit=150) for number in range(3)]
    printed = [writer.communicate()[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    acknowledged = [int(seed) for output in printed for seed in output.split()]
    assert len(acknowledged) == 450
    assert_all_are_stored(path, acknowledged)


def test_a_reader_that_began_before_a_write_does_not_block_it(tmp_path):
    """A reading transaction is open while another connection writes and commits."""
    path = tmp_path / "results.sqlite"
    with Store.open(path) as reader, Store.open(path) as writer, reader._read.begin() as transaction:
        transaction.execute(text("SELECT count(*) FROM results")).scalar_one()
        key = key_of(1)
        spec = TrialSpec(problem=Component(name="a/problem"), optimizer=Component(name="an/optimizer"), seed=1)
        run = writer.begin_run({"name": "s"}, "c", _environment())
        writer.add(run, key, TrialRecord(spec=spec, status=Status.OK))
        assert writer.existing([key]) == {key}
        assert transaction.execute(text("SELECT count(*) FROM results")).scalar_one() == 0


def _environment():
    from optbench.records import Environment

    return Environment(machine="m", system="s", architecture="a", cpu="c", cores=1, memory=1, python="3", libraries={})
