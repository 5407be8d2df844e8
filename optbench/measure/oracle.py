"""The counting oracle: the one door between an optimizer and a problem; counts, clocks, budgets, remembers, logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from optbench.api import Evaluation, Layout, Panel, StopTrial, UndeclaredEvaluation
from optbench.api.problems import layout_views
from optbench.measure.derivatives import Derivatives
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import BRIEF_SIZE, Ledger, StageLimits, brief
from optbench.measure.memo import Memo
from optbench.measure.place import Place
from optbench.measure.scalars import Scalars

_FORWARD_PASSES = {"value": 1, "residuals": 1, "gradient": 3, "jacobian": 3, "hessian_vector": 6, "hessian": 6}

_UNKEPT = ""  # the key of a result that depends on more than the point

_TENSORS = "gradient_tensors"  # the key of a gradient that is not gathered: a tuple

Results = dict[str, Any]


@dataclass(frozen=True)
class Books:
    """What an oracle writes to."""

    ledger: Ledger
    log: EventLog
    scalars: Scalars
    off_curve: Scalars  # of stages whose values belong to another objective: no best point, no targets


class CountingOracle:
    """An api.Oracle over one stage's problem. Only the evaluation itself is on the clock."""

    def __init__(
        self,
        problem: Any,
        *,
        place: Place,
        books: Books,
        limits: StageLimits,
        declared: frozenset[Evaluation],
        layout: Layout,
        stage: int = 0,
        stochastic: bool = False,
    ) -> None:
        """Look at the problem once; `stochastic` problems take a minibatch with every evaluation."""
        self.size: int = problem.size
        self._brief = stochastic or self.size <= BRIEF_SIZE  # logging an evaluation takes microseconds
        self.device, self.dtype, self.streams, self.layout = place.device, place.dtype, place.streams, layout
        self.batch = 0
        self._indices: Tensor | None = None
        self._derivatives = Derivatives(problem, takes_batch=stochastic)
        self._declared = declared
        offered = self._derivatives.offers()
        self.offers, self._has_gradient = offered & declared, "gradient" in offered
        self.panels: Mapping[str, Panel] = getattr(problem, "panels", {})
        self.coordinate_blocks: Sequence[slice] = getattr(problem, "coordinate_blocks", ())
        self._ledger, self._log, self._scalars = books.ledger, books.log, books.scalars
        self._limits, self._stage, self._stochastic = limits, stage, stochastic
        self._examples = int(getattr(problem, "examples", 0) or 0)
        self._flops = float(getattr(problem, "forward_flops", 0) or 0)
        self._points = int(getattr(problem, "points_per_evaluation", 1))
        self._events_before = books.log.events
        self._memo = Memo()
        self._now = books.ledger.now
        self._evaluated = 0.0  # when the last evaluation ended; what follows is off the clock
        self._from_numpy: tuple[bytes, Tensor] | None = None

    def set_batch(self, indices: Tensor | None) -> None:
        """Put a minibatch in force; only the loop calls this, before a step."""
        self.batch += 1
        self._indices = indices

    def value(self, x: Tensor) -> Tensor:
        """Return f(x), shape (); of k points (k, n), which count k, their values (k,)."""
        entered = self._now()
        if x.ndim > 1:
            return torch.stack([self.value(point) for point in x])
        result = self._ask(("value",), x, self._value, entered)["value"]
        self._back_on_clock()
        return result

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient (n,); of k points (k, n), which count k, their gradients (k, n)."""
        entered = self._now()
        if x.ndim > 1:
            return torch.stack([self.gradient(point) for point in x])
        result = self._ask(("gradient",), x, self._gradient, entered)["gradient"]
        self._back_on_clock()
        return result

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x) and the gradient, each counted unless it is remembered; k points as in `value`."""
        entered = self._now()
        if x.ndim > 1:
            values, gradients = zip(*(self.value_and_gradient(point) for point in x), strict=True)
            return torch.stack(values), torch.stack(gradients)
        results = self._ask(("value", "gradient"), x, self._value_and_gradient, entered)
        pair = results["value"], results["gradient"]
        self._back_on_clock()
        return pair

    def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the gradient as the layout's tensors, gathered only where the problem gathers it."""
        entered = self._now()
        self._evaluate(("gradient",), x, self._gradient_tensors, entered)
        tensors = self._known_tensors()
        self._back_on_clock()
        return tensors

    def residuals(self, x: Tensor) -> Tensor:
        """Return the residuals (m,)."""
        return self._ask_one("residuals", x, self._derivatives.residuals)

    def jacobian(self, x: Tensor) -> Tensor:
        """Return the residuals' Jacobian (m, n)."""
        return self._ask_one("jacobian", x, self._derivatives.jacobian)

    def hessian(self, x: Tensor) -> Tensor:
        """Return the Hessian (n, n)."""
        return self._ask_one("hessian", x, self._derivatives.hessian)

    def hessian_vector(self, x: Tensor, v: Any) -> Tensor:
        """Return the Hessian times v (n,); never remembered, since v differs."""
        self._require("hessian_vector")
        return self._product(self._derivatives.hessian_vector, x, v)

    def gauss_newton_vector(self, x: Tensor, v: Any) -> Tensor:
        """Return the Gauss-Newton matrix times v (n,); counts as one Hessian-vector product."""
        self._require("gauss_newton_vector")
        return self._product(self._derivatives.gauss_newton_vector, x, v)

    def gram(self, x: Tensor, name: str) -> Tensor:
        """Return the curvature (K, K) of the panel `name`; counts as one Hessian."""
        self._require("hessian")
        return self._once("hessian", x, lambda point: self._derivatives.gram(point, name, self._indices))

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step () that minimises f along `direction`; counts as one Hessian-vector product."""
        self._require("line_minimum")
        evaluate = lambda point: self._derivatives.line_minimum(point, direction, self._indices)  # noqa: E731
        return self._once("hessian_vector", x, evaluate)

    def known_value(self, x: Tensor) -> Tensor | None:
        """Return f(x) where it is remembered; never evaluates."""
        return self._memo.get("value") if self._memo.holds(x, self.batch) else None

    @property
    def has_evaluated(self) -> bool:
        """Whether anything was evaluated: a stage's part of the budget may be too small for that."""
        return self._log.events > self._events_before

    def value_at_end(self, x: Tensor) -> float:
        """Return f over all examples at a stage's last point, off the clock and uncounted."""
        known = None if self._stochastic else self.known_value(x)
        return float(self._derivatives.value(x, None) if known is None else known)

    # ---- one question: free where it was asked before, else evaluated on the clock

    def _ask(self, kinds: tuple[str, ...], x: Any, evaluate: Callable[[Tensor], Results], entered: float) -> Results:
        """Return what is asked."""
        results = self._evaluate(kinds, x, evaluate, entered)
        return {kind: self._known(kind) for kind in kinds} if results is None else results

    def _evaluate(
        self, kinds: tuple[str, ...], x: Any, evaluate: Callable[[Tensor], Results], entered: float
    ) -> Results | None:
        """Evaluate what was not asked for yet; None where not all of the results are new.

        `_evaluated` is set to when the clock's part of it ended.
        """
        x = self._recall(x)
        memo = self._memo
        new = kinds
        if memo.asked:
            new = tuple(kind for kind in kinds if kind not in memo.asked)
            if not new:
                self._evaluated = entered
                return None
            evaluate = self._missing(kinds, new, evaluate)
        for kind in new:
            if kind not in self._declared:
                self._require(kind)
        results = self._measure(new, x, evaluate, entered)
        return results if new is kinds else None

    def _ask_one(self, kind: str, x: Any, evaluate: Callable[[Tensor, Tensor | None], Tensor]) -> Tensor:
        entered = self._now()
        result = self._ask((kind,), x, lambda point: {kind: evaluate(point, self._indices)}, entered)[kind]
        self._back_on_clock()
        return result

    def _product(self, multiply: Callable[[Tensor, Tensor, Tensor | None], Tensor], x: Any, v: Any) -> Tensor:
        vector = torch.as_tensor(v, device=self.device, dtype=self.dtype)
        return self._once("hessian_vector", x, lambda point: multiply(point, vector, self._indices))

    def _once(self, kind: str, x: Any, evaluate: Callable[[Tensor], Tensor]) -> Tensor:
        entered = self._now()
        x = self._recall(x)
        result = self._measure((kind,), x, lambda point: {_UNKEPT: evaluate(point)}, entered)[_UNKEPT]
        self._back_on_clock()
        return result

    def _back_on_clock(self) -> None:
        """Leave out what passed since the evaluation ended."""
        ledger = self._ledger
        ledger.excluded += self._now() - self._evaluated
        if ledger.device is not None:
            ledger.device.enter()

    def _measure(
        self, kinds: tuple[str, ...], x: Tensor, evaluate: Callable[[Tensor], Results], entered: float
    ) -> Results:
        """Admit, evaluate on the clock, remember, count and log."""
        ledger, now, device = self._ledger, self._now, self._ledger.device
        if device is not None:
            device.leave()
        self._admit(kinds, entered)
        if device is not None:
            device.enter()
        started = now()
        results = evaluate(x)
        if device is not None:
            device.evaluated()
        self._evaluated = finished = now()
        finished_cpu = ledger.cpu_at(finished) if self._brief else ledger.cpu_now()
        if device is not None:
            device.leave()
        ledger.excluded += started - entered
        ledger.evaluating += finished - started
        self._remember(kinds, results)
        self._count(kinds)
        if self._write(kinds, results, x, finished - ledger.excluded, finished_cpu - ledger.cpu_excluded):
            ledger.stopped = "target"
        if device is not None:
            device.logged(self._log.last)
            if device.full:
                device.settle()
        ended = now()
        ledger.cpu_excluded += brief(ended - finished) if self._brief else ledger.cpu_now() - finished_cpu
        self._log.beat(finished - ledger.excluded, ended)
        if ledger.stopped:
            ledger.excluded += now() - finished
            raise StopTrial
        return results

    def _missing(
        self, kinds: tuple[str, ...], new: tuple[str, ...], evaluate: Callable[[Tensor], Results]
    ) -> Callable[[Tensor], Results]:
        """Return what evaluates `new`, which is what is not asked for yet of `kinds`."""
        if all(self._memo.get(kind) is not None for kind in new):
            return _nothing  # it came along with an earlier question: counted, not computed again
        if len(new) == len(kinds):
            return evaluate
        return self._gradient if new == ("gradient",) else self._value

    def _value(self, x: Tensor) -> Results:
        return {"value": self._derivatives.value(x, self._indices)}

    def _gradient(self, x: Tensor) -> Results:
        value, gradient = self._derivatives.gradient(x, self._indices)
        return {"gradient": gradient} if value is None else {"value": value, "gradient": gradient}

    def _gradient_tensors(self, x: Tensor) -> Results:
        value, tensors = self._derivatives.gradient_tensors(x, self.layout, self._indices)
        return {_TENSORS: tensors} if value is None else {"value": value, _TENSORS: tensors}

    def _value_and_gradient(self, x: Tensor) -> Results:
        value, gradient = self._derivatives.value_and_gradient(x, self._indices)
        return {"value": value, "gradient": gradient}

    # ---- budget and counts

    def _require(self, kind: Evaluation | str) -> None:
        if kind not in self._declared:
            message = f"the optimizer asked for '{kind}', its record declares {', '.join(sorted(self._declared))}"
            raise UndeclaredEvaluation(message)

    def _admit(self, kinds: tuple[str, ...], entered: float) -> None:
        ledger, limits = self._ledger, self._limits
        if not ledger.stopped:
            counts, most = ledger.counts, limits.evaluations
            for kind in kinds:
                if counts[kind] + self._points > most:
                    ledger.stopped = "evaluations"
            if entered - ledger.excluded >= limits.seconds:
                ledger.stopped = "seconds"
            elif ledger.examples >= limits.examples:
                ledger.stopped = "examples"
            elif ledger.cost >= limits.flops:
                ledger.stopped = "flops"
        if ledger.stopped:
            raise StopTrial

    def _count(self, kinds: tuple[str, ...]) -> None:
        ledger = self._ledger
        for kind in kinds:
            ledger.counts[kind] += self._points
        examples = self._points * (self._examples if self._indices is None else self._indices.numel())
        ledger.examples += examples
        if self._flops:
            ledger.cost += self._flops * examples * max(_FORWARD_PASSES[kind] for kind in kinds)

    # ---- memo of one point

    def _recall(self, x: Any) -> Tensor:
        """Return the point as a tensor, with the memo set to it."""
        point = x if isinstance(x, Tensor) else self._tensor(x)
        if not self._memo.turn_to(point, self.batch) and point.numel() != self.size:
            message = f"the oracle was asked at a point of shape {tuple(point.shape)}; expected ({self.size},)"
            raise ValueError(message)
        return point

    def _tensor(self, x: Any) -> Tensor:
        """Return a numpy point as a tensor of our own; equal bytes give the same tensor."""
        content = x.tobytes()
        if self._from_numpy is None or self._from_numpy[0] != content:
            self._from_numpy = content, torch.tensor(x, device=self.device, dtype=self.dtype)
        return self._from_numpy[1]

    def _known(self, kind: str) -> Tensor:
        result = self._memo.get(kind)
        if result is None and kind == "gradient":
            result = self._gathered()
        if result is None:
            message = f"the problem returned no {kind}"
            raise RuntimeError(message)
        return result

    def _gathered(self) -> Tensor | None:
        """Return the flat gradient of tensors that are remembered."""
        tensors = self._memo.get(_TENSORS)
        if tensors is None:
            return None
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        self._memo.keep({"gradient": flat})
        return flat

    def _known_tensors(self) -> tuple[Tensor, ...]:
        tensors: tuple[Tensor, ...] | None = self._memo.get(_TENSORS)
        return layout_views(self._known("gradient"), self.layout) if tensors is None else tensors

    def _remember(self, kinds: tuple[str, ...], results: Results) -> None:
        if _UNKEPT not in results:
            self._memo.keep(results)
            self._memo.asked += kinds

    # ---- log

    def _write(self, kinds: tuple[str, ...], results: Results, x: Tensor, seconds: float, cpu_seconds: float) -> bool:
        ledger, counts, memo = self._ledger, self._ledger.counts, self._memo
        value = results["value"] if "value" in results else memo.get("value")
        gradient = None if self._stochastic else self._whole_or_tensors(results)
        if value is None and not self._stochastic and kinds != ("hessian_vector",):
            # A method that never asks for values has its curve filled in off the clock, uncounted.
            value = self._derivatives.value(x, self._indices)
            memo.keep({"value": value})
        if gradient is None and kinds == ("jacobian",) and self._has_gradient and not self._stochastic:
            # So has a method that takes a Jacobian instead of a gradient its gradient's norm.
            gradient = self._derivatives.gradient(x, self._indices)[1]
            memo.keep({"gradient": gradient})
        before = (
            self._stage,
            ledger.steps,
            counts["value"],
            counts["gradient"],
            counts["hessian_vector"],
            counts["hessian"],
            ledger.examples,
            seconds,
            cpu_seconds,
        )
        after = counts["residuals"], counts["jacobian"], ledger.cost
        return self._scalars.logged(before, after, x, value, gradient)

    def _whole_or_tensors(self, results: Results) -> Any:
        """Return the gradient, of what was evaluated or remembered, whole or by tensors."""
        for kind in ("gradient", _TENSORS):
            gradient = results[kind] if kind in results else self._memo.get(kind)
            if gradient is not None:
                return gradient
        return None


def _nothing(_: Tensor) -> Results:
    return {}
