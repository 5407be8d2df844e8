"""What `compare` is given as A and B: a store, a run of a store, or an optimizer of a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.api import UserError
from optbench.cli._roles import by_role
from optbench.cli._stored import StoredRun, existing, latest, numbered
from optbench.records import (
    Call,
    Component,
    ExpressionError,
    Side,
    Status,
    SuiteSpec,
    TrialRecord,
    canonical_json,
    parse,
)
from optbench.records.nearest import suggestion

if TYPE_CHECKING:
    from optbench.registry import Catalogue
    from optbench.report.naming import Info
    from optbench.store import Store

_SUFFIXES = (".sqlite", ".sqlite3", ".db")
_OTHERS = "or name two stores (PATH, PATH#RUN), shards, or numbers of runs"
ALLOWED = "allowed: a store (PATH or PATH#RUN), a published shard, the number of a run, or an optimizer of a run"


@dataclass(frozen=True)
class Given:
    """One side as it was written: a store (or a shard) with perhaps a run, or (without a store) an optimizer."""

    text: str
    store: str | None = None
    run: int | None = None

    @classmethod
    def parse(cls, text: str, store: str) -> Given:
        """Return what `text` says; a number is a run of `store`. Raises UserError where a run is no number."""
        if text.isdecimal():
            return cls(text, store, int(text))
        if _is_shard(text):
            return cls(text, text)
        location, _, number = text.partition("#")
        if not ("://" in location or location.endswith(_SUFFIXES) or Path(location).is_file()):
            return cls(text)
        if number and not number.isdecimal():
            raise UserError(f"{text}: run {number!r}", "allowed: a run's number", "`optbench list runs` tells them")
        return cls(text, location, int(number) if number else None)


@dataclass(frozen=True)
class Results:
    """The scored trials of a run, without those that were skipped."""

    side: Side
    spec: SuiteSpec
    records: Sequence[TrialRecord]
    machine: str  # fingerprint: times of different ones are not compared


def read(catalogue: Catalogue, given: Given, suite: str | None) -> Results:
    """Return the results of the run that is given by its number, else of the store's last one of the suite."""
    from optbench.report import label_tuned

    location = str(given.store)
    with _opened(location) as opened:
        stored = latest(opened, suite, location) if given.run is None else numbered(opened, given.run, location)
    results, _ = by_role(stored.spec, catalogue, stored.records)
    labelled = label_tuned(stored.spec, results.plain, results.arms)
    ran = [record for record in labelled.records if record.status is not Status.SKIPPED]
    return Results(_side(stored, location), labelled.suite, ran, stored.run.environment.fingerprint)


@contextmanager
def _opened(location: str) -> Iterator[Store]:
    """Open a store, or a published shard as one; raises UserError where there is none, or the shard has a fault."""
    from optbench.store import Store
    from optbench.store.shards import read_shard

    if not _is_shard(location):
        with Store.open(existing(location)) as store:
            yield store
        return
    shard = Path(location).resolve()
    with tempfile.TemporaryDirectory() as scratch, read_shard(shard, Path(scratch) / "run.sqlite") as store:
        yield store


def _is_shard(location: str) -> bool:
    return (Path(location) / "manifest.json").is_file()


def of_optimizer(text: str, results: Results, info: Info) -> list[TrialRecord]:
    """Return the trials of the one optimizer that a table calls `text`, or that has the names and options in it.

    Raises UserError where no optimizer of the run has them, or several have. `info` is what plugins say of themselves.
    """
    from optbench.report import arms, labels

    every = arms(results.records)
    if not every:
        raise UserError(f"{results.side.title} has no results", remedy="name another run's suite with --suite")
    names = labels([arm.parts for arm in every], info)
    named = [arm for name, arm in zip(names, every, strict=True) if name == text]
    if len(named) == 1:
        return list(named[0].trials)
    try:
        calls = parse(text)
    except ExpressionError as error:
        raise UserError(f"{text!r}: {error}", f"allowed: {_listed(names)}") from None
    fitting = [place for place, arm in enumerate(every) if _fits(calls, arm.parts)]
    if len(fitting) == 1:
        return list(every[fitting[0]].trials)
    if fitting:
        several = _listed([names[place] for place in fitting])
        raise UserError(f"{text!r} is several of the run's optimizers", several, "write one of these")
    raise UserError(
        f"{text!r} is no optimizer of the run", suggestion(text, names) or f"it has {_listed(names)}", _OTHERS
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _fits(calls: Sequence[Call], parts: Sequence[Component]) -> bool:
    return len(calls) == len(parts) and all(
        call.name in {part.name, part.short}
        and all(
            key in part.options and canonical_json(part.options[key]) == canonical_json(value)
            for key, value in call.options.items()
        )
        for call, part in zip(calls, parts, strict=True)
    )


def _side(stored: StoredRun, location: str) -> Side:
    run = stored.run
    return Side(
        title=f"{location}#{run.id}",
        suite=stored.spec.name,
        started=run.started[:16].replace("T", " "),
        machine=run.environment.machine,
        commit=run.environment.commit,
    )
