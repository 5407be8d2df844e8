"""Builds, writes and prints the report of results; shared by `suite` and `report`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.api import UserError, announce
from optbench.cli._about import named_info, plugin_info, rising
from optbench.cli._common import console
from optbench.cli._reporters import chosen_reporters
from optbench.records import Environment, ReportModel, SuiteSpec, TrialRecord
from optbench.records.text import amount

if TYPE_CHECKING:
    from optbench.cli._traces import TraceReader
    from optbench.registry import Catalogue
    from optbench.report import Info, Labelled
    from optbench.store import ResultKey, Store
    from optbench.tuning import TunedArm


WATCHED = {"figures": False, "live": True}  # options of reporters whose report is looked at while the suite runs


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
    arms: Sequence[TunedArm] = (),
    missing: int = 0,
) -> ReportModel:
    """Return the report's model; `keys` are those of the time passes by trial id, `arms` what was tuned.

    `missing` trials of `records` have no result yet.
    """
    from optbench.report import ProblemArms, build_report, label_tuned, with_tuning

    announce(f"reading the curves of {amount(len(records), 'trial')}")
    compared = ProblemArms(suite)
    labelled = compared.labelled(label_tuned(suite, records, arms))
    read = _traces(store, labelled, keys)
    optimizer_info, problem_info = _info(catalogue, labelled.records, named_info(catalogue, records))
    model = build_report(
        labelled.suite,
        labelled.records,
        events=read("events"),
        snapshots=read("snapshots"),
        environment=environment,
        command=command,
        optimizer_info=optimizer_info,
        problem_info=problem_info,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        projections=projections,
    )
    whole = json.loads(json.dumps(suite.to_json()))  # as it ran
    model = replace(model, missing=missing, suite=whole, suite_file=_text_of(suite.source))
    announce("comparing what was learned, and what tuning found")
    model = _with_learned(catalogue, model, labelled, read("snapshots"))
    return with_tuning(model, suite, list(map(compared.record, records)), list(map(compared.tuned, arms)))


def _traces(store: Store, labelled: Labelled, keys: dict[str, ResultKey]) -> Callable[[str], TraceReader]:
    """Return what reads a trace, by its name, of each record that has a result."""
    from optbench.cli._traces import TraceReader
    from optbench.report import reading_order

    order = reading_order(labelled.suite, labelled.records)
    stored = {record: keys[trial] for record in order if (trial := labelled.trial(record)) in keys}
    return lambda name: TraceReader(store, name, stored)


def _info(catalogue: Catalogue, records: Sequence[TrialRecord], named: dict[str, dict[str, Any]]) -> tuple[Info, Info]:
    """Return what plugins say of the records' optimizers, with their meta-algorithms, and of their problems.

    Both have what plugins say that options of problems name: `named`, by the trials as they were run.
    """
    specs = [record.spec for record in records]
    optimizers = plugin_info(catalogue, "optimizers", {spec.optimizer.name for spec in specs})
    around = plugin_info(catalogue, "meta-algorithms", {part.name for spec in specs for part in spec.meta_algorithms})
    return optimizers | around | named, plugin_info(
        catalogue, "problems", {spec.problem.name for spec in specs}
    ) | named


def _with_learned(catalogue: Catalogue, model: ReportModel, labelled: Labelled, snapshots: TraceReader) -> ReportModel:
    """Return the model with what metrics, stages and ablations tell."""
    from optbench.report import with_ablations, with_learning, with_stages

    suite, records = labelled.suite, labelled.records
    model = with_learning(model, suite.metrics, records, snapshots, rising(catalogue, suite.metrics))
    model = with_stages(model, suite.metrics, records, snapshots)
    switched = plugin_info(
        catalogue, "meta-algorithms", {part.name for ablation in suite.ablations for part in ablation.factor}
    )
    return with_ablations(model, suite, records, snapshots=snapshots, info=switched)


def write_reports(
    catalogue: Catalogue,
    model: ReportModel,
    folder: Path,
    names: Sequence[str] = (),
    *,
    again: bool = True,
    watched: bool = False,
    failed: list[Exception] | None = None,
) -> tuple[Path, ...]:
    """Write with each reporter named ("csv", "html(figures=false)"); where none is, with those that write by default.

    Returns the files. Unless `again`, a report that stands in the folder as it would be written is left alone. One that
    is `watched` will be written again soon: reporters with the option `figures` leave these out, those with `live`
    reload by themselves. Raises UserError where the folder can't be written. What else a reporter raises keeps no other
    one from writing: it is added to `failed`, or raised at the end where there is no such list.
    """
    from optbench.cli._kept import Kept

    written: list[Path] = []
    errors: list[Exception] = []
    chosen = [item.with_options(WATCHED) if watched else item for item in chosen_reporters(catalogue, names)]
    kept = Kept.of(folder, model, chosen)
    if not again and (files := kept.files()):
        return files
    for reporter in chosen:
        announce(f"writing {reporter.registered.name}")
        try:
            written += reporter.made()(model, folder)
        except OSError as error:
            raise unwritable(folder, error) from None
        except Exception as error:  # noqa: BLE001 -- whatever it is, the other reports and the table are wanted
            error.add_note(f"in the reporter {reporter.registered.qualified}; what the others wrote is complete")
            errors.append(error)
    if not (watched or errors):
        kept.note(written)
    if failed is None:
        raise_all(errors)
    else:
        failed += errors
    return tuple(written)


def unwritable(folder: Path, error: OSError) -> UserError:
    """Return the mistake of naming a folder that nothing can be written into."""
    return UserError(
        f"can't write the report in {folder} ({error.strerror or error})", remedy="name a folder with --out"
    )


def raise_all(errors: Sequence[Exception]) -> None:
    """Raise what reporters raised, if anything."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("several reporters failed", errors)


def report_folder(suite: str) -> Path:
    """Return where the report of a suite lies unless the user says so; a name from elsewhere leads nowhere else."""
    from optbench.report import slugs

    return Path("reports") / (suite if re.fullmatch(r"\w[\w.+-]*", suite) else slugs([suite])[0])


def print_model(model: ReportModel, written: Sequence[Path], done: str = "") -> None:
    """Print the tables of a report, then the sentence `done`, then the pages that were written."""
    from optbench.report import (
        ablation_table,
        comparison_table,
        gate_table,
        learning_table,
        remarks,
        scaling_table,
        solved_table,
        stages_table,
        terminal_table,
        tuning_table,
        two_results_table,
    )

    tables = [gate_table] if model.gates else []
    tables += [scaling_table] if model.scaling else []
    tables += [tuning_table] if model.tuned else []
    tables += [terminal_table] if model.ranking else []
    tables += [learning_table] if model.learning and not model.ranking and not model.tuned else []
    tables += [ablation_table] if model.ablations else []
    tables += [stages_table] if model.stages else []
    tables += [two_results_table] if model.two_results else []
    tables += [solved_table, comparison_table] if model.comparisons else []
    screen = console()
    for table in tables:
        screen.print(table(model, screen.width))
    for line in () if model.ranking else remarks(model):
        screen.print(line, markup=False, soft_wrap=True)
    if done:
        screen.print(done)
    for page in pages(written):
        screen.print(f"report: {page}", soft_wrap=True)


def pages(written: Sequence[Path]) -> list[Path]:
    """Return the files that are looked at first: pages that lie in no folder of another one's."""
    found = [path for path in written if path.suffix == ".html"]
    first = min((len(path.parts) for path in found), default=0)
    return [path for path in found if len(path.parts) == first]


def _text_of(source: str) -> str:
    """Return what the suite's file says now; empty where there is none any more."""
    path = Path(source)
    try:
        return path.read_text(encoding="utf-8") if path.suffix == ".toml" else ""
    except (OSError, UnicodeDecodeError):
        return ""
