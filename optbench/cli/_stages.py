"""What a trial's stages cost and came to, as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optbench.records import Account, StageRecord, TrialRecord

Row = tuple[str, ...]


def stage_lines(record: TrialRecord) -> Iterator[str]:
    """Yield a line for each stage of a trial that has several, then the sums where some come before the task."""
    from optbench.records import EVALUATED, account

    if len(record.stages) < 2:
        return
    rows = [_row(stage.name, account((stage,), EVALUATED), _end(stage)) for stage in record.stages]
    if record.target_task is not None:
        rows.append(_row("the task alone", record.target_task))
        rows.append(_row("with what came before", account(record.stages, EVALUATED)))
    yield "stages"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers, end in rows:
        cells = (number.rjust(width) for number, width in zip(numbers, widths[1:], strict=False) if width)
        yield "  ".join((" ", name.ljust(widths[0]), *cells, end)).rstrip()


def _row(name: str, spent: Account, end: str = "") -> Row:
    examples = f"{spent.examples:,} examples" if spent.examples else ""
    flops = "" if spent.flops is None else f"{spent.flops:.3g} FLOPs"
    seconds = "" if spent.seconds is None else f"{spent.seconds:.3g} s"
    return name, f"{spent.evaluations:,} evaluations", examples, flops, seconds, end


def _end(stage: StageRecord) -> str:
    """Return where the stage's own objective ended, and why."""
    value = "" if stage.value is None else f"f {stage.value:.6g}"
    return ", ".join(filter(None, (value, stage.reason)))
