"""Checks that a problem's derivatives are those of its values. Shapes: n parameters, m residuals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from optbench.numerics.scalars import multiple_of_squares
from optbench.testing.framework import CheckFailed, DoesNotApply, Subject, require
from optbench.testing.problems_agreement import Pair, require_agreement
from optbench.testing.problems_differences import Departure, departing_column, departing_entry, departure, slope
from optbench.testing.problems_rig import Rig, told
from optbench.testing.trials import place

_EXACT = 1e-9  # relative: two exact ways to one number in float64
_SMALL, _LARGE = 100, 3000  # parameters up to which a check forms a Hessian: by autograd, and by the problem itself
_FLAT = 1e-6  # what may be left of the slope at a minimum along a line


def check_gradient(subject: Subject) -> None:
    """Compare it with autograd of the value, where that is possible, and with differences of the value."""
    rig = Rig.build(subject)
    require("gradient" in rig.derivatives.offers(), "it declares a gradient, and has none")
    require_agreement(_beside_autograd(rig, [*rig.points(), *rig.points_below()]))
    generator = torch.Generator().manual_seed(2)
    for x, thorough in _points(rig):
        for batch in rig.batches():
            gradient = rig.function("gradient", batch)(x)
            found = _departure(rig.function("value", batch), gradient, x, generator, thorough=thorough)
            require(found is None, f"gradient{told(batch)}{found}{rig.at('gradient')}")
    single = Rig.build(subject, place(dtype=torch.float32))
    require_agreement(_beside_autograd(single, list(single.points())), torch.float32)


def _beside_autograd(rig: Rig, points: list[Tensor]) -> Iterator[Pair]:
    """Yield the gradients at points beside those of autograd, where it can follow the value."""
    for x in points:
        for batch in rig.batches():
            expected = rig.autograd(x, batch)
            if expected is not None:
                gradient = rig.function("gradient", batch)(x)
                source = f" by autograd of value{_in(x.dtype)}"
                yield Pair(f"gradient{told(batch)}", gradient, expected, source, rig.at("gradient"))


def _in(dtype: torch.dtype) -> str:
    return "" if dtype == torch.float64 else f" in {str(dtype).removeprefix('torch.')}"


def _points(rig: Rig) -> Iterator[tuple[Tensor, bool]]:
    """Yield points, and whether to look there at each coordinate by itself: at one, where they are few."""
    for index, x in enumerate([*rig.points(), *rig.points_below()]):
        yield x, index == 1 and rig.n <= _SMALL


def _departure(
    function: Callable[[Tensor], Tensor], stated: Tensor, x: Tensor, generator: torch.Generator, *, thorough: bool
) -> Departure | None:
    found = departure(function, stated, x, generator)
    return departing_column(function, stated, x) if found is None and thorough else found


def check_value_and_gradient(subject: Subject) -> None:
    """Compare what comes together with what comes alone, in float64 and in float32."""
    for dtype in (torch.float64, torch.float32):
        rig = Rig.build(subject, place(dtype=dtype))
        together = list(_together_and_alone(rig))
        require_agreement((values for values, _ in together), dtype)
        require_agreement((gradients for _, gradients in together if gradients is not None), dtype)
        if rig.owns("value_and_gradient_tensors"):
            require_agreement(_by_tensors(rig), dtype)


def _together_and_alone(rig: Rig) -> Iterator[tuple[Pair, Pair | None]]:
    """Yield the values, and the gradients where the problem gives them alone, too."""
    for x in rig.points():
        for batch in rig.batches():
            value, gradient = rig.evaluate("value_and_gradient", x, batch)
            what, source = f"value_and_gradient{told(batch)}: ", f" as it comes alone{_in(x.dtype)}"
            at, own = rig.at("value_and_gradient"), None
            values = Pair(f"{what}value", value, rig.evaluate("value", x, batch), source, at)
            if rig.owns("gradient"):
                alone = rig.problem.gradient(x, batch=batch) if rig.stochastic else rig.problem.gradient(x)
                own = Pair(f"{what}gradient", gradient, alone, source, at)
            yield values, own


def _by_tensors(rig: Rig) -> Iterator[Pair]:
    """Yield values and gradients that come by tensors, gathered, beside the flat ones."""
    layout, kind = rig.start().layout, "value_and_gradient_tensors"
    for x in rig.points():
        for batch in rig.batches():
            expected = rig.evaluate("value_and_gradient", x, batch)
            value, tensors = rig.evaluate("gradient_tensors", x, layout, batch)
            got = value, torch.cat([tensor.reshape(-1) for tensor in tensors])
            for name, ours, theirs in zip(("value", "gradient"), got, expected, strict=True):
                yield Pair(f"{kind}{told(batch)}: {name}", ours, theirs, " as it comes flat", rig.at(kind))


def check_hessian_vector(subject: Subject) -> None:
    """Compare products with differences of the gradient."""
    rig = Rig.build(subject)
    require("hessian_vector" in rig.derivatives.offers(), "it declares Hessian-vector products, and has none")
    generator = torch.Generator().manual_seed(3)
    for x, _ in _points(rig):
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
    for x, thorough in _points(rig):
        for batch in rig.batches():
            hessian = rig.evaluate("hessian", x, batch)
            require_agreement([Pair(f"hessian{told(batch)}", hessian, hessian.T, " by symmetry", rig.at("hessian"))])
            gradient = rig.function("true gradient", batch)
            found = _departure(gradient, hessian, x, generator, thorough=thorough)
            require(found is None, f"hessian{told(batch)}{found}{rig.at('hessian')}")


def check_residuals(subject: Subject) -> None:
    """Compare the sum of their squares with the value: f is ‖r‖² or ½‖r‖², the same everywhere."""
    rig = Rig.build(subject)
    ratios = []
    for x in rig.points():
        residuals, value = rig.evaluate("residuals", x), float(rig.evaluate("value", x))
        require(residuals.ndim == 1, f"residuals have shape {tuple(residuals.shape)}; expected (m,)")
        squares = float(residuals.dot(residuals))
        if squares or value:
            ratios.append(value / squares if squares else math.inf)
    for ratio in ratios:
        half = 0.5 if abs(ratios[0] - 0.5) < abs(ratios[0] - 1.0) else 1.0
        matches = abs(ratio - half) <= _EXACT
        require(matches, f"value is {ratio:.9g}·‖residuals‖²; expected 1 or ½ everywhere{rig.at('residuals')}")


def check_jacobian(subject: Subject) -> None:
    """Compare it with differences of the residuals."""
    rig = Rig.build(subject)
    generator = torch.Generator().manual_seed(5)
    for x, thorough in _points(rig):
        jacobian, rows = rig.evaluate("jacobian", x), len(rig.evaluate("residuals", x))
        shape = tuple(jacobian.shape)
        require(shape == (rows, rig.n), f"jacobian has shape {shape}; expected {(rows, rig.n)}{rig.at('jacobian')}")
        found = _departure(rig.function("residuals"), jacobian, x, generator, thorough=thorough)
        require(found is None, f"jacobian{found}{rig.at('jacobian')}")


def check_gauss_newton_vector(subject: Subject) -> None:
    """Compare products with those of the residuals' Jacobian; without residuals, hold them to be of one matrix ⪰ 0."""
    rig = Rig.build(subject)
    require("gauss_newton_vector" in rig.derivatives.offers(), "it declares Gauss-Newton products, and has none")
    if rig.owns("residuals") and rig.n > _LARGE:
        raise DoesNotApply(f"with {rig.n} parameters it is too large for a Jacobian in a check")
    generator = torch.Generator().manual_seed(7)
    for x, _ in _points(rig):
        for batch in rig.batches():
            vectors = torch.randn(2, rig.n, generator=generator, dtype=x.dtype)
            products = [rig.evaluate("gauss_newton_vector", x, vector, batch) for vector in vectors]
            if rig.owns("residuals"):
                require_agreement([_beside_jacobian(rig, x, batch, vectors[0], products[0])])
            else:
                _require_semidefinite(rig, batch, vectors, products)


def _beside_jacobian(rig: Rig, x: Tensor, batch: Tensor | None, vector: Tensor, product: Tensor) -> Pair:
    """Return the product beside JᵀJv, doubled where f = ‖r‖²."""
    jacobian, residuals = rig.evaluate("jacobian", x, batch), rig.evaluate("residuals", x, batch)
    multiple = multiple_of_squares(float(rig.evaluate("value", x, batch)), float(residuals.dot(residuals)))
    expected = multiple * (jacobian.T @ (jacobian @ vector))
    at = rig.at("gauss_newton_vector")
    return Pair(f"gauss_newton_vector{told(batch)}", product, expected, " by the Jacobian", at)


def _require_semidefinite(rig: Rig, batch: Tensor | None, vectors: Tensor, products: list[Tensor]) -> None:
    one, other = vectors
    what, at = f"gauss_newton_vector{told(batch)}", rig.at("gauss_newton_vector")
    across, back = float(other.dot(products[0])), float(one.dot(products[1]))
    rounding = _EXACT * sum(float(v.norm() * g.norm()) for v, g in zip(vectors, reversed(products), strict=True))
    require(abs(across - back) <= rounding, f"{what}: w·Gv is {across:.9g}, v·Gw {back:.9g}; expected the same{at}")
    bent = float(one.dot(products[0]))
    require(bent >= -_EXACT * float(one.norm() * products[0].norm()), f"{what}: v·Gv is {bent:.9g}; expected ≥ 0{at}")


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
