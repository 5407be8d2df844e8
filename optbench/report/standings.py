"""What a published folder's index tells of a run."""

from __future__ import annotations

from statistics import median_low

from optbench.records import FAILED, ReportModel, Score, SiteRun, Standing

HEADLINE = 1e-5  # the accuracy that costs are counted to, or the nearest that the suite has


def site_run(model: ReportModel, name: str, started: str) -> SiteRun:
    """Return the run of a report; `name` is its shard's."""
    target = model.target_near(HEADLINE) if model.targets else None
    environment = model.environment
    return SiteRun(
        id=name,
        suite=model.name,
        title=model.title,
        started=started,
        machine=environment.machine,
        fingerprint=environment.fingerprint,
        processor=f"{environment.cpu}, {environment.cores} cores",
        libraries=environment.libraries,
        commit=environment.commit,
        command=model.command,
        budget=model.budget,
        target=target,
        problems=tuple(f"{item.expression} [{item.device}, {item.dtype}]" for item in model.problems),
        trials=model.trials,
        failed=sum(cell.statuses.get(status, 0) for cell in model.cells for status in FAILED),
        standings=tuple(_standing(model, item.id, target) for item in model.optimizers),
    )


def _standing(model: ReportModel, optimizer: str, target: float | None) -> Standing:
    item = next(item for item in model.optimizers if item.id == optimizer)
    counts, clock = (_score(model, optimizer, measure, target) for measure in ("evaluations", "seconds"))
    states = [cell.state_bytes for cell in model.cells if cell.optimizer == optimizer and cell.state_bytes is not None]
    return Standing(
        optimizer=item.label,
        key=item.expression,
        solved=counts.hits / counts.trials if counts is not None and counts.trials else None,
        evaluations=None if counts is None else counts.mean,
        seconds=None if clock is None else clock.mean,
        state_bytes=float(median_low(states)) if states else None,
    )


def _score(model: ReportModel, optimizer: str, measure: str, target: float | None) -> Score | None:
    if target is None:
        return None
    return next((score for score in model.scores_at(measure, target) if score.optimizer == optimizer), None)
