"""A run as files that never change: what comes back, and what is refused."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from optbench.api import UserError
from optbench.records import Component, Environment, Status, Trace, TrialRecord, TrialSpec
from optbench.store import ResultKey, Store, shards
from optbench.store.shards import MANIFEST, Manifest, read_shard, shard_fault, shards_in, write_shard

EVENTS = Trace.from_columns({"step": [0.0, 1.0, 2.0], "value": [3.5, math.inf, math.nan]})
ENVIRONMENT = Environment(
    machine="../up & away",
    system="Linux",
    architecture="x86_64",
    cpu="cpu",
    cores=2,
    memory=1024,
    python="3.11",
    libraries={"optbench": "0.1"},
)


def record(seed: int) -> TrialRecord:
    spec = TrialSpec(
        problem=Component(name="f/sphere"), optimizer=Component(name="d/gd", options={"lr": 1.0}), seed=seed
    )
    return TrialRecord(spec=spec, status=Status.OK, f_best=math.nan, evaluations=10 + seed, state_bytes=8)


@pytest.fixture
def run(tmp_path):
    """Return a store with one run of three results, one of them with a curve."""
    with Store.open(tmp_path / "results.sqlite") as store:
        number = store.begin_run({"name": "quick/../x"}, "optbench suite quick", ENVIRONMENT)
        for seed in range(3):
            key = ResultKey(record(seed).id, "time", "m", "s")
            store.add(number, key, record(seed), {"events": EVENTS} if seed == 0 else {})
        yield store, store.run(number)


@pytest.fixture
def shard(run, tmp_path):
    return write_shard(*run, tmp_path / "shards")


def test_everything_comes_back(run, shard, tmp_path):
    store, original = run
    assert shard_fault(shard) == ""
    with read_shard(shard, tmp_path / "copy.sqlite") as copy:
        again = copy.latest_run()
        assert (again.suite, again.command, again.environment) == (original.suite, original.command, ENVIRONMENT)
        assert again.started == original.started
        keys = store.run_keys(original.id)
        assert copy.run_keys(again.id) == keys
        assert repr(copy.get(keys)) == repr(store.get(keys))  # NaN is not equal to itself
        assert copy.trace(keys[0], "events").encode() == EVENTS.encode()
        assert copy.trace(keys[1], "events") is None


def test_curves_come_back_whole_or_cut_short_and_snapshots_beside_events(run, tmp_path):
    store, original = run
    key = store.run_keys(original.id)[1]
    cut = Trace(EVENTS.columns, EVENTS.data, complete=False)
    store.add(original.id, key, record(1), {"events": cut, "snapshots": EVENTS})
    with read_shard(write_shard(store, original, tmp_path / "cut"), tmp_path / "copy.sqlite") as copy:
        assert copy.trace(key, "events").complete is False
        assert copy.trace(key, "snapshots").complete is True
        assert copy.trace(key, "snapshots").encode() == EVENTS.encode()


def test_curves_are_written_in_groups_of_so_many_bytes(run, tmp_path, monkeypatch):
    """Two make a group; the fifth, which is left over, is one by itself."""
    store, original = run
    monkeypatch.setattr(shards, "_TRACE_BYTES", 2 * len(EVENTS.encode()))
    for seed, key in enumerate(store.run_keys(original.id)):
        store.add(original.id, key, record(seed), {"events": EVENTS} | ({"snapshots": EVENTS} if seed else {}))
    written = write_shard(store, original, tmp_path / "groups")
    file = pq.ParquetFile(written / "traces.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [2, 2, 1]


def test_a_run_is_known_again_whatever_bytes_another_library_would_write(run, shard, tmp_path, monkeypatch):
    text = Manifest.text
    monkeypatch.setattr(Manifest, "text", lambda manifest: text(manifest) + "\n")
    assert write_shard(*run, tmp_path / "elsewhere").name != shard.name
    assert write_shard(*run, tmp_path / "shards") == shard


def test_another_run_of_the_same_suite_is_another_shard(run, shard, tmp_path):
    """Begun at another time, on another machine, or with a result more."""
    store, original = run
    folder = tmp_path / "shards"
    for change in ({"started": "2020-01-01T00:00:00+00:00"}, {"environment": replace(ENVIRONMENT, machine="there")}):
        assert write_shard(store, replace(original, **change), folder) != shard
    store.add(original.id, ResultKey(record(7).id, "time", "m", "s"), record(7), {})
    assert write_shard(store, original, folder) != shard
    assert len(shards_in(folder)) == 4


def test_shards_stand_in_the_order_in_which_their_runs_began_and_can_be_read_by_others(run, tmp_path):
    store, original = run
    years = (2021, 2019, 2020)
    for year in years:
        write_shard(store, replace(original, started=f"{year}-01-01T00:00:00+00:00"), tmp_path / "shards")
    found = shards_in(tmp_path / "shards")
    assert [path.name[:4] for path in found] == ["2019", "2020", "2021"]
    assert {path.stat().st_mode & 0o777 for path in found} == {0o755}


def test_plain_columns_can_be_read_by_any_parquet_reader(shard):
    table = pq.read_table(shard / "trials.parquet")
    assert sorted(table["evaluations"].to_pylist()) == [10, 11, 12]
    assert set(table["optimizer"].to_pylist()) == {"d/gd"}


def test_a_name_cannot_leave_the_folder(shard, tmp_path):
    assert shard.parent == tmp_path / "shards"
    assert ".." not in shard.name


def test_what_a_killed_writer_left_is_no_shard_and_is_swept_later(run, tmp_path):
    folder = tmp_path / "shards"
    for name in (".partial-old", ".partial-new"):
        (folder / name).mkdir(parents=True)
    os.utime(folder / ".partial-old", (0, 0))
    shard = write_shard(*run, folder)
    assert shards_in(folder) == [shard]
    assert {path.name for path in folder.iterdir()} == {".partial-new", shard.name}


def test_a_run_is_published_once(run, shard, tmp_path):
    assert write_shard(*run, tmp_path / "shards") == shard
    assert shards_in(tmp_path / "shards") == [shard]


@pytest.mark.parametrize("name", ["trials.parquet", "traces.parquet", MANIFEST])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_one_changed_byte_is_noticed(shard, tmp_path, name, place):
    content = bytearray((shard / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (shard / name).write_bytes(content)
    assert name in shard_fault(shard)
    with pytest.raises(UserError, match=shard.name):
        read_shard(shard, tmp_path / "copy.sqlite")
    assert not (tmp_path / "copy.sqlite").exists()


def test_files_that_are_gone_or_too_many_and_a_newer_schema_are_told(shard):
    other = shard.with_name("copy")
    (shard / "more.txt").write_text("")
    assert "more.txt" in shard_fault(shard)
    (shard / "more.txt").unlink()
    (shard / "traces.parquet").rename(other)
    assert "traces.parquet is gone" in shard_fault(shard)
    other.rename(shard / "traces.parquet")
    assert shard_fault(shard) == ""
    manifest = json.loads((shard / MANIFEST).read_text()) | {"schema": 99}
    (shard / MANIFEST).write_text(json.dumps(manifest))
    assert "upgrade optbench" in shard_fault(shard)
    (shard / MANIFEST).unlink()
    assert MANIFEST in shard_fault(shard)


def test_a_shard_under_another_name_is_noticed(shard):
    moved = shard.with_name(shard.name[:-1] + ("0" if shard.name[-1] != "0" else "1"))
    shutil.move(shard, moved)
    assert shard_fault(moved)
    renamed = shutil.move(moved, shard.with_name(f"a-{shard.name}"))
    assert shard_fault(renamed) == f"it was renamed, from {shard.name}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unknown": 1}, "damaged"),
        ({"environment": {}}, "damaged"),
        ({"files": {}}, "names other files"),
        ({"files": {"../../x": "0", "trials.parquet": "0"}}, "names other files"),
        ({"started": "yesterday"}, "can't be read"),
    ],
)
def test_a_shard_made_by_hand_is_refused_in_one_line(shard, tmp_path, change, said):
    text = json.dumps(json.loads((shard / MANIFEST).read_text()) | change)
    (shard / MANIFEST).write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    date = "" if change.get("started") else shard.name.partition("-")[0]
    made = shard.rename(shard.with_name(f"{date}-{shard.name.partition('-')[2][:-16]}{digest}"))
    with pytest.raises(UserError, match=made.name) as refused:
        read_shard(made, tmp_path / "copy.sqlite")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_manifest_says_what_was_run_where(shard, run):
    manifest = Manifest.read(shard)
    assert (manifest.results, manifest.optbench, manifest.suite["name"]) == (3, "0.1", "quick/../x")
    assert manifest.environment["machine"] == "../up & away"
