"""Optimizers that are wrong in one way each, and sound ones. Lines that a message must point to end with `# here`."""

# ruff: noqa: BLE001, NPY002 -- what is wrong here is wrong on purpose
from __future__ import annotations

import gc
import os
import random
from array import array
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from optbench import api
from optbench.api import OptimizerPlugin


class Sound:
    """Gradient descent with momentum: two vectors of state."""

    lr = 0.1

    def init(self, oracle: Any, start: Any) -> Any:
        return SimpleNamespace(point=start.clone(), momentum=torch.zeros_like(start), finished=None)

    def step(self, oracle: Any, state: Any) -> Any:
        state.momentum.mul_(0.5).add_(self.gradient(oracle, state.point))
        state.point.sub_(state.momentum, alpha=self.lr)
        return state

    def gradient(self, oracle: Any, point: Any) -> Any:
        return oracle.gradient(point)

    def restart(self, state: Any, oracle: Any, start: Any) -> Any:
        state.point.copy_(start)
        state.finished = None
        return state


class Drawing(Sound):
    """Sound, with noise from the trial's streams."""

    def init(self, oracle: Any, start: Any) -> Any:
        state = super().init(oracle, start)
        state.generator = oracle.streams("noise")
        return state

    def step(self, oracle: Any, state: Any) -> Any:
        state = super().step(oracle, state)
        noise = torch.randn(state.point.shape, generator=state.generator, dtype=torch.float64)
        state.point.add_(noise.to(state.point), alpha=1e-3)
        return state


class Owner:
    """A sound solver that owns its loop."""

    def minimize(self, oracle: Any, start: Any, observe: Any) -> Any:
        point = start.clone()
        while bool(torch.isfinite(point).all()):
            point.sub_(oracle.gradient(point), alpha=0.1)
            observe(point)
        return point


class Climbing(Sound):
    lr = -0.1


class KeepingCopies(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        state = super().step(oracle, state)
        state.copies = [*getattr(state, "copies", []), state.point.clone()]  # here
        return state


class Chaining(Sound):
    """Keeps every iterate in one partial call, which holds the one before."""

    def step(self, oracle: Any, state: Any) -> Any:
        state.undo = partial(print, getattr(state, "undo", None), state.point.clone())  # here
        return super().step(oracle, state)


class Linked(Sound):
    """Keeps every iterate in a pair with the pair before, in numpy."""

    def step(self, oracle: Any, state: Any) -> Any:
        state.undo = getattr(state, "undo", None), state.point.numpy().copy()
        return super().step(oracle, state)


class KeepingBytes(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        state.copies = [*getattr(state, "copies", []), state.point.numpy().tobytes()]
        return super().step(oracle, state)


class KeepingNumbers(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        state.copies = [*getattr(state, "copies", []), state.point.tolist()]
        return super().step(oracle, state)


class KeepingAnArray(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        state.copies = getattr(state, "copies", array("d"))
        state.copies.extend(state.point.tolist())
        return super().step(oracle, state)


class KeepingALog(Sound):
    """Sound: a number a step."""

    def step(self, oracle: Any, state: Any) -> Any:
        state.log = [*getattr(state, "log", []), 1.0]
        return super().step(oracle, state)


KEPT: list[Any] = []


class KeepingCopiesInTheModule(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        KEPT.append(state.point * 1)  # here
        return super().step(oracle, state)


class KeepingArraysInTheClass(Sound):
    seen: list[Any] = []  # noqa: RUF012 -- shared by all, which is the mistake

    def step(self, oracle: Any, state: Any) -> Any:
        self.seen.append(state.point.numpy().copy())
        return super().step(oracle, state)


class KeepingCopiesElsewhere(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        api.kept = [*getattr(api, "kept", []), state.point * 1]  # type: ignore[attr-defined]  # here
        return super().step(oracle, state)


class BehindTheBack(Sound):
    def gradient(self, oracle: Any, point: Any) -> Any:
        problem = oracle._derivatives._problem
        problem.value(point)  # here
        return super().gradient(oracle, point)


class BehindAutograd(Sound):
    """Sound in what it asks; its backward pass asks the objective, too."""

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, point: Any, problem: Any) -> Any:
            ctx.problem, ctx.point = problem, point
            return point.sum()

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            ctx.problem.value(ctx.point.detach())  # here
            return gradient.expand_as(ctx.point), None

    def gradient(self, oracle: Any, point: Any) -> Any:
        leaf = point.detach().clone().requires_grad_()
        self.Doubled.apply(leaf, oracle._derivatives._problem).backward()
        return super().gradient(oracle, point)


class ThroughTheOraclesParts(Sound):
    def gradient(self, oracle: Any, point: Any) -> Any:
        return oracle._derivatives.gradient(point)[1]  # here


class AroundTheWrapper(Sound):
    """Asks whatever problem it finds behind the problem that the oracle holds."""

    def gradient(self, oracle: Any, point: Any) -> Any:
        problem = oracle.value.__self__._derivatives._problem
        for held in [*vars(problem).values(), problem]:
            if hasattr(held, "hessian"):
                held.hessian(point)  # here
        return super().gradient(oracle, point)


class Late(Sound):
    """Sound for thirty steps."""

    def step(self, oracle: Any, state: Any) -> Any:
        state.steps = getattr(state, "steps", 0) + 1
        if state.steps == 30:
            self.late(oracle, state)
        return super().step(oracle, state)

    def late(self, oracle: Any, state: Any) -> None:
        """Do what is wrong."""


class FindingTheProblem(Late):
    def late(self, oracle: Any, state: Any) -> None:
        for thing in gc.get_objects():
            if type(thing).__name__ == "Quadratic" and thing.size == state.point.numel():  # others may still live
                thing.value(state.point)  # here


class WritingIntoTheStartLate(Late):
    def init(self, oracle: Any, start: Any) -> Any:
        self.start = start
        return super().init(oracle, start)

    def late(self, oracle: Any, state: Any) -> None:
        self.start.add_(1)  # here


class WritingIntoTheGradientLate(Late):
    def late(self, oracle: Any, state: Any) -> None:
        oracle.gradient(state.point + 1).zero_()  # here


class AskingMoreLate(Late):
    def late(self, oracle: Any, state: Any) -> None:
        oracle.hessian(state.point)  # here


class SwallowingLate(Late):
    def gradient(self, oracle: Any, point: Any) -> Any:
        try:
            return oracle.gradient(point)  # here
        except BaseException:
            if self.settled:
                return torch.zeros_like(point)
            raise

    settled = False

    def late(self, oracle: Any, state: Any) -> None:
        self.settled = True


class SeedingGlobally(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        torch.manual_seed(0)  # here
        return super().init(oracle, start)


class SeedingAnAccelerator(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        torch.cuda.manual_seed_all(3)  # here
        return super().init(oracle, start)


class FlushingDenormals(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        torch.set_flush_denormal(True)  # here
        return super().init(oracle, start)


class SettingTheEnvironment(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        os.environ["OMP_NUM_THREADS"] = "7"  # here
        return super().init(oracle, start)


class PinningItself(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # here
        return super().init(oracle, start)


class StoppingTheCollector(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        gc.disable()  # here
        return super().init(oracle, start)


class LookingForAnomalies(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        torch.autograd.set_detect_anomaly(True)  # here
        return super().init(oracle, start)


class DrawingGlobally(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        self.lr = 0.1 + 0.001 * np.random.rand()  # here
        return super().step(oracle, state)


class Unrepeatable(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        self.lr = 0.1 + 1e-3 * random.SystemRandom().random()
        return super().step(oracle, state)


class ChangingTheDefault(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        torch.set_default_dtype(torch.float64)  # here
        return super().init(oracle, start)


class KeepingSquare(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        state = super().init(oracle, start)
        state.square = torch.outer(start, start)  # here
        return state


class KeepingSquareLate(Late):
    def late(self, oracle: Any, state: Any) -> None:
        state.square = torch.outer(state.point, state.point)  # here


class PeakingSquareLate(Late):
    def late(self, oracle: Any, state: Any) -> None:
        torch.outer(state.point, state.point).sum()  # here


class PeakingSquare(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        torch.outer(state.point, state.point).sum()  # here
        return super().step(oracle, state)


class WritingIntoTheStart(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        state = super().init(oracle, start)
        state.point = start
        return state

    def step(self, oracle: Any, state: Any) -> Any:
        state.momentum.mul_(0.5).add_(oracle.gradient(state.point))
        state.point.sub_(state.momentum, alpha=self.lr)  # here
        return state


class WritingIntoTheGradient(Sound):
    def gradient(self, oracle: Any, point: Any) -> Any:
        gradient = oracle.gradient(point)
        gradient *= 0.5  # here
        return gradient


class Swallowing(Sound):
    def gradient(self, oracle: Any, point: Any) -> Any:
        try:
            return oracle.gradient(point)  # here
        except BaseException:
            return torch.zeros_like(point)


class SwallowingOwner(Owner):
    def minimize(self, oracle: Any, start: Any, observe: Any) -> Any:
        try:
            return super().minimize(oracle, start, observe)
        except BaseException:
            return start.clone()


class SilentOwner(Owner):
    def minimize(self, oracle: Any, start: Any, observe: Any) -> Any:
        return start - 0.5 * oracle.gradient(start)


class AskingMore(Sound):
    def gradient(self, oracle: Any, point: Any) -> Any:
        try:
            return oracle.hessian(point) @ point  # here
        except Exception:
            return super().gradient(oracle, point)


class Upcasting(Sound):
    def gradient(self, oracle: Any, point: Any) -> Any:
        wide = super().gradient(oracle, point).double()  # here
        return wide.to(point.dtype)


class PublishingWide(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        gradient = oracle.gradient(state.point.to(oracle.dtype))
        state.point = state.point.double() - 0.1 * gradient.double()
        return state


class Crashing(Sound):
    def step(self, oracle: Any, state: Any) -> Any:
        import ctypes

        ctypes.string_at(0)  # here


class AfraidOfNan(Sound):
    def gradient(self, oracle: Any, point: Any) -> Any:
        gradient = super().gradient(oracle, point)
        if not bool(gradient.isfinite().all()):
            raise FloatingPointError("what is this?")  # here
        return gradient


class WantingTwo(Sound):
    def init(self, oracle: Any, start: Any) -> Any:
        start[1]  # here
        return super().init(oracle, start)


class Talkative(Sound):
    def step(self, oracle: Any, state: Any) -> Any:  # here
        state.finished = "done"
        return super().step(oracle, state)


class Forgetful(Sound):
    def restart(self, state: Any, oracle: Any, start: Any) -> Any:  # here
        return state


def record(cls: type, **fields: Any) -> OptimizerPlugin:
    """Return a record of a planted class, which declares nothing but what it must."""
    usual: dict[str, Any] = {"evaluations": frozenset({"gradient"}), "summary": "Planted."}
    return OptimizerPlugin(name=cls.__name__.lower(), factory=f"{__name__}:{cls.__name__}", **{**usual, **fields})
