"""Traces are read in one pass in the order that was told, and out of it one by one."""

from __future__ import annotations

import pytest

from optbench.cli._traces import TraceReader
from optbench.records import Component, Environment, Status, Trace, TrialRecord, TrialSpec
from optbench.store import ResultKey, Store

HERE = Environment(machine="m", system="s", architecture="a", cpu="c", cores=1, memory=1, python="3", libraries={})


@pytest.fixture
def store(tmp_path):
    """Return a store of ten trials, of which those with even seeds have events; a trace's value is its seed."""
    with Store.open(tmp_path / "results.sqlite") as opened:
        run = opened.begin_run({}, "", HERE)
        for seed in range(10):
            spec = TrialSpec(problem=Component(name="x/p"), optimizer=Component(name="x/a"), seed=seed)
            record = TrialRecord(spec=spec, status=Status.OK)
            key = ResultKey(record.id, "time", "m", "s")
            events = {"events": Trace.from_columns({"value": [float(seed)]})} if seed % 2 == 0 else {}
            opened.add(run, key, record, events)
        yield opened


def keys_of(store):
    found = store.get(store.run_keys(1))
    return {f"seed {record.spec.seed}": key for key, record in found.items()}


def read(reader, seed):
    trace = reader(f"seed {seed}")
    return None if trace is None else trace["value"][0]


def test_in_order_every_trace_is_found_and_what_has_none_is_none(store, monkeypatch):
    reader = TraceReader(store, "events", keys_of(store))
    monkeypatch.setattr(Store, "trace", lambda *_: pytest.fail("read alone"))
    assert [read(reader, seed) for seed in range(10)] == [0, None, 2, None, 4, None, 6, None, 8, None]


@pytest.mark.parametrize("order", [(9, 0, 8, 3, 2), (4, 4, 1, 6), (1, 3, 5, 6), (8, 6)])
def test_out_of_order_and_again_it_is_the_same(store, order):
    reader = TraceReader(store, "events", keys_of(store))
    assert [read(reader, seed) for seed in order] == [seed if seed % 2 == 0 else None for seed in order]


def test_a_trial_without_a_result_has_no_trace(store):
    assert TraceReader(store, "events", keys_of(store))("nobody") is None


def test_large_traces_are_read_in_small_batches(store, monkeypatch):
    monkeypatch.setattr("optbench.store.database._BATCH_BYTES", 8)
    keys = list(keys_of(store).values())
    assert [trace["value"][0] for _, trace in store.traces(keys, "events")] == [0, 2, 4, 6, 8]


def test_a_record_of_another_version_is_told_and_the_others_are_read(store):
    keys = store.run_keys(1)
    with store._write.begin() as connection:
        connection.exec_driver_sql("update results set record = json_set(record, '$.unheard_of', 1) where number = 3")
    unreadable = []
    assert len(store.get(keys, unreadable)) == 9
    assert unreadable == [keys[2]]
    with pytest.raises(TypeError, match="unheard_of"):
        store.get(keys)
