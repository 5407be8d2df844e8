"""Writes the reports of stored results; shared by `suite` and `report`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.records import Environment, ReportModel, SuiteSpec, Trace, TrialRecord

if TYPE_CHECKING:
    from optbench.registry import Catalogue
    from optbench.store import ResultKey, Store


def build_model(
    catalogue: Catalogue,
    store: Store,
    *,
    suite: SuiteSpec,
    records: Sequence[TrialRecord],
    keys: dict[str, ResultKey],
    environment: Environment,
    command: str,
    projections: Sequence[TrialRecord] = (),
) -> ReportModel:
    """Return the report's model; `keys` are those of the time passes by trial id."""
    from optbench.report import build_report

    def read(name: str) -> Any:
        def trace(trial: str) -> Trace | None:
            key = keys.get(trial)
            return None if key is None else store.trace(key, name)

        return trace

    return build_report(
        suite,
        records,
        events=read("events"),
        snapshots=read("snapshots"),
        environment=environment,
        command=command,
        optimizer_info=_info(catalogue, "optimizers", {record.spec.optimizer.name for record in records}),
        problem_info=_info(catalogue, "problems", {record.spec.problem.name for record in records}),
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        projections=projections,
    )


def write_reports(
    catalogue: Catalogue, model: ReportModel, folder: Path, names: Sequence[str] = ()
) -> tuple[Path, ...]:
    """Write with each reporter named, all that are installed where none is; returns the files.

    Raises UserError where the folder can't be written.
    """
    from optbench.api import UserError
    from optbench.registry import resolve_factory
    from optbench.runner.jobs import defaults

    written: list[Path] = []
    for name in names or catalogue.names("reporters"):
        registered = catalogue.get("reporters", name)
        reporter = resolve_factory(registered.record.factory)(**defaults(registered))
        try:
            written += reporter(model, folder)
        except OSError as error:
            given = f"can't write the report in {folder} ({error.strerror or error})"
            raise UserError(given, "a folder that can be written", "name one with --out") from None
    return tuple(written)


def _info(catalogue: Catalogue, kind: str, names: set[str]) -> dict[str, dict[str, Any]]:
    """Return what plugins say of themselves; a plugin that is gone since the results were stored says nothing."""
    from optbench.api import UserError
    from optbench.registry import default_options

    info = {}
    for name in names:
        try:
            registered = catalogue.get(kind, name)
        except UserError:
            continue
        record = registered.record
        info[name] = {
            "family": registered.plugin,
            "summary": record.summary,
            "cite": record.cite,
            "kind": getattr(record, "kind", ""),
            "state_memory": getattr(record, "state_memory", ""),
            "peak_memory": getattr(record, "peak_memory", ""),
            "defaults": default_options(registered),
        }
    return info
