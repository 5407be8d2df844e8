"""Results as plain columns, for any reader of Parquet or CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optbench.records import Call, Component, TrialRecord
from optbench.store.exact_json import dumps
from optbench.store.keys import ResultKey

_PLAIN = ("evaluations", "seconds", "f_best", "state_bytes", "peak_live_bytes", "peak_process_bytes")
_FIGURES = {"evaluations_to_": "evaluations_to_target", "seconds_to_": "seconds_to_target", "metric_": "metrics"}


def result_columns(records: Mapping[ResultKey, TrialRecord]) -> dict[str, list[Any]]:
    """Return plain columns of results, a row each, and the record as JSON.

    `task` and `arm` are the problem and the optimizer with its meta-algorithms as one writes them, with every option.
    """
    rows = list(records.items())
    return {
        "id": [key.id for key, _ in rows],
        "pass": [key.pass_ for key, _ in rows],
        "machine": [key.machine for key, _ in rows],
        "source": [key.source for key, _ in rows],
        "problem": [record.spec.problem.name for _, record in rows],
        "optimizer": [record.spec.optimizer.name for _, record in rows],
        "meta_algorithms": [[part.name for part in record.spec.meta_algorithms] for _, record in rows],
        "task": [_written(record.spec.problem) for _, record in rows],
        "arm": [_written(*record.spec.recipe) for _, record in rows],
        "seed": [record.spec.seed for _, record in rows],
        "repetition": [record.spec.repetition for _, record in rows],
        "device": [record.spec.device for _, record in rows],
        "dtype": [record.spec.dtype for _, record in rows],
        "size": [record.size for _, record in rows],
        "status": [str(record.status) for _, record in rows],
        **{name: [getattr(record, name) for _, record in rows] for name in _PLAIN},
        **_figures([record for _, record in rows]),
        "record": [dumps(record.to_json()) for _, record in rows],
    }


def _written(*parts: Component) -> str:
    return " + ".join(str(Call(part.name, part.options)) for part in parts)


def _figures(records: Sequence[TrialRecord]) -> dict[str, list[float | None]]:
    """Return a column for each target's costs and each metric; empty where a target was not reached."""
    found: dict[str, list[float | None]] = {}
    for prefix, field in _FIGURES.items():
        figures: list[Mapping[str, float | None]] = [getattr(record, field) for record in records]
        names = dict.fromkeys(name for row in figures for name in row)
        found |= {f"{prefix}{name}": [row.get(name) for row in figures] for name in names}
    return found


def write_columns(path: Path, columns: Mapping[str, Sequence[Any]]) -> Path:
    """Write what `result_columns` returns as Parquet, with the same types whatever is missing in them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = dict.fromkeys(columns, pa.string()) | dict.fromkeys(_PLAIN, pa.float64())
    types |= {name: pa.float64() for name in columns if name.startswith(tuple(_FIGURES))}
    types |= dict.fromkeys(("seed", "repetition", "size"), pa.int64()) | {"meta_algorithms": pa.list_(pa.string())}
    table = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
    pq.write_table(table, path, compression="zstd")
    return path
