"""A trace: the event log of a trial as columns of float64, and its typed little-endian form."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

EVENT_COLUMNS = (
    "stage",
    "step",
    "value_count",
    "gradient_count",
    "hessian_vector_count",
    "hessian_count",
    "examples",
    "seconds",
    "cpu_seconds",
    "value",
    "gradient_norm",
    "residuals_count",
    "jacobian_count",
    "flops",  # model FLOPs so far, by `flops_of` of an evaluation
)
COUNT_COLUMNS = tuple(name for name in EVENT_COLUMNS if name.endswith("_count"))  # evaluations: the largest of them
SNAPSHOT_COLUMNS = (*EVENT_COLUMNS[:9], "residuals_count", "jacobian_count", "flops", "evaluations")
TIME_COLUMNS = ("seconds", "cpu_seconds")
CODEC = "f64le-columns"


@dataclass(frozen=True)
class Trace:
    """Named columns of equal length."""

    columns: tuple[str, ...]
    data: tuple[array[float], ...]  # one array("d") a column
    complete: bool = True  # False: after 2²⁰ events only improvements and log-spaced ones were kept

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.data[0]) if self.data else 0

    def __getitem__(self, name: str) -> array[float]:
        """Return one column."""
        return self.data[self.columns.index(name)]

    def rows(self) -> list[list[float]]:
        """Return the rows."""
        return [list(row) for row in zip(*self.data, strict=True)]

    def encode(self) -> bytes:
        """Return the columns one after the other as little-endian float64."""
        return b"".join(_little_endian(column).tobytes() for column in self.data)

    @classmethod
    def decode(cls, columns: Sequence[str], blob: bytes, *, complete: bool = True) -> Self:
        """Return the trace that `encode` wrote."""
        rows = len(blob) // (8 * len(columns))
        data = []
        for index in range(len(columns)):
            column = array("d")
            column.frombytes(blob[8 * rows * index : 8 * rows * (index + 1)])
            data.append(_little_endian(column))
        return cls(tuple(columns), tuple(data), complete)

    @classmethod
    def from_rows(cls, columns: Sequence[str], blob: bytes, rows: int, *, complete: bool = True) -> Self:
        """Return the trace of `rows` rows of native float64 stored one after the other."""
        flat = array("d")
        flat.frombytes(blob[: 8 * rows * len(columns)])
        return cls(tuple(columns), tuple(flat[index :: len(columns)] for index in range(len(columns))), complete)

    @classmethod
    def from_columns(cls, data: Mapping[str, Sequence[float]]) -> Self:
        """Return a trace of the given columns."""
        return cls(tuple(data), tuple(array("d", column) for column in data.values()))

    def to_json(self) -> dict[str, Any]:
        """Return `{columns, rows}` with None for what is not finite."""
        from optbench.records.canonical import finite

        return {"columns": list(self.columns), "rows": [[finite(value) for value in row] for row in self.rows()]}


def _little_endian(column: array[float]) -> array[float]:
    import sys

    if sys.byteorder == "little":
        return column
    swapped = array("d", column)
    swapped.byteswap()
    return swapped
