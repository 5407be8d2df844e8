from __future__ import annotations

import math
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from optbench.records import Component, Environment, StageRecord, Status, Trace, TrialRecord, TrialSpec
from optbench.store import ResultKey, Store

SUITE = {"name": "quick", "title": "Quick"}
EVENTS = Trace.from_columns({"step": [0.0, 1.0, 2.0], "value": [3.5, math.inf, math.nan]})


@pytest.fixture
def environment():
    return Environment(
        machine="bench",
        system="Linux",
        architecture="x86_64",
        cpu="cpu",
        cores=2,
        memory=1024,
        python="3.11",
        libraries={"torch": "2.6"},
        load=0.25,
        affinity=(0, 1),
    )


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "results.sqlite") as opened:
        yield opened


@pytest.fixture
def run(store, environment):
    return store.begin_run(SUITE, "optbench suite quick", environment)


def record(seed: int = 0, **fields) -> TrialRecord:
    spec = TrialSpec(
        problem=Component(name="functions/sphere", options={"n": 3}),
        optimizer=Component(name="descent/gd", options={"lr": 1.0}),
        seed=seed,
    )
    return TrialRecord(spec=spec, status=Status.OK, **fields)


def key_of(measured: TrialRecord, **changes) -> ResultKey:
    return replace(ResultKey(measured.id, "time", "machine-a", "source-a"), **changes)


def test_record_and_traces_come_back_equal(store, run):
    measured = record(
        f0=14.0,
        f_best=1e-300,
        counts={"value": 3},
        stages=(StageRecord(counts={"value": 3}),),
        evaluations_to_target={"relative:1e-08": None},
        unreliable=("load",),
    )
    store.add(run, key_of(measured), measured, {"events": EVENTS})
    trace = store.trace(key_of(measured), "events")
    assert store.get([key_of(measured)]) == {key_of(measured): measured}
    assert (trace.columns, trace.encode(), trace.complete) == (EVENTS.columns, EVENTS.encode(), True)


def test_values_that_json_has_no_number_for_come_back(store, run):
    measured = record(f0=math.inf, f_best=-math.inf, metrics={"accuracy": math.nan})
    store.add(run, key_of(measured), measured)
    stored = store.get([key_of(measured)])[key_of(measured)]
    assert (stored.f0, stored.f_best) == (math.inf, -math.inf)
    assert math.isnan(stored.metrics["accuracy"])


def test_an_incomplete_trace_says_so_after_reading(store, run):
    store.add(run, key_of(record()), record(), {"events": replace(EVENTS, complete=False)})
    assert not store.trace(key_of(record()), "events").complete


def test_trace_is_none_where_there_is_none_of_that_name(store, run):
    store.add(run, key_of(record()), record(), {"events": EVENTS})
    assert store.trace(key_of(record()), "snapshots") is None


def test_measuring_again_replaces_the_record_and_all_its_traces(store, run):
    store.add(run, key_of(record()), record(), {"events": EVENTS, "snapshots": EVENTS})
    again = record(f_best=2.0)
    store.add(run, key_of(again), again, {"events": Trace.from_columns({"step": [7.0]})})
    assert store.get([key_of(again)])[key_of(again)].f_best == 2.0
    assert list(store.trace(key_of(again), "events")["step"]) == [7.0]
    assert store.trace(key_of(again), "snapshots") is None
    assert store.run_keys(run) == (key_of(again),)


def test_a_result_with_a_bad_trace_is_not_stored_at_all(store, run):
    with pytest.raises(AttributeError):
        store.add(run, key_of(record()), record(), {"events": "not a trace"})
    assert store.existing([key_of(record())]) == set()


def test_many_results_added_at_once_come_back_in_their_order_with_their_traces(store, run):
    made = [(key_of(item), item) for item in (record(seed, f_best=float(-seed)) for seed in range(1201))]
    curves = {key: {"events": EVENTS, "snapshots": Trace.from_columns({"f": [7.0]})} for key, _ in made[1::400]}
    store.add_all(run, made[:1])
    store.add_all(run, made[1:], [(key, name, curves[key][name]) for name in ("snapshots", "events") for key in curves])

    keys = store.run_keys(run)
    assert list(keys) == [key for key, _ in made]
    assert list(store.get(keys).items()) == made
    for key, named in curves.items():
        assert {name: store.trace(key, name).encode() for name in named} == {x: y.encode() for x, y in named.items()}
    assert store.trace(made[0][0], "events") is None


def test_of_many_results_all_are_stored_or_none(store, run):
    made = [(key_of(item), item) for item in map(record, range(600))]
    store.add(run, *made[-1])
    with pytest.raises(IntegrityError):
        store.add_all(run, made)
    assert store.run_keys(run) == (made[-1][0],)


def test_existing_tells_keys_apart_in_each_part(store, run):
    stored = key_of(record())
    store.add(run, stored, record())
    near = [replace(stored, **{part: "memory"}) for part in ("id", "pass_", "machine", "source")]
    assert store.existing([*near, stored]) == {stored}


def test_existing_of_a_cross_of_stored_parts_is_only_what_is_stored(store, run):
    """Both ids and both machines are stored, but not every pair of them."""
    first, second = key_of(record()), key_of(record(seed=1), machine="machine-b")
    store.add(run, first, record())
    store.add(run, second, record(seed=1))
    crossed = replace(first, machine="machine-b")
    assert store.existing([first, second, crossed]) == {first, second}


def test_look_ups_of_more_keys_than_a_query_takes(store, run):
    stored = [key_of(record(seed)) for seed in range(3)]
    for seed, key in enumerate(stored):
        store.add(run, key, record(seed), {"events": EVENTS})
    asked = [key_of(record(), id=f"absent-{index}") for index in range(1200)]
    asked[::500] = stored
    assert store.existing(asked) == set(stored)
    assert list(store.get(asked)) == stored
    assert {key for key, _ in store.traces(asked, "events")} == set(stored)


def test_a_run_knows_what_it_measured_and_what_it_reused(store, run, environment):
    for seed in range(2):
        store.add(run, key_of(record(seed)), record(seed))
    later = store.begin_run(SUITE, "optbench suite quick", environment)
    store.note_use(later, [key_of(record(1)), key_of(record(1))])
    store.add(later, key_of(record(2)), record(2))
    assert store.run_keys(later) == (key_of(record(1)), key_of(record(2)))
    assert store.run_keys(run) == (key_of(record(0)), key_of(record(1)))


def test_noting_the_use_of_what_is_not_stored_is_an_error(store, run):
    with pytest.raises(KeyError):
        store.note_use(run, [key_of(record())])


def test_latest_run_is_the_last_of_the_suite_that_is_asked_for(store, environment):
    quick = store.begin_run(SUITE, "optbench suite quick --seeds 5", environment)
    other = store.begin_run({"name": "other", "budget": math.inf}, "optbench suite other", environment)
    found = store.latest_run("quick")
    assert (found.id, found.suite, found.command) == (quick, SUITE, "optbench suite quick --seeds 5")
    assert found.environment == environment
    assert store.latest_run().id == other
    assert store.latest_run().suite["budget"] == math.inf
    assert store.latest_run("absent") is None


def test_results_of_another_machine_or_source_show_as_stale_latest_first(store, run, environment):
    current = key_of(record())
    edited = replace(current, source="source-b")
    elsewhere = replace(current, machine="machine-b")
    memory = replace(current, pass_="memory")
    for key in (edited, current, memory):
        store.add(run, key, record())
    store.add(store.begin_run(SUITE, "again", environment), elsewhere, record())
    assert store.stale([current, key_of(record(9))]) == {current: (elsewhere, edited)}


def test_what_was_stored_is_there_when_opened_again(tmp_path, environment):
    location = f"sqlite:///{tmp_path}/deep/er/results.sqlite"
    with Store.open(location) as store:
        run = store.begin_run(SUITE, "first", environment)
        store.add(run, key_of(record()), record())
    with Store.open(tmp_path / "deep/er/results.sqlite") as store:
        assert store.existing([key_of(record())]) == {key_of(record())}
        assert store.begin_run(SUITE, "second", environment) == run + 1
