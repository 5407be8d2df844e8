"""Checks that a problem's derivatives are those of its values. Shapes: n parameters, m residuals."""

from __future__ import annotations

import torch
from torch import Tensor

from optbench.testing.framework import CheckFailed, DoesNotApply, Subject, require
from optbench.testing.problems_differences import departing_entry, departure, slope
from optbench.testing.problems_rig import Rig, told

_EXACT = 1e-9  # relative: two exact ways to one number in float64
_SMALL, _LARGE = 100, 3000  # parameters up to which a check forms a Hessian: by autograd, and by the problem itself
_FLAT = 1e-6  # what may be left of the slope at a minimum along a line


def check_gradient(subject: Subject) -> None:
    """Compare it with autograd of the value, where that is possible, and with differences of the value."""
    rig = Rig.build(subject)
    require("gradient" in rig.derivatives.offers(), "it declares a gradient, and has none")
    generator = torch.Generator().manual_seed(2)
    for x in rig.points():
        for batch in rig.batches():
            gradient = rig.function("gradient", batch)(x)
            _compare_with_autograd(rig, x, batch, gradient)
            found = departure(rig.function("value", batch), gradient, x, generator)
            require(found is None, f"gradient{told(batch)}{found}{rig.at('gradient')}")


def _compare_with_autograd(rig: Rig, x: Tensor, batch: Tensor | None, gradient: Tensor) -> None:
    """Compare entry by entry, which finds a wrong one however small."""
    expected = rig.autograd(x, batch)
    if expected is None:
        return
    difference = (gradient - expected).abs()
    index = int(difference.argmax())
    require(
        float(difference[index]) <= _EXACT * (1.0 + float(expected.abs().max())),
        f"gradient{told(batch)}[{index}]: expected {float(expected[index]):.9g} by autograd of value, "
        f"got {float(gradient[index]):.9g}{rig.at('gradient')}",
    )


def check_value_and_gradient(subject: Subject) -> None:
    """Compare what comes together with what comes alone."""
    rig = Rig.build(subject)
    for x in rig.points():
        for batch in rig.batches():
            value, gradient = rig.evaluate("value_and_gradient", x, batch)
            alone = rig.evaluate("value", x, batch)
            _require_close(
                value, alone, f"value_and_gradient gives another value{told(batch)} than value", rig, "value"
            )
            if rig.owns("gradient"):
                own = rig.problem.gradient(x, batch=batch) if rig.stochastic else rig.problem.gradient(x)
                message = f"value_and_gradient gives another gradient{told(batch)} than gradient"
                _require_close(gradient, own, message, rig, "gradient")


def check_hessian_vector(subject: Subject) -> None:
    """Compare products with differences of the gradient."""
    rig = Rig.build(subject)
    require("hessian_vector" in rig.derivatives.offers(), "it declares Hessian-vector products, and has none")
    generator = torch.Generator().manual_seed(3)
    for x in rig.points():
        for batch in rig.batches():
            direction = torch.randn(rig.n, generator=generator, dtype=x.dtype)
            product = rig.evaluate("hessian_vector", x, direction, batch)
            found = departing_entry(rig.function("true gradient", batch), product, x, direction)
            require(found is None, f"hessian_vector{told(batch)}{found}{rig.at('hessian_vector')}")


def check_hessian(subject: Subject) -> None:
    """Compare it with differences of the gradient, and with its own transpose."""
    rig = Rig.build(subject)
    require("hessian" in rig.derivatives.offers(), "it declares a Hessian, and has none")
    if rig.n > (_LARGE if rig.owns("hessian") else _SMALL):
        raise DoesNotApply(f"with {rig.n} parameters it is too large for a Hessian in a check")
    generator = torch.Generator().manual_seed(4)
    for x in rig.points():
        for batch in rig.batches():
            hessian = rig.evaluate("hessian", x, batch)
            _require_close(hessian, hessian.T, f"hessian{told(batch)} is not symmetric", rig, "hessian")
            found = departure(rig.function("true gradient", batch), hessian, x, generator)
            require(found is None, f"hessian{told(batch)}{found}{rig.at('hessian')}")


def check_residuals(subject: Subject) -> None:
    """Compare the sum of their squares with the value: f is ‖r‖² or ½‖r‖², the same everywhere."""
    rig = Rig.build(subject)
    ratios = []
    for x in rig.points():
        residuals, value = rig.evaluate("residuals", x), float(rig.evaluate("value", x))
        require(residuals.ndim == 1, f"residuals have shape {tuple(residuals.shape)}; expected (m,)")
        ratios.append(value / float(residuals.dot(residuals)))
    half = 0.5 if abs(ratios[0] - 0.5) < abs(ratios[0] - 1.0) else 1.0
    for ratio in ratios:
        matches = abs(ratio - half) <= _EXACT
        require(matches, f"value is {ratio:.9g}·‖residuals‖²; expected 1 or ½ everywhere{rig.at('residuals')}")


def check_jacobian(subject: Subject) -> None:
    """Compare it with differences of the residuals."""
    rig = Rig.build(subject)
    generator = torch.Generator().manual_seed(5)
    for x in rig.points():
        jacobian, rows = rig.evaluate("jacobian", x), len(rig.evaluate("residuals", x))
        shape = tuple(jacobian.shape)
        require(shape == (rows, rig.n), f"jacobian has shape {shape}; expected {(rows, rig.n)}{rig.at('jacobian')}")
        found = departure(rig.function("residuals"), jacobian, x, generator)
        require(found is None, f"jacobian{found}{rig.at('jacobian')}")


def check_line_minimum(subject: Subject) -> None:
    """Look at the slope and the value where the minimum is said to be."""
    rig = Rig.build(subject)
    if "line_minimum" not in rig.derivatives.offers():
        raise CheckFailed("it declares a line minimum, and has none")
    generator = torch.Generator().manual_seed(6)
    for x in rig.points():
        direction = torch.randn(rig.n, generator=generator, dtype=x.dtype)
        step = rig.evaluate("line_minimum", x, direction)
        value, there = rig.function("value"), x + step * direction
        before, after = slope(value, x, direction), slope(value, there, direction)
        left, allowed = abs(float(after.values)), _FLAT * abs(float(before.values)) + 10 * after.error
        flat = left <= allowed and float(value(there)) <= float(value(x))
        message = (
            f"line_minimum says {float(step):.9g}, where f is {float(value(there)):.9g} (before: {float(value(x)):.9g})"
        )
        require(flat, f"{message} and its slope {left:.3g}; expected 0{rig.at('line_minimum')}")


def _require_close(got: Tensor, expected: Tensor, message: str, rig: Rig, kind: str) -> None:
    """Compare two exact ways to one thing, entry by entry."""
    difference = (got - expected).abs().reshape(-1)
    index = int(difference.argmax())
    numbers = f"{float(got.reshape(-1)[index]):.9g}; expected {float(expected.reshape(-1)[index]):.9g}"
    where = f" at entry {index}" if got.ndim == 1 else f" at entry {divmod(index, got.shape[-1])}" if got.ndim else ""
    within = float(difference[index]) <= _EXACT * (1.0 + float(expected.abs().max()))
    require(within, f"{message}{where}: {numbers}{rig.at(kind)}")
