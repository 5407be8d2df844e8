"""An optimizer that is stepped by hand, in the engine's own oracle: for micro-benchmarks of a step."""

from __future__ import annotations

from typing import Any

import torch

from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger, StageLimits
from optbench.measure.oracle import Books, CountingOracle
from optbench.measure.reference import reference_seconds
from optbench.measure.scalars import Thresholds, make_scalars
from optbench.registry import Catalogue
from optbench.testing.subjects import Given, subject_of
from optbench.testing.trials import place

_EVENTS = 4096  # kept in full; later ones are thinned


class Stepper:
    """An optimizer on a full-batch problem on the CPU; nothing ends it but itself."""

    def __init__(
        self,
        optimizer: Given,
        problem: Given,
        *,
        dtype: torch.dtype = torch.float64,
        seed: int = 0,
        catalogue: Catalogue | None = None,
    ) -> None:
        """Build both and call `init`.

        Args:
            optimizer: an expression such as "lbfgs(history=5)", or a record.
            problem: likewise.
            dtype: of the parameters.
            seed: of the problem's random streams.
            catalogue: where names are looked up; by default what is installed.

        Raises:
            UserError: there is no such name, or option; the optimizer owns its loop; the problem draws minibatches.
        """
        from optbench.api import UserError

        where = place(dtype=dtype, seed=seed)
        subject = subject_of(optimizer, "optimizers", catalogue)
        self.problem = subject_of(problem, "problems", catalogue).problem(where)
        self.optimizer: Any = subject.optimizer()
        if not hasattr(self.optimizer, "step"):
            raise UserError(f"{subject.name} owns its loop", "allowed: optimizers with init and step")
        if hasattr(self.problem, "batches") and self.problem.batches(where.streams) is not None:
            raise UserError("the problem draws minibatches", "allowed: full-batch problems", "give it batch_size=0")
        start = self.problem.start(where.streams)
        log = EventLog(capacity=_EVENTS)
        scalars = make_scalars(log, Thresholds(), where, keep_best=False)
        self.ledger = Ledger()
        self.oracle = CountingOracle(
            self.problem,
            place=where,
            books=Books(self.ledger, log, scalars, scalars),
            limits=StageLimits(),
            declared=subject.declared,
            layout=start.layout,
        )
        self.state: Any = self.optimizer.init(self.oracle, start.parameters)
        self.steps = 0

    @property
    def finished(self) -> bool:
        """Whether the optimizer says that it has ended."""
        return self.state.finished is not None

    def step(self) -> None:
        """Take one step, also past the end."""
        self.state = self.optimizer.step(self.oracle, self.state)
        self.steps += 1


def benchmark_steps(benchmark: Any, stepper: Any, *, steps: int, rounds: int, warm: int) -> None:
    """Time `steps` steps of fresh steppers with pytest-benchmark; see the fixture `optbench_steps`.

    The reference kernel is timed before and after, so that what is compared is a ratio of one machine at one time.
    """

    def setup() -> tuple[tuple[Any], dict[str, Any]]:
        made = stepper()
        for _ in range(warm):
            made.step()
        return (made,), {}

    def take(made: Any) -> None:
        for _ in range(steps):
            made.step()

    before = reference_seconds()
    last = setup()[0][0]
    take(last)
    benchmark.extra_info |= {
        "steps": steps,
        "evaluations": last.ledger.evaluations / last.steps,
        "finished": last.finished,
        "size": last.problem.size,
    }
    benchmark.pedantic(take, setup=setup, rounds=rounds, iterations=1)
    benchmark.extra_info["reference_seconds"] = min(before, reference_seconds())
