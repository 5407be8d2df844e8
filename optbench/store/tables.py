"""A run's results and curves as plain tables, in Parquet or CSV, for pandas, R or DuckDB."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from optbench.api import UserError
from optbench.records import Trace
from optbench.records.text import harmless
from optbench.store.columns import result_columns, write_columns
from optbench.store.database import Store
from optbench.store.keys import ResultKey, Run

Format = Literal["parquet", "csv"]
CURVES = ("events", "snapshots")
_ABOUT = "run.json"
_ROWS = 1_000_000  # of curves that are held at the same time


def export_run(store: Store, run: Run, folder: Path, kind: Format) -> tuple[Path, ...]:
    """Write `run.json`, `trials`, and `events` and `snapshots` (a row a point, known by the trial's id and pass).

    Times in seconds, memory in bytes; what was not measured is empty. Files of an earlier export are replaced; raises
    UserError where files of the same names are of something else.
    """
    _refuse_foreign_files(folder, kind)
    folder.mkdir(parents=True, exist_ok=True)
    keys = store.run_keys(run.id)
    written = [_about(run, folder)]
    columns = result_columns(store.get(keys))
    if kind == "parquet":
        written.append(write_columns(folder / "trials.parquet", columns))
    else:
        del columns["record"]  # JSON in a cell
        written.append(_write_csv(folder / "trials.csv", list(columns), zip(*columns.values(), strict=True)))
    for name in CURVES:
        path = folder / f"{name}.{kind}"
        write = _curves_parquet if kind == "parquet" else _curves_csv
        if write(path, store.traces(keys, name)):
            written.append(path)
    return tuple(written)


def _refuse_foreign_files(folder: Path, kind: Format) -> None:
    taken = [name for name in (_ABOUT, *(f"{name}.{kind}" for name in ("trials", *CURVES))) if (folder / name).exists()]
    if not taken:
        return
    try:
        ours = {"suite", "command", "started"} <= json.loads((folder / _ABOUT).read_text(encoding="utf-8")).keys()
    except (OSError, ValueError, AttributeError):
        ours = False
    if not ours:
        given = f"{folder} holds {', '.join(taken)} of something else"
        raise UserError(given, "allowed: a new folder, or one of an export", "name another folder")


def _about(run: Run, folder: Path) -> Path:
    path = folder / _ABOUT
    about = {
        "suite": run.suite,
        "command": run.command,
        "started": run.started,
        "environment": run.environment.to_json(),
    }
    path.write_text(json.dumps(about, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    return path


def _write_csv(path: Path, headings: Sequence[str], rows: Iterator[Sequence[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(headings)
        writer.writerows([harmless(_text(value)) for value in row] for row in rows)
    return path


def _text(value: Any) -> Any:
    return " + ".join(value) if isinstance(value, list) else value


def _curves_csv(path: Path, traces: Iterator[tuple[ResultKey, Trace]]) -> bool:
    first = next(traces, None)
    if first is None:
        return False
    headings = first[1].columns

    def rows() -> Iterator[Sequence[Any]]:
        for key, trace in (first, *traces):
            columns = [trace[name] if name in trace.columns else [None] * len(trace) for name in headings]
            yield from ((key.id, key.pass_, *row) for row in zip(*columns, strict=True))

    _write_csv(path, ("id", "pass", *headings), rows())
    return True


def _curves_parquet(path: Path, traces: Iterator[tuple[ResultKey, Trace]]) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = None
    schema: Any = None
    for group in _grouped(traces):
        if writer is None:
            names = group[0][1].columns
            numbers = [(name, pa.float64()) for name in names]
            schema = pa.schema([("id", pa.string()), ("pass", pa.string()), *numbers])
            writer = pq.ParquetWriter(path, schema, compression="zstd")
        writer.write_table(pa.table(_columns(group, names), schema))
    if writer is not None:
        writer.close()
    return writer is not None


def _columns(group: Sequence[tuple[ResultKey, Trace]], names: Sequence[str]) -> dict[str, Any]:
    import numpy as np

    def column(name: str) -> Any:
        parts = [
            np.asarray(trace[name]) if name in trace.columns else np.full(len(trace), np.nan) for _, trace in group
        ]
        return np.concatenate(parts)

    lengths = [len(trace) for _, trace in group]
    keys = {
        "id": np.repeat([key.id for key, _ in group], lengths),
        "pass": np.repeat([key.pass_ for key, _ in group], lengths),
    }
    return keys | {name: column(name) for name in names}


def _grouped(traces: Iterator[tuple[ResultKey, Trace]]) -> Iterator[list[tuple[ResultKey, Trace]]]:
    group: list[tuple[ResultKey, Trace]] = []
    rows = 0
    for item in traces:
        group.append(item)
        rows += len(item[1])
        if rows >= _ROWS:
            yield group
            group, rows = [], 0
    if group:
        yield group
