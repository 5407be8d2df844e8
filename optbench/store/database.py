"""The store: what was measured, by what, where, in which run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Column, ColumnElement, Connection, Engine, and_, func, insert, select

from optbench.records import Environment, Trace, TrialRecord
from optbench.records.trace import CODEC
from optbench.store.engine import for_writing, open_engine
from optbench.store.exact_json import dumps, loads
from optbench.store.keys import ResultKey, Run
from optbench.store.schema import environments, results, runs, traces, uses
from optbench.store.writing import (
    chunks,
    has_key,
    insert_results,
    insert_traces,
    new_number,
    note_use,
    write_environment,
    write_result,
    write_traces,
)

_LARGEST = 2**63 - 1  # that SQLite compares with
_BATCH_BYTES = 2**24  # of traces that are read at once
_RUNS = select(runs, environments.c.data).join(environments)
_KEY_COLUMNS = (results.c.id, results.c["pass"], results.c.machine, results.c.source)


class Store:
    """Results in a SQLite database; safe with several processes and threads, each call one transaction.

    What a method has written when it returns survives the process being killed at any moment.
    """

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Use the tables that `engine` reaches; `open` is the usual way here."""
        self._read, self._write, self._now = engine, for_writing(engine), now

    @classmethod
    def open(cls, location: str | Path) -> Self:
        """Open or create the store at a path or `sqlite:///path`; raises UserError and changes nothing if it can't."""
        return cls(open_engine(location))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._read.dispose()

    def begin_run(self, suite: Mapping[str, Any], command: str, environment: Environment) -> int:
        """Note that a run begins; return its number."""
        with self._write.begin() as connection:
            values = {
                "suite_name": suite.get("name", ""),
                "suite": dumps(suite),
                "command": command,
                "environment": write_environment(connection, environment),
                "started": self._now().isoformat(timespec="microseconds"),
            }
            return new_number(connection.execute(insert(runs).values(values)).inserted_primary_key)

    def add(self, run: int, key: ResultKey, record: TrialRecord, traces: Mapping[str, Trace] | None = None) -> None:
        """Store a result with its traces, in place of one of the same key."""
        with self._write.begin() as connection:
            number = write_result(connection, run, key, record)
            write_traces(connection, number, traces or {})
            note_use(connection, run, [number])

    def add_all(
        self,
        run: int,
        results: Iterable[tuple[ResultKey, TrialRecord]],
        traces: Iterable[tuple[ResultKey, str, Trace]] = (),
    ) -> None:
        """Store many results, none of whose keys is stored yet, then their traces by name, in one transaction."""
        with self._write.begin() as connection:
            numbers = insert_results(connection, run, results)
            insert_traces(connection, ((numbers[key], name, trace) for key, name, trace in traces))
            note_use(connection, run, numbers.values())

    def note_use(self, run: int, keys: Iterable[ResultKey]) -> None:
        """Note that a run reuses stored results; raises KeyError where one is not stored."""
        wanted = list(keys)
        with self._write.begin() as connection:
            numbers = {_key(row): row.number for row in _find(connection, wanted, results.c.number)}
            note_use(connection, run, [numbers[key] for key in wanted])

    def existing(self, keys: Iterable[ResultKey]) -> set[ResultKey]:
        """Return those of `keys` that are stored."""
        with self._read.begin() as connection:
            return {_key(row) for row in _find(connection, list(keys))}

    def get(self, keys: Iterable[ResultKey], unreadable: list[ResultKey] | None = None) -> dict[ResultKey, TrialRecord]:
        """Return the records of those of `keys` that are stored, in the order of `keys`.

        What another version wrote and this one can't read is added to `unreadable`; without it, it raises.
        """
        wanted = list(keys)
        with self._read.begin() as connection:
            found = {_key(row): row.record for row in _find(connection, wanted, results.c.record)}
        records = {}
        for key in wanted:
            try:
                if key in found:
                    records[key] = TrialRecord.from_json(loads(found[key]))
            except (TypeError, ValueError, LookupError, AttributeError):
                if unreadable is None:
                    raise
                unreadable.append(key)
        return records

    def trace(self, key: ResultKey, name: str) -> Trace | None:
        """Return one trace of a result, None where it has none of that name."""
        query = select(traces).join(results).where(has_key(key), traces.c.name == name)
        with self._read.begin() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _trace(row)

    def traces(self, keys: Iterable[ResultKey], name: str) -> Iterator[tuple[ResultKey, Trace]]:
        """Yield the trace of that name of each of `keys` that has one, in their order, some megabytes at once."""
        for chunk in chunks(list(keys)):
            size = func.length(traces.c.data).label("size")
            query = select(*_KEY_COLUMNS, traces.c.result, size).join(results)
            with self._read.begin() as connection:
                rows = connection.execute(query.where(_among(chunk), traces.c.name == name)).all()
            found = {_key(row): row for row in rows}
            for batch in _batches([found[key] for key in chunk if key in found]):
                blobs = select(traces).where(traces.c.result.in_([row.result for row in batch]), traces.c.name == name)
                with self._read.begin() as connection:
                    read = {row.result: row for row in connection.execute(blobs)}
                yield from ((_key(row), _trace(read[row.result])) for row in batch)

    def latest_run(self, suite: str | None = None) -> Run | None:
        """Return the run that began last, of one suite where `suite` names it; None where there is none."""
        return next(iter(self._runs(suite, limit=1)), None)

    def runs(self, suite: str | None = None) -> list[Run]:
        """Return all runs, of one suite where `suite` names it; the one that began last stands first."""
        return self._runs(suite)

    def run(self, number: int) -> Run | None:
        """Return the run of that number; None where there is none."""
        if number > _LARGEST:
            return None
        query = _RUNS.where(runs.c.number == number)
        with self._read.begin() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _run(row)

    def _runs(self, suite: str | None, limit: int | None = None) -> list[Run]:
        query = _RUNS.order_by(runs.c.number.desc()).limit(limit)
        if suite is not None:
            query = query.where(runs.c.suite_name == suite)
        with self._read.begin() as connection:
            return list(map(_run, connection.execute(query)))

    def run_keys(self, run: int) -> tuple[ResultKey, ...]:
        """Return the keys of the results that a run measured or reused, oldest result first."""
        query = select(*_KEY_COLUMNS).join(uses).where(uses.c.run == run).order_by(results.c.number)
        with self._read.begin() as connection:
            return tuple(_key(row) for row in connection.execute(query))

    def stale(self, keys: Iterable[ResultKey]) -> dict[ResultKey, tuple[ResultKey, ...]]:
        """Return, for each key that has some, the results of its trial and pass from another machine or source.

        The latest stands first.
        """
        wanted = list(keys)
        others: dict[tuple[str, str], list[ResultKey]] = {}
        with self._read.begin() as connection:
            for chunk in chunks(wanted):
                query = select(*_KEY_COLUMNS).where(results.c.id.in_({key.id for key in chunk}))
                for row in connection.execute(query.order_by(results.c.run.desc(), results.c.number.desc())):
                    others.setdefault((row.id, row[1]), []).append(_key(row))
        found = {key: tuple(other for other in others.get((key.id, key.pass_), ()) if other != key) for key in wanted}
        return {key: stale for key, stale in found.items() if stale}


def _batches(rows: Sequence[Any]) -> Iterator[list[Any]]:
    """Cut rows with a `size` where those before add up to `_BATCH_BYTES`."""
    batch: list[Any] = []
    for row in rows:
        if batch and sum(other.size for other in batch) + row.size > _BATCH_BYTES:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _find(connection: Connection, keys: Sequence[ResultKey], *columns: Column[Any]) -> Iterator[Any]:
    """Yield a row of the key's columns and `columns` for each of `keys` that is stored."""
    for chunk in chunks(keys):
        wanted = set(chunk)
        rows = connection.execute(select(*_KEY_COLUMNS, *columns).where(_among(chunk)))
        yield from (row for row in rows if _key(row) in wanted)


def _among(keys: Sequence[ResultKey]) -> ColumnElement[bool]:
    """Narrow to a small superset of `keys`, by one index look-up an id."""
    identity, pass_, machine, source = _KEY_COLUMNS
    return and_(
        identity.in_({key.id for key in keys}),
        pass_.in_({key.pass_ for key in keys}),
        machine.in_({key.machine for key in keys}),
        source.in_({key.source for key in keys}),
    )


def _key(row: Sequence[Any]) -> ResultKey:
    """Return the key that the row's first four columns spell."""
    return ResultKey(row[0], row[1], row[2], row[3])


def _trace(row: Any) -> Trace:
    if row.codec != CODEC:
        raise ValueError(f"trace codec {row.codec!r} is unknown; known: {CODEC!r}")
    return Trace.decode(loads(row.columns), row.data, complete=row.complete)


def _run(row: Any) -> Run:
    return Run(
        id=row.number,
        suite=loads(row.suite),
        command=row.command,
        environment=Environment.from_json(loads(row.data)),
        started=row.started,
    )
