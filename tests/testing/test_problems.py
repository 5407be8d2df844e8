"""A sound problem passes every check; each planted mistake is caught by the check named for it, with its place."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from optbench.api import Evaluation, FunctionProblem, Point, ProblemPlugin
from optbench.testing.framework import Finding, Subject, attempt
from optbench.testing.problems import PROBLEM_CHECKS

EVERYTHING = frozenset(get_args(Evaluation))
SIZE = 6


class Sound:
    """½‖r‖² with r = √d (x − 1)."""

    size = SIZE
    f_star: float | None = 0.0
    f_star_source = "exact"
    f_star_from_start: float | None = None

    def __init__(self, *, device: torch.device, dtype: torch.dtype, streams: Any) -> None:
        self.curvature = torch.arange(1, SIZE + 1, device=device, dtype=dtype)
        self.origin = torch.zeros(SIZE, device=device, dtype=dtype)

    def start(self, streams: Any) -> Point:
        return Point(parameters=self.origin.clone())

    def value(self, x: Tensor) -> Tensor:
        r = self.residuals(x)
        return 0.5 * r.dot(r)

    def gradient(self, x: Tensor) -> Tensor:
        return self.curvature * (x - 1)

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.value(x).detach(), self.gradient(x)

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        return self.curvature * v

    def hessian(self, x: Tensor) -> Tensor:
        return torch.diag(self.curvature)

    def residuals(self, x: Tensor) -> Tensor:
        return self.curvature.sqrt() * (x - 1)

    def jacobian(self, x: Tensor) -> Tensor:
        return torch.diag(self.curvature.sqrt())

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        return -direction.dot(self.gradient(x)) / direction.dot(self.curvature * direction)


class WrongGradient(Sound):
    def gradient(self, x: Tensor) -> Tensor:
        wrong = super().gradient(x)
        wrong[3] *= 1.001
        return wrong


class NumpyLike(Sound):
    """No autograd: differences alone must find the wrong entry."""

    differentiable = False

    def gradient(self, x: Tensor) -> Tensor:
        wrong = super().gradient(x)
        wrong[3] *= 1.001
        return wrong


class OtherJointGradient(Sound):
    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.value(x).detach() + 1, self.gradient(x)


class WrongProduct(Sound):
    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        return torch.cat((self.curvature[:-1] * v[:-1], v[-1:]))


class WrongHessian(Sound):
    def hessian(self, x: Tensor) -> Tensor:
        wrong = torch.diag(self.curvature)
        wrong[1, 4] = wrong[4, 1] = 0.01
        return wrong


class AsymmetricHessian(Sound):
    def hessian(self, x: Tensor) -> Tensor:
        wrong = torch.diag(self.curvature)
        wrong[1, 4] = 0.01
        return wrong


class WrongResiduals(Sound):
    def residuals(self, x: Tensor) -> Tensor:
        return 2 * self.curvature.sqrt() * (x - 1)

    def value(self, x: Tensor) -> Tensor:
        return 0.5 * (self.curvature * (x - 1) ** 2).sum()

    def jacobian(self, x: Tensor) -> Tensor:
        return 2 * super().jacobian(x)


class WrongJacobian(Sound):
    def jacobian(self, x: Tensor) -> Tensor:
        wrong = super().jacobian(x)
        wrong[2, 5] = 0.5
        return wrong


class UndoubledGaussNewton(Sound):
    """f is ‖r‖², so that the matrix is 2JᵀJ."""

    def value(self, x: Tensor) -> Tensor:
        r = self.residuals(x)
        return r.dot(r)

    def gauss_newton_vector(self, x: Tensor, v: Tensor) -> Tensor:
        return self.curvature * v


class LoneProduct:
    """½ Σ x²; without residuals its Gauss-Newton products stand for themselves."""

    size, f_star, f_star_source, f_star_from_start = SIZE, 0.0, "exact", None

    def __init__(self, *, device: torch.device, dtype: torch.dtype, streams: Any) -> None:
        self.origin = torch.ones(SIZE, device=device, dtype=dtype)

    def start(self, streams: Any) -> Point:
        return Point(parameters=self.origin.clone())

    def value(self, x: Tensor) -> Tensor:
        return 0.5 * x.square().sum()

    def gauss_newton_vector(self, x: Tensor, v: Tensor) -> Tensor:
        return v.clone()


class AsymmetricGaussNewton(LoneProduct):
    def gauss_newton_vector(self, x: Tensor, v: Tensor) -> Tensor:
        return v + 0.01 * v.roll(1)


class IndefiniteGaussNewton(LoneProduct):
    def gauss_newton_vector(self, x: Tensor, v: Tensor) -> Tensor:
        return -v


class WrongLineMinimum(Sound):
    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        return 0.5 * super().line_minimum(x, direction)


class MovingStart(Sound):
    def start(self, streams: Any) -> Point:
        self.origin += 0.25
        return Point(parameters=self.origin.clone())


class SharedStart(Sound):
    def start(self, streams: Any) -> Point:
        return Point(parameters=self.origin)


class SecretlyRandom(Sound):
    """Draws from its streams; the record says that the seed changes nothing."""

    def start(self, streams: Any) -> Point:
        return Point(parameters=self.origin + torch.randn(SIZE, generator=streams("start"), dtype=torch.float64))


class Unseeded(Sound):
    def start(self, streams: Any) -> Point:
        return Point(parameters=self.origin + random.SystemRandom().random())


class GloballySeeding(Sound):
    def start(self, streams: Any) -> Point:
        torch.manual_seed(0)
        return super().start(streams)


class GloballyDrawing(Sound):
    def value(self, x: Tensor) -> Tensor:
        np.random.default_rng()
        np.random.rand()  # noqa: NPY002 -- the mistake that is planted
        return super().value(x)


class Averaging(Sound):
    """Keeps a running mean, as batch normalisation does, and folds into it at once."""

    def __init__(self, **place: Any) -> None:
        super().__init__(**place)
        self.mean = torch.zeros(1)

    def value(self, x: Tensor) -> Tensor:
        self.mean += 0.1 * float(x.detach().mean()) + 0.1
        return super().value(x)

    def statistics(self) -> Tensor:
        return self.mean


class Committing(Sound):
    """Sound: each evaluation sets a number aside, of which a step folds one in."""

    def __init__(self, **place: Any) -> None:
        super().__init__(**place)
        self.mean, self.aside = torch.zeros(1), []

    def value(self, x: Tensor) -> Tensor:
        self.aside.append((x.detach().clone(), self.mean + 0.1 * float(x.detach().mean())))
        return super().value(x)

    def commit(self, x: Tensor) -> None:
        if self.aside:
            self.mean = self.chosen(x)
        self.aside.clear()

    def chosen(self, x: Tensor) -> Tensor:
        return next((mean for point, mean in self.aside if torch.equal(point, x)), self.aside[0][1])

    def statistics(self) -> Tensor:
        return self.mean

    def restore(self, statistics: Tensor) -> None:
        self.mean = statistics
        self.aside.clear()


class CommittingTheLast(Committing):
    def chosen(self, x: Tensor) -> Tensor:
        return self.aside[-1][1]


class CommittingTheFirst(Committing):
    def chosen(self, x: Tensor) -> Tensor:
        return self.aside[0][1]


class CommittingEverything(Committing):
    def chosen(self, x: Tensor) -> Tensor:
        return torch.stack([mean for _, mean in self.aside]).sum(0)


class Forgetful(Committing):
    def restore(self, statistics: Tensor) -> None:
        self.aside.clear()


class WritingIntoThePoint(Sound):
    def gradient(self, x: Tensor) -> Tensor:
        return x.sub_(1).mul_(self.curvature)


class ReusingItsBuffer(Sound):
    def gradient(self, x: Tensor) -> Tensor:
        return torch.mul(self.curvature, x - 1, out=self.__dict__.setdefault("buffer", torch.empty_like(x)))


class FalseMinimum(Sound):
    f_star = 0.5


class SourcelessMinimum(Sound):
    f_star_source = ""


class WrongShape(Sound):
    def gradient(self, x: Tensor) -> Tensor:
        return super().gradient(x)[:, None]


class WrongDtype(Sound):
    def gradient(self, x: Tensor) -> Tensor:
        return super().gradient(x).double()


class OverlappingLayout(Sound):
    def start(self, streams: Any) -> Point:
        return Point(parameters=self.origin.clone(), layout={"a": (0, (4,)), "b": (3, (3,))})


class WithoutResiduals(Sound):
    residuals = property()  # type: ignore[assignment]  # hasattr is False

    def value(self, x: Tensor) -> Tensor:
        return 0.5 * (self.curvature * (x - 1) ** 2).sum()


class OnTheCpu(Sound):
    def value(self, x: Tensor) -> Tensor:
        return super().value(x) + torch.zeros(SIZE, dtype=x.dtype).dot(x)


class WrongInFloat32(Sound):
    def gradient(self, x: Tensor) -> Tensor:
        return super().gradient(x) * (1.01 if x.dtype == torch.float32 else 1)


class OtherValueInFloat32(Sound):
    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.value(x).detach() * (2 if x.dtype == torch.float32 else 1), self.gradient(x)


class SmallAndOther(Sound):
    """In units in which the value is 1e-11."""

    def __init__(self, **place: Any) -> None:
        super().__init__(**place)
        self.curvature *= 1e-12

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return 3 * self.value(x).detach(), self.gradient(x)


class WrongNearTheMinimum(Sound):
    def gradient(self, x: Tensor) -> Tensor:
        right = super().gradient(x)
        return torch.where((x - 1).abs() < 0.3, right / 2, right)


class BadlyScaled(Sound):
    """No autograd, and the wrong entry is 1e-8 of the largest."""

    differentiable = False

    def __init__(self, **place: Any) -> None:
        super().__init__(**place)
        self.curvature = torch.tensor([1e6, 1, 1, 1, 1, 1e-2], dtype=place["dtype"], device=place["device"])

    def gradient(self, x: Tensor) -> Tensor:
        wrong = super().gradient(x)
        wrong[5] *= 1.5
        return wrong


class Barrier(Sound):
    """Sound: Σ x − log x, which is no number a step beyond its start."""

    f_star = 6.0

    def start(self, streams: Any) -> Point:
        return Point(parameters=self.origin + 1e-3)

    def value(self, x: Tensor) -> Tensor:
        return (x - x.log()).sum()

    def gradient(self, x: Tensor) -> Tensor:
        return 1 - 1 / x


class FarFromZero(Sound):
    """Sound: no autograd, and a constant that takes half of the digits."""

    differentiable = False
    f_star = 1e8

    def value(self, x: Tensor) -> Tensor:
        return 1e8 + super().value(x)

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.value(x), self.gradient(x)


class StartingAtTheMinimum(Sound):
    def start(self, streams: Any) -> Point:
        return Point(parameters=self.origin + 1)


def of_functions(*, device: torch.device, dtype: torch.dtype, streams: Any) -> FunctionProblem:
    def doubled(x: Any) -> Any:
        return 2 * x

    return FunctionProblem(size=2, start_point=[1.0, 2.0], value=lambda x: 0.5 * x @ x, gradient=doubled, numpy=True)


PLANTS = [
    (
        WrongGradient,
        "gradient-is-right",
        r"gradient\[3\]: expected -4 by autograd.*got -4.004 \(.*:\d+ in WrongGradient",
    ),
    (
        NumpyLike,
        "gradient-is-right",
        r"gradient\[3\]: expected -4 by differences, got -4.004 \(relative error 1.0e-03\) \(",
    ),
    (
        BadlyScaled,
        "gradient-is-right",
        r"gradient\[5\]: expected .* by differences, got .*\(relative error 3.3e-01\)",
    ),
    (of_functions, "gradient-is-right", r"\(.*test_problems.py:\d+ in of_functions.<locals>.doubled\)"),
    (WrongNearTheMinimum, "gradient-is-right", r"gradient\[\d\]: expected .* by autograd of value, got"),
    (WrongInFloat32, "gradient-is-right", r"gradient\[5\]: expected -6.0\d* by autograd of value in float32, got -6.0"),
    (
        OtherJointGradient,
        "value-and-gradient-agree",
        r"value: expected 10.5 as it comes alone, got 11.5 \(.*:\d+ in OtherJ",
    ),
    (
        OtherValueInFloat32,
        "value-and-gradient-agree",
        r"value: expected 10.5 as it comes alone in float32, got 21 \(",
    ),
    (SmallAndOther, "value-and-gradient-agree", r"value: expected 1.05e-11 as it comes alone, got 3.15e-11 \("),
    (WrongProduct, "hessian-vector-is-right", r"hessian_vector\[5\]: expected .*WrongProduct.hessian_vector"),
    (WrongHessian, "hessian-is-right", r"hessian\[(1, 4|4, 1)\]: expected .*e?-?\d* by differences, got 0.01 "),
    (AsymmetricHessian, "hessian-is-right", r"hessian\[1, 4\]: expected 0 by symmetry, got 0.01 \("),
    (WrongResiduals, "residuals-match-the-value", r"value is 0.125·‖residuals‖²"),
    (WrongJacobian, "jacobian-is-right", r"jacobian\[2, 5\]: expected .* got 0.5 .*WrongJacobian.jacobian"),
    (
        UndoubledGaussNewton,
        "gauss-newton-vector-is-right",
        r"gauss_newton_vector\[\d\]: expected .* by the Jacobian, got .*UndoubledGaussNewton.gauss_newton_vector",
    ),
    (AsymmetricGaussNewton, "gauss-newton-vector-is-right", r"w·Gv is .*; expected the same \(.*:\d+ in Asymm"),
    (IndefiniteGaussNewton, "gauss-newton-vector-is-right", r"v·Gv is -.*; expected ≥ 0 \(.*:\d+ in Indefinite"),
    (WrongLineMinimum, "line-minimum-is-right", r"its slope .*; expected 0 .*WrongLineMinimum.line_minimum"),
    (MovingStart, "start-repeats", r"start changes .*: entry 0 is [\d.]+ instead of [\d.]+ \(.*MovingStart.start\)$"),
    (SharedStart, "start-repeats", r"entry 0 is nan instead of 0"),
    (SecretlyRandom, "seed-only-where-declared", r"the seed changes nothing.*the start: .*SecretlyRandom.start\)$"),
    (Unseeded, "seed-only-where-declared", r"two problems of one seed differ in the start: .*Unseeded.start\)$"),
    (
        GloballySeeding,
        "leaves-global-random-state",
        r"generator of torch: draw from the streams \(.*test_problems.py:\d+ in start\)",
    ),
    (GloballyDrawing, "leaves-global-random-state", r"generator of numpy.*test_problems.py:\d+ in value\)"),
    (Averaging, "evaluations-change-nothing", r"value changes the statistics.*Averaging.value\)"),
    (CommittingTheLast, "statistics-follow-the-steps", r"at the point where a step of two ends.*Committing.commit"),
    (CommittingTheFirst, "statistics-follow-the-steps", r"at the point where a step of two ends.*Committing.commit"),
    (CommittingEverything, "statistics-follow-the-steps", r"at the point where a step of two ends.*Committing.commit"),
    (Forgetful, "statistics-follow-the-steps", r"restore doesn't bring the statistics back.*Forgetful.restore"),
    (WritingIntoThePoint, "evaluations-change-nothing", r"gradient writes into the point"),
    (ReusingItsBuffer, "evaluations-change-nothing", r"gradient writes into what it returned before"),
    (FalseMinimum, "f-star-is-a-lower-bound", r"f\* is said to be 0.5 \(exact\); a descent from the start found \d"),
    (SourcelessMinimum, "f-star-is-a-lower-bound", r"f_star is 0.0, f_star_source ''"),
    (WrongShape, "shapes-and-dtypes", r"gradient .*has shape \(6, 1\).*expected \(6,\)"),
    (WrongDtype, "shapes-and-dtypes", r"torch.float64; expected \(6,\) and torch.float32"),
    (OverlappingLayout, "shapes-and-dtypes", r"'b' begins at 3; expected 4"),
    (
        WithoutResiduals,
        "declared-evaluations-work",
        r"it declares gauss_newton_vector, jacobian, residuals, and",
    ),
    (OnTheCpu, "stays-on-the-device", r"dot of a tensor.*OnTheCpu|in value\); the CPU tensor was made at .*in value"),
]


ONLY_SOME = {"minibatches-are-fair", "panels-are-as-stated", "statistics-follow-the-steps"}


def subject_of(made: Any, **fields: Any) -> Subject:
    fields = {"evaluations": EVERYTHING, "kind": "quadratic", "random": False, **fields}
    return Subject.of_record(ProblemPlugin(name="mine", factory=f"{__name__}:{made.__name__}", summary="x", **fields))


def finding_of(check: str, subject: Subject) -> Finding:
    (chosen,) = (item for item in PROBLEM_CHECKS if item.name == check)
    assert not chosen.applies(subject)
    return attempt(chosen, subject)


@pytest.mark.parametrize(
    "check",
    [name for item in PROBLEM_CHECKS if (name := item.name) not in ONLY_SOME],
)
def test_a_sound_problem_passes(check: str) -> None:
    found = finding_of(check, subject_of(Sound))
    assert (found.status, found.message) == ("ok", "")


@pytest.mark.parametrize(
    ("made", "check"),
    [
        (Barrier, "gradient-is-right"),
        (Barrier, "value-and-gradient-agree"),
        (FarFromZero, "gradient-is-right"),
        (FarFromZero, "f-star-is-a-lower-bound"),
        (StartingAtTheMinimum, "gradient-is-right"),
        (StartingAtTheMinimum, "residuals-match-the-value"),
        (StartingAtTheMinimum, "gauss-newton-vector-is-right"),
        (LoneProduct, "gauss-newton-vector-is-right"),
        (Committing, "statistics-follow-the-steps"),
    ],
)
def test_values_that_are_hard_to_difference_are_no_mistake(made: type, check: str) -> None:
    found = finding_of(check, subject_of(made))
    assert (found.status, found.message) == ("ok", "")


@pytest.mark.parametrize(
    ("made", "check", "message"), PLANTS, ids=[f"{made.__name__}-{check}" for made, check, _ in PLANTS]
)
def test_a_mistake_is_caught_by_name_and_place(made: Any, check: str, message: str) -> None:
    found = finding_of(check, subject_of(made))
    assert found.failed
    assert re.search(message, found.message), found.message


def test_a_wrong_gradient_is_not_blamed_on_the_hessian() -> None:
    for check in ("hessian-vector-is-right", "hessian-is-right", "value-and-gradient-agree"):
        assert finding_of(check, subject_of(WrongGradient)).status == "ok"


class Centres:
    """The mean of ½(x − aᵢ)² over a minibatch of twelve centres."""

    size = 1
    examples = 12
    batch_size = 4
    f_star = None
    f_star_source = ""
    f_star_from_start = None

    def __init__(self, *, device: torch.device, dtype: torch.dtype, streams: Any) -> None:
        self.centres = torch.arange(12, device=device, dtype=dtype)

    def start(self, streams: Any) -> Point:
        return Point(parameters=torch.zeros_like(self.centres[:1]))

    def batches(self, streams: Any) -> Iterator[Tensor]:
        generator = streams("batches")
        while True:
            yield from torch.randperm(12, generator=generator).split(4)

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        centres = self.centres if batch is None else self.centres[batch]
        return 0.5 * (x - centres).square().mean()


class SumOverTheBatch(Centres):
    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        value = super().value(x, batch)
        return value if batch is None else 4 * value


class Stream(Centres):
    """Fresh centres without end, by number: U(0, 2) instead of the twelve, whose mean is 1."""

    examples = None  # type: ignore[assignment]

    def __init__(self, *, device: torch.device, dtype: torch.dtype, streams: Any) -> None:
        self.centres = 2 * torch.rand(10_000, dtype=torch.float64, generator=streams("centres")).to(device, dtype)

    def batches(self, streams: Any) -> Iterator[Tensor]:
        yield from torch.arange(10_000).split(4)

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        return 0.5 * (x - 1).square().sum() + 1 / 6 if batch is None else super().value(x, batch)


class BiasedStream(Stream):
    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        return super().value(x, batch) + (0 if batch is None else 0.2 * x.sum())


class UnseededBatches(Centres):
    def batches(self, streams: Any) -> Iterator[Tensor]:
        generator = torch.Generator()
        generator.seed()
        while True:
            yield from torch.randperm(12, generator=generator).split(4)


class FixedBatches(Centres):
    def batches(self, streams: Any) -> Iterator[Tensor]:
        while True:
            yield from torch.arange(12).split(4)


class OutOfRange(Centres):
    def batches(self, streams: Any) -> Iterator[Tensor]:
        while True:
            yield torch.randint(1, 13, (4,), generator=streams("batches")).clamp(min=12)


class Floating(Centres):
    def batches(self, streams: Any) -> Iterator[Tensor]:
        while True:
            yield torch.zeros(4)


BATCHES = [
    (SumOverTheBatch, r"mean gradient of an epoch's minibatches is .*; expected .*the full gradient's"),
    (BiasedStream, r"mean gradient of 300 minibatches is .*; expected .* ± 0.1, the full gradient's"),
    (UnseededBatches, r"differ under one seed .*UnseededBatches.batches\)"),
    (FixedBatches, r"the same under another seed"),
    (OutOfRange, r"indices from 12 to 12; there are 12 examples"),
    (Floating, r"torch.float32 of shape \(4,\); expected int64"),
]
NOISY: dict[str, Any] = {
    "gives": frozenset({"minibatches"}),
    "evaluations": frozenset({"value", "gradient"}),
    "random": True,
}


@pytest.mark.parametrize(
    "check", ["minibatches-are-fair", "gradient-is-right", "evaluations-change-nothing", "stays-on-the-device"]
)
@pytest.mark.parametrize("made", [Centres, Stream])
def test_a_sound_problem_with_minibatches_passes(made: type, check: str) -> None:
    found = finding_of(check, subject_of(made, **NOISY))
    assert (found.status, found.message) == ("ok", "")


@pytest.mark.parametrize(("made", "message"), BATCHES, ids=[made.__name__ for made, _ in BATCHES])
def test_a_mistake_in_minibatches_is_caught(made: type, message: str) -> None:
    found = finding_of("minibatches-are-fair", subject_of(made, **NOISY))
    assert found.failed
    assert re.search(message, found.message), found.message


def test_a_check_applies_to_what_is_declared() -> None:
    subject = subject_of(Sound, evaluations=frozenset({"value", "gradient"}))
    reasons = {check.name: check.applies(subject) for check in PROBLEM_CHECKS}
    assert reasons["jacobian-is-right"] == "it declares no jacobian"
    assert reasons["minibatches-are-fair"] == "it gives no minibatches"
    assert not reasons["gradient-is-right"]
