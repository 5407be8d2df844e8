"""Writes a store of made-up trials, as large as asked for, and measures what its report takes.

    python tests/perf/report_at_scale.py STORE [--optimizers 30] [--problems 100] [--seeds 34] [--points 200]
    python tests/perf/report_at_scale.py STORE --report FOLDER

The first line writes the store; the second builds its report in a process of its own and prints seconds and the peak of
the resident memory. No number in the store means anything.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from optbench.records import (
    EVENT_COLUMNS,
    Budget,
    Component,
    Entry,
    Environment,
    Status,
    SuiteSpec,
    TrialRecord,
    TrialSpec,
)
from optbench.records.trace import CODEC
from optbench.store import Store
from optbench.store.exact_json import dumps

FAMILIES = (("descent", 3.2), ("quasinewton", 1.9), ("newton", 1.4), ("stochastic", 2.9), ("meta", 2.4))
KINDS = ("quadratic", "convex", "least-squares", "nonconvex", "learning")
TARGETS = ("relative:1e-01", "relative:1e-03", "relative:1e-05", "relative:1e-08")
BUDGET = 10_000
CHUNK = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--report", type=Path)
    for name, count in (("optimizers", 30), ("problems", 100), ("seeds", 34), ("points", 200)):
        parser.add_argument(f"--{name}", type=int, default=count)
    given = parser.parse_args()
    if given.report is None:
        write_store(given.store, given.optimizers, given.problems, range(given.seeds), given.points)
    else:
        report(given.store, given.report)


def report(store: Path, folder: Path) -> None:
    from optbench.cli import main as optbench

    began = time.perf_counter(), time.process_time()
    optbench(["report", "--store", str(store), "--out", str(folder)])
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{wall:.1f} s, {cpu:.1f} s of the processor, {peak:.2f} GiB at the peak")


def write_store(path: Path, optimizers: int, problems: int, seeds: range, points: int) -> None:
    suite = _suite(optimizers, problems, seeds)
    environment = Environment(
        machine="bench", system="Linux", architecture="x86_64", cpu="Imaginary 9000", cores=4, memory=8 * 2**30,
        python="3.11.2", libraries={"torch": "2.13.0", "numpy": "2.1.0"}, commit="abc1234",
    )  # fmt: skip
    with Store.open(path) as store:
        run = store.begin_run(suite.to_json(), "optbench suite made-up", environment)
    connection = sqlite3.connect(path)
    rows: list[tuple[Any, ...]] = []
    traces: list[tuple[Any, ...]] = []
    for number, (record, blob, length) in enumerate(_trials(suite, points), start=1):
        key = (record.id, "time", environment.fingerprint, "made-up")
        name = record.spec.problem.name, record.spec.optimizer.name, str(record.status), dumps(record.to_json())
        rows.append((number, *key, run, *name))
        traces.append((number, "events", CODEC, json.dumps(EVENT_COLUMNS), length, 1, blob))
        if len(rows) == CHUNK:
            _insert(connection, run, rows, traces)
    _insert(connection, run, rows, traces)
    connection.close()


def _insert(connection: sqlite3.Connection, run: int, rows: list[Any], traces: list[Any]) -> None:
    with connection:
        connection.executemany(f"insert into results values ({','.join('?' * 10)})", rows)
        connection.executemany(f"insert into traces values ({','.join('?' * 7)})", traces)
        connection.executemany("insert into uses values (?, ?)", [(run, row[0]) for row in rows])
    rows.clear()
    traces.clear()


def _suite(optimizers: int, problems: int, seeds: range) -> SuiteSpec:
    arms = [f"{FAMILIES[i % len(FAMILIES)][0]}/method-{i:02d}" for i in range(optimizers)]
    tasks = [(f"made-up/{KINDS[i % len(KINDS)]}-{i:03d}", {"n": 10 + 7 * i}) for i in range(problems)]
    return SuiteSpec(
        name="made-up",
        title="A made-up suite",
        summary="No number here means anything.",
        problems=tuple(Entry(use=Component(name=name, options=options)) for name, options in tasks),
        optimizers=tuple(Entry(use=Component(name=name)) for name in arms),
        seeds=tuple(seeds),
        budget=Budget(evaluations=BUDGET),
        targets=TARGETS,
    )


def _trials(suite: SuiteSpec, points: int) -> Iterator[tuple[TrialRecord, bytes, int]]:
    random = np.random.default_rng(7)
    for problem in suite.problems:
        hard = random.normal(0, 0.35)
        for arm, optimizer in enumerate(suite.optimizers):
            difficulty = FAMILIES[arm % len(FAMILIES)][1] + 0.02 * arm + hard + random.normal(0, 0.25)
            for seed in suite.seeds:
                yield _trial(problem.use, optimizer.use, (seed, suite.budget), difficulty, points, random)


def _trial(
    problem: Component,
    optimizer: Component,
    run: tuple[int, Budget],
    difficulty: float,
    points: int,
    random: np.random.Generator,
) -> tuple[TrialRecord, bytes, int]:
    counts = np.unique(np.geomspace(1, BUDGET, 2 * points).round())[:points]
    gaps = 10 ** (-8 * np.minimum(counts / 10 ** (difficulty + random.normal(0, 0.08)), 1.2))
    gaps = np.minimum.accumulate(gaps * 10 ** random.normal(0, 0.03, len(gaps)))
    gaps[0] = 1.0
    failed = random.random() < 0.02
    stop = max(5, points // 3) if failed else points
    counts, gaps = counts[:stop], gaps[:stop]
    columns = np.zeros((len(EVENT_COLUMNS), stop))
    slow = 1e-4 * random.lognormal(0, 0.1)
    for name, values in {
        "value_count": counts, "gradient_count": counts, "seconds": slow * counts, "value": 1 + 4 * gaps
    }.items():  # fmt: skip
        columns[EVENT_COLUMNS.index(name)] = values
    hits = {name: _first(counts, gaps <= float(name.partition(":")[2])) for name in TARGETS}
    record = TrialRecord(
        spec=TrialSpec(problem=problem, optimizer=optimizer, seed=run[0], budget=run[1]),
        status=Status.DIVERGED if failed else Status.BUDGET,
        message="the value is not finite" if failed else "",
        size=problem.options["n"],
        f0=5.0,
        f_best=1 + 4 * float(gaps[-1]),
        f_star=1.0,
        f_star_source="exact",
        counts={"value": int(counts[-1]), "gradient": int(counts[-1]), "steps": int(counts[-1])},
        evaluations=int(counts[-1]),
        evaluations_to_target=hits,
        seconds_to_target={name: None if cost is None else slow * cost for name, cost in hits.items()},
        seconds=slow * float(counts[-1]),
        state_bytes=80 * problem.options["n"],
        peak_live_bytes=240 * problem.options["n"],
    )
    return record, columns.tobytes(), stop


def _first(counts: np.ndarray, reached: np.ndarray) -> float | None:
    return float(counts[reached.argmax()]) if reached.any() else None


if __name__ == "__main__":
    main()
