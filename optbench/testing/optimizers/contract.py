"""Checks of the interface: what `init`, `step`, `restart` and `minimize` return and call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from optbench.api import Stage
from optbench.measure.ledger import Ledger
from optbench.measure.place import Place
from optbench.testing.blame import defined_at
from optbench.testing.framework import CheckFailed, DoesNotApply, Subject, require
from optbench.testing.trials import Watcher, limited, place, run
from optbench.testing.workloads import workload

_SHIFT = 0.01  # added to each coordinate
_MOVES = 10
_FINISHED = (None, "converged", "stalled", "unbounded")

Seen = Callable[[str, Any], None]  # (method, what it returned)


class Stepper:
    """Stands between the loop and an optimizer and tells what its methods return."""

    def __init__(self, inner: Any, seen: Seen) -> None:
        """Keep both."""
        self._inner, self._seen = inner, seen

    def init(self, oracle: Any, start: Tensor) -> Any:
        """Pass on."""
        return self._told("init", self._inner.init(oracle, start))

    def step(self, oracle: Any, state: Any) -> Any:
        """Pass on."""
        return self._told("step", self._inner.step(oracle, state))

    def restart(self, state: Any, oracle: Any, start: Tensor) -> Any:
        """Pass on."""
        return self._told("restart", self._inner.restart(state, oracle, start))

    def _told(self, method: str, returned: Any) -> Any:
        self._seen(method, returned)
        return returned


class Solver:
    """Stands between the loop and a solver that owns its loop, and tells what it returns."""

    def __init__(self, inner: Any, seen: Seen) -> None:
        """Keep both."""
        self._inner, self._seen = inner, seen

    def minimize(self, oracle: Any, start: Tensor, observe: Callable[[Tensor], None]) -> Any:
        """Pass on."""
        point = self._inner.minimize(oracle, start, observe)
        self._seen("minimize", point)
        return point


def watched(seen: Callable[[Ledger, str, Any], None]) -> Callable[[Any, Ledger], Any]:
    """Return what puts `seen` between the loop and the optimizer, for `trials.run`."""

    def wrap(optimizer: Any, ledger: Ledger) -> Any:
        kind = Solver if hasattr(optimizer, "minimize") else Stepper
        return kind(optimizer, lambda method, returned: seen(ledger, method, returned))

    return wrap


def check_state(subject: Subject) -> None:
    """Look at each state that `init` and `step` return: its point and its word of the end."""
    made = subject.optimizer()
    if hasattr(made, "minimize"):
        raise DoesNotApply("it owns its loop and has no state that it shows")
    for method in ("init", "step"):
        require(hasattr(made, method), f"it has neither {method}() nor minimize(){defined_at(type(made))}")
    for dtype in (torch.float32, torch.float64):
        _require_states(subject, type(made), place(dtype=dtype))


def _require_states(subject: Subject, made: type, here: Place) -> None:
    problem = workload(subject, here)
    places = {method: defined_at(getattr(made, method)) for method in ("init", "step")}

    def seen(_: Ledger, method: str, state: Any) -> None:
        at = places[method]
        for name in ("point", "finished"):
            if not hasattr(state, name):  # no `require`: to write a state down takes longer than a step
                raise CheckFailed(f"the state that {method} returns, {state!r:.60}, has no {name!r}{at}")
        _require_point(state.point, problem.size, here, f"the point of the state that {method} returns", at)
        word = state.finished
        require(word in _FINISHED, f"{method} sets finished to {word!r}; expected one of {_FINISHED}{at}")

    run(subject, problem, here, limited(evaluations=100, steps=50), wrap=watched(seen))


def check_moved(subject: Subject) -> None:
    """Move the point after each step; the next one must ask first where it is then."""
    here = place()
    run(subject, workload(subject, here), here, limited(steps=_MOVES), wrap=lambda made, _: Mover(made))


class Mover:
    """Stands between the loop and an optimizer, and writes to the point between steps."""

    def __init__(self, inner: Any) -> None:
        """Begin with nothing moved."""
        self._inner = inner
        self._moved: Tensor | None = None

    def init(self, oracle: Any, start: Tensor) -> Any:
        """Pass on."""
        return self._inner.init(oracle, start)

    def step(self, oracle: Any, state: Any) -> Any:
        """Listen to the optimizer's step, then move the point."""
        listening = _Listening(oracle)
        state = self._inner.step(listening, state)
        goes_on = self._moved is None or (listening.first is not None and torch.equal(listening.first, self._moved))
        message = "it gives movable-point, and its next step does not ask first where the point was moved to"
        require(goes_on, f"{message}{defined_at(self._inner.step)}")
        self._moved = state.point.add_(_SHIFT).clone()
        return state


class _Listening:
    """An oracle that remembers the first point that it was asked at."""

    def __init__(self, oracle: Any) -> None:
        self._oracle = oracle
        self.first: Tensor | None = None

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._oracle, name)
        if not callable(attribute) or name == "streams":
            return attribute

        def asked(x: Tensor, *rest: Any) -> Any:
            if self.first is None:
                self.first = x.detach().clone()
            return attribute(x, *rest)

        return asked


def check_minimizer(subject: Subject) -> None:
    """Count the calls of observe() and look at the point that comes back."""
    made = subject.optimizer()
    if not hasattr(made, "minimize"):
        raise DoesNotApply("the engine's loop drives it")
    here, watcher = place(), Watcher()
    problem = workload(subject, here)
    at = defined_at(type(made).minimize)

    def seen(_: Ledger, method: str, point: Any) -> None:
        _require_point(point, problem.size, here, f"what {method} returns", at)

    run(subject, problem, here, limited(evaluations=100), watcher=watcher, wrap=watched(seen))
    require(watcher.points, f"minimize never calls observe(), which it must do once an iteration{at}")


def check_restart(subject: Subject) -> None:
    """Run two stages, the second of which keeps the state and begins at a point of its own."""
    made = subject.optimizer()
    if not hasattr(made, "restart"):
        raise DoesNotApply("it has no restart()")
    here = place()
    problem = workload(subject, here)
    start = problem.start(here.streams)
    at = defined_at(type(made).restart)

    def seen(_: Ledger, method: str, state: Any) -> None:
        if method == "restart":
            begins = bool((state.point == start.parameters).all())
            require(begins, f"after restart(state, oracle, start) the state's point is not the start{at}")
            require(state.finished is None, f"after restart() the state is still finished: {state.finished!r}{at}")

    def stages(optimizer: Any) -> tuple[Stage, ...]:
        def afresh(_: Any, fresh: Any) -> Any:
            return fresh

        first = Stage(problem=problem, optimizer=optimizer, share=0.5)
        return first, Stage(problem=problem, optimizer=optimizer, share=0.5, carry=afresh, keep_state=True)

    trial = run(subject, problem, here, limited(evaluations=100), wrap=watched(seen), stages=stages)
    fell = float(problem.value(trial.points[-1])) < float(problem.value(start.parameters))
    require(fell, f"after restart() it no longer descends{at}")


def _require_point(point: Any, size: int, here: Place, what: str, at: str) -> None:
    require(isinstance(point, Tensor), f"{what} is no tensor but {type(point).__name__}{at}")
    shape, expected = tuple(point.shape), (size,)
    require(shape == expected, f"{what} has shape {shape}; expected {expected}{at}")
    require(point.dtype == here.dtype, f"{what} is in {point.dtype}; expected {here.dtype}{at}")
    require(point.device == here.device, f"{what} is on {point.device}; expected {here.device}{at}")
