"""Shards: a run as files that never change, which git and plain folders keep and merge.

A shard is a folder of `trials.parquet` (a row a result: plain columns for any reader, and the whole record as JSON),
`traces.parquet` (its curves, as the database has them) and `manifest.json`, which says what was run, where, and the
SHA-256 of each file. The folder's name ends with the manifest's own hash, so that no byte can change unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from optbench.api import UserError
from optbench.records import Environment, Trace, TrialRecord
from optbench.records.trace import CODEC
from optbench.store.columns import result_columns, write_columns
from optbench.store.database import Store
from optbench.store.engine import open_engine
from optbench.store.exact_json import dumps, loads
from optbench.store.keys import ResultKey, Run

SCHEMA = 1
MANIFEST, TRIALS, TRACES = "manifest.json", "trials.parquet", "traces.parquet"
_DIGITS = 16  # of the manifest's hash in a folder's name
_STAGING, _ABANDONED = ".partial-", 24 * 3600.0  # seconds after which nobody writes there any more
_NAMES = ("events", "snapshots")
_BATCH = 500  # rows that are read together
_TRACE_BYTES = 64 * 2**20  # of traces that are written together


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a shard holds."""

    schema: int
    optbench: str  # the version that wrote it
    suite: Mapping[str, Any]  # SuiteSpec.to_json()
    command: str
    started: str  # ISO 8601, UTC
    environment: Mapping[str, Any]  # Environment.to_json()
    results: int
    files: Mapping[str, str]  # name -> SHA-256

    @classmethod
    def read(cls, shard: Path) -> Self:
        """Return the manifest of a shard that was verified."""
        return cls(**loads((shard / MANIFEST).read_text(encoding="utf-8")))

    def text(self) -> str:
        """Return the text of `manifest.json`."""
        return json.dumps(json.loads(dumps(asdict(self))), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_shard(store: Store, run: Run, folder: Path) -> Path:
    """Write a run as a shard inside `folder` and return it; one of the run that stands there already is left alone."""
    if (known := _shard_of(store, run, folder)) is not None:
        return known
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=folder))
    try:
        records = store.get(store.run_keys(run.id))
        write_columns(staging / TRIALS, result_columns(records))
        _write_traces(staging / TRACES, store, list(records))
        manifest = Manifest(
            schema=SCHEMA,
            optbench=run.environment.libraries.get("optbench", ""),
            suite=run.suite,
            command=run.command,
            started=run.started,
            environment=run.environment.to_json(),
            results=len(records),
            files={name: _hash_of(staging / name) for name in (TRIALS, TRACES)},
        )
        (staging / MANIFEST).write_text(manifest.text(), encoding="utf-8")
        shard = folder / _name(manifest, _hash_of(staging / MANIFEST))
        if not shard.exists():
            staging.chmod(0o755)
            staging.replace(shard)
        return shard
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what writers left that were killed; a young folder may be that of another one, still at work."""
    for staging in folder.glob(f"{_STAGING}*"):
        with suppress(FileNotFoundError):
            if time.time() - staging.stat().st_mtime > _ABANDONED:
                shutil.rmtree(staging, ignore_errors=True)


def shards_in(folder: Path) -> list[Path]:
    """Return the shards of a folder, those that began first standing first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def shard_fault(shard: Path) -> str:
    """Return why a shard is not to be believed; "" where it is as it was written and can be read."""
    manifest = shard / MANIFEST
    if not manifest.is_file():
        return f"it has no {MANIFEST}"
    try:
        schema = json.loads(manifest.read_bytes())["schema"]
    except (ValueError, KeyError, TypeError):
        return f"its {MANIFEST} is damaged"
    if not isinstance(schema, int) or schema > SCHEMA:
        return f"it has schema {schema}, this optbench reads up to {SCHEMA}: upgrade optbench"
    digest = _hash_of(manifest)
    if not shard.name.endswith(digest[:_DIGITS]):
        return f"its {MANIFEST} was changed after it was written"
    try:
        found = Manifest.read(shard)
        name = _name(found, digest)
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"its {MANIFEST} is damaged"
    return _file_fault(shard, found) if shard.name == name else f"it was renamed, from {name}"


def read_shard(shard: Path, database: Path) -> Store:
    """Return a new store at `database` with the run of a shard; raises UserError where the shard has a fault."""
    fault = shard_fault(shard)
    try:
        if not fault:
            return _read(shard, database)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        fault = f"it can't be read ({' '.join(str(error).split())})"
    raise UserError(f"the shard {shard.name}: {fault}", remedy="restore it as it was published, or remove it")


def _read(shard: Path, database: Path) -> Store:
    manifest = Manifest.read(shard)
    started = datetime.fromisoformat(manifest.started)
    store = Store(open_engine(database), now=lambda: started)
    run = store.begin_run(manifest.suite, manifest.command, Environment.from_json(manifest.environment))
    store.add_all(run, _read_trials(shard / TRIALS), _read_traces(shard / TRACES))
    return store


def _shard_of(store: Store, run: Run, folder: Path) -> Path | None:
    """Return the shard that holds the run: another version of the Parquet library would write other bytes."""
    results = len(store.run_keys(run.id))
    for shard in shards_in(folder):
        if not shard_fault(shard):
            found = Manifest.read(shard)
            same = (found.started, found.command, found.results) == (run.started, run.command, results)
            if same and Environment.from_json(found.environment) == run.environment:
                return shard
    return None


def _write_traces(path: Path, store: Store, keys: Sequence[ResultKey]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = ("id", "pass", "machine", "source", "name", "codec", "columns")
    schema = pa.schema([
        *((name, pa.string()) for name in text),
        ("rows", pa.int64()),
        ("complete", pa.bool_()),
        ("data", pa.binary()),
    ])  # fmt: skip
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in _grouped(_trace_rows(store, keys)):
            writer.write_table(pa.Table.from_pylist(rows, schema))


def _trace_rows(store: Store, keys: Sequence[ResultKey]) -> Iterator[dict[str, Any]]:
    for name in _NAMES:
        for key, trace in store.traces(keys, name):
            yield {
                "id": key.id,
                "pass": key.pass_,
                "machine": key.machine,
                "source": key.source,
                "name": name,
                "codec": CODEC,
                "columns": json.dumps(trace.columns),
                "rows": len(trace),
                "complete": trace.complete,
                "data": trace.encode(),
            }


def _grouped(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows in groups of so many bytes."""
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row["data"])
        if size >= _TRACE_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _read_trials(path: Path) -> Iterator[tuple[ResultKey, TrialRecord]]:
    for row in _rows(path, ["id", "pass", "machine", "source", "record"]):
        yield _key(row), TrialRecord.from_json(loads(row["record"]))


def _read_traces(path: Path) -> Iterator[tuple[ResultKey, str, Trace]]:
    for row in _rows(path):
        trace = Trace.decode(json.loads(row["columns"]), row["data"], complete=row["complete"])
        yield _key(row), row["name"], trace


def _rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file, some megabytes at once."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
            yield from batch.to_pylist()


def _key(row: Mapping[str, Any]) -> ResultKey:
    return ResultKey(row["id"], row["pass"], row["machine"], row["source"])


def _file_fault(shard: Path, manifest: Manifest) -> str:
    if manifest.files.keys() != {TRIALS, TRACES}:
        return f"its {MANIFEST} names other files than {TRIALS} and {TRACES}"
    stray = {path.name for path in shard.iterdir()} - {*manifest.files, MANIFEST}
    if stray:
        return f"{', '.join(sorted(stray))} is none of its files"
    for name, expected in manifest.files.items():
        path = shard / name
        if not path.is_file():
            return f"its file {name} is gone"
        if _hash_of(path) != expected:
            return f"its file {name} was changed after it was written"
    return ""


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(manifest: Manifest, digest: str) -> str:
    date = re.sub(r"[^0-9T]", "", manifest.started[:19])
    words = (str(manifest.suite.get("name", "")), str(manifest.environment["machine"]))
    slugs = [re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:40] or "unnamed" for word in words]
    return "-".join([date, *slugs, digest[:_DIGITS]])
