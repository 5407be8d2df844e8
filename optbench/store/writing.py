"""Rows of the database from records; each function works within its caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from optbench.records import Environment, Trace, TrialRecord, content_hash
from optbench.records.trace import CODEC
from optbench.store.exact_json import dumps
from optbench.store.keys import ResultKey
from optbench.store.schema import environments, results, traces, uses

_T = TypeVar("_T")
_CHUNK = 500  # keys a query, rows a statement


def chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    """Yield the items in lists that one statement takes."""
    rest = iter(items)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def has_key(key: ResultKey) -> ColumnElement[bool]:
    """Narrow results to the one of that key."""
    table = results.c
    same = (table.id == key.id, table["pass"] == key.pass_, table.machine == key.machine, table.source == key.source)
    return and_(*same)


def write_environment(connection: Connection, environment: Environment) -> str:
    """Return the environment's name in the database, storing it where it is new."""
    data = environment.to_json()
    name = content_hash(data)
    if connection.execute(select(environments.c.hash).where(environments.c.hash == name)).first() is None:
        row = {"hash": name, "fingerprint": environment.fingerprint, "data": dumps(data)}
        connection.execute(insert(environments).values(row))
    return name


def write_result(connection: Connection, run: int, key: ResultKey, record: TrialRecord) -> int:
    """Store a result in place of one of the same key; return its number."""
    number = connection.execute(select(results.c.number).where(has_key(key))).scalar_one_or_none()
    if number is None:
        return new_number(connection.execute(insert(results).values(_result(run, key, record))).inserted_primary_key)
    connection.execute(update(results).where(results.c.number == number).values(_result(run, key, record)))
    return int(number)


def insert_results(
    connection: Connection, run: int, rows: Iterable[tuple[ResultKey, TrialRecord]]
) -> dict[ResultKey, int]:
    """Store results of keys that are new, hundreds a statement; return their numbers, which rise in their order."""
    numbers: dict[ResultKey, int] = {}
    last = connection.execute(select(func.max(results.c.number))).scalar_one() or 0
    for chunk in chunks(rows):
        numbers |= {key: last + place for place, (key, _) in enumerate(chunk, start=len(numbers) + 1)}
        connection.execute(
            insert(results), [{"number": numbers[key], **_result(run, key, record)} for key, record in chunk]
        )
    return numbers


def _result(run: int, key: ResultKey, record: TrialRecord) -> dict[str, Any]:
    return {
        "id": key.id,
        "pass": key.pass_,
        "machine": key.machine,
        "source": key.source,
        "run": run,
        "problem": record.spec.problem.name,
        "optimizer": record.spec.optimizer.name,
        "status": str(record.status),
        "record": dumps(record.to_json()),
    }


def write_traces(connection: Connection, number: int, named: Mapping[str, Trace]) -> None:
    """Store the traces of a result in place of those that it had."""
    connection.execute(delete(traces).where(traces.c.result == number))
    insert_traces(connection, ((number, name, trace) for name, trace in named.items()))


def insert_traces(connection: Connection, rows: Iterable[tuple[int, str, Trace]]) -> None:
    """Store traces of results, given by their numbers, that have none of these names."""
    for chunk in chunks(rows):
        connection.execute(insert(traces), [_trace(*row) for row in chunk])


def _trace(number: int, name: str, trace: Trace) -> dict[str, Any]:
    return {
        "result": number,
        "name": name,
        "codec": CODEC,
        "columns": dumps(trace.columns),
        "rows": len(trace),
        "complete": trace.complete,
        "data": trace.encode(),
    }


def note_use(connection: Connection, run: int, numbers: Iterable[int]) -> None:
    """Note that a run measured or reused results; what is noted already stays."""
    for chunk in chunks(sorted(set(numbers))):
        known = select(uses.c.result).where(uses.c.run == run, uses.c.result.in_(chunk))
        new = set(chunk).difference(connection.execute(known).scalars())
        if new:
            connection.execute(insert(uses), [{"run": run, "result": number} for number in sorted(new)])


def new_number(primary_key: Any) -> int:
    """Return the number of a row that was inserted."""
    return int(primary_key[0])
