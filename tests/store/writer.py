"""A process that stores results and prints the seed of each once it is acknowledged; run by the crash tests."""

from __future__ import annotations

import sys
from itertools import count

from optbench.records import Component, Environment, Status, Trace, TrialRecord, TrialSpec
from optbench.store import ResultKey, Store

TRACE = Trace.from_columns({name: [0.5 * row for row in range(300)] for name in ("step", "seconds", "value")})


def measured(seed: int) -> tuple[ResultKey, TrialRecord]:
    spec = TrialSpec(problem=Component(name="a/problem"), optimizer=Component(name="an/optimizer"), seed=seed)
    record = TrialRecord(spec=spec, status=Status.OK, f_best=float(seed))
    return ResultKey(record.id, "time", "machine", "source"), record


def environment() -> Environment:
    return Environment(machine="m", system="s", architecture="a", cpu="c", cores=1, memory=1, python="3", libraries={})


def main(path: str, first: int, limit: int) -> None:
    with Store.open(path) as store:
        run = store.begin_run({"name": "crash"}, "write", environment())
        for seed in count(first) if limit == 0 else range(first, first + limit):
            key, record = measured(seed)
            store.add(run, key, record, {"events": TRACE})
            print(seed, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
