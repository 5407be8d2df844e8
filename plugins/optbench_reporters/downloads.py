"""What a reader may take along: tables for other programs, and what measures the same again."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from optbench.records import ReportModel, ReportPart
from optbench_reporters.tables import cells_table, csv_text, results_latex, results_table

MEASURE = "evaluations"
SUITE, FILE, LOCK, PINS = "suite.json", "suite.toml", "lock.json", "constraints.txt"


@dataclass(frozen=True)
class Download:
    """A file with what it is for."""

    name: str
    about: str
    content: bytes


def downloads(model: ReportModel, target: float) -> tuple[Download, ...]:
    """Return the files of a report's folder `downloads`; none where nothing was run."""
    if not model.trials:
        return ()
    return tuple(_tables(model, target)) + tuple(_reproduction(model))


def replay(model: ReportModel) -> str:
    """Return the commands that measure what a report was made of again, plugins of others included."""
    wanted = sorted({"optbench", *_distributions(model)})
    return f"pip install -c downloads/{PINS} {' '.join(wanted)}\noptbench suite downloads/{SUITE}"


def _tables(model: ReportModel, target: float) -> Iterator[Download]:
    import pandas as pd

    if not (model.cells and model.targets):
        return
    at = f"over {MEASURE}, at a relative gap of {target:g}"
    if model.scores:
        table = results_table(model, MEASURE, target)
        yield Download("results.csv", f"the table of results, {at}", csv_text(table).encode())
        yield Download("results.tex", f"the same for LaTeX, {at}", results_latex(model, MEASURE, target).encode())
    cells = cells_table(model)
    yield Download("cells.csv", "each optimizer on each problem at each accuracy", csv_text(cells).encode())
    buffer = io.BytesIO()
    pd.DataFrame(cells.rows, columns=list(cells.headings)).to_parquet(buffer, index=False)
    yield Download("cells.parquet", "the same as Parquet", buffer.getvalue())


def _reproduction(model: ReportModel) -> Iterator[Download]:
    if model.suite_file:
        yield Download(FILE, "the suite’s file, as it is now", model.suite_file.encode())
    if model.suite:
        yield Download(SUITE, "everything that was run, every option written out", _json(_suite(model)))
    yield Download(LOCK, "the machine, the libraries and the plugins of the run", _json(_lock(model)))
    versions = {**model.environment.libraries, **_distributions(model)}
    pins = [f"{name}=={version.partition('+')[0]}" for name, version in sorted(versions.items())]
    yield Download(PINS, "the versions of the libraries, for pip", "\n".join([*pins, ""]).encode())


def _suite(model: ReportModel) -> dict[str, object]:
    """Return the suite without the folder that its file lay in, which is nobody else's business."""
    return {**model.suite, "source": PurePath(model.source).name}


def _parts(model: ReportModel) -> list[ReportPart]:
    """Return everything of plugins that was run."""
    parts = [part for arm in model.optimizers for part in arm.parts]
    return parts + [part for problem in model.problems for part in problem.parts]


def _distributions(model: ReportModel) -> dict[str, str]:
    """Return the installed packages that the plugins came from, with their versions."""
    named = (part.version.rpartition(" ") for part in _parts(model))
    return {name: version for name, _, version in named if name}


def _lock(model: ReportModel) -> dict[str, object]:
    parts = _parts(model)
    return {
        "command": model.command,
        "created": model.created,
        "environment": model.environment.to_json(),
        "fingerprint": model.environment.fingerprint,
        "plugins": {part.name: part.version for part in sorted(parts, key=lambda part: part.name)},
    }


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode()
