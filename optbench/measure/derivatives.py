"""What a problem can give: its own methods where it has them, else autograd. Shapes: n parameters, m residuals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from optbench.api import Evaluation, Layout, Problem, Refused
from optbench.api.curvature import gauss_newton_product
from optbench.api.problems import layout_views
from optbench.measure.hessians import reverse_over_reverse, widest_tensor
from optbench.numerics.scalars import multiple_of_squares

_OWN = ("residuals", "line_minimum", "gauss_newton_vector", "gradient", "hessian_vector", "hessian")


class Derivatives:
    """Every kind of evaluation of one problem, uncounted; `batch` is passed on where the problem takes minibatches."""

    def __init__(self, problem: Problem, *, takes_batch: bool) -> None:
        """Look once at what the problem has."""
        self._problem: Any = problem
        self._takes_batch = takes_batch
        self._multiple = 0  # f over ½‖r‖², 1 or 2; 0 until it is seen
        self._widest: dict[int | None, int] = {}  # largest tensor of an evaluation, by the size of the minibatch
        self._joint = getattr(problem, "value_and_gradient", None)  # looked up once: calls of it are on the clock
        self._by_tensors = getattr(problem, "value_and_gradient_tensors", None)
        self.gives_value_with_gradient = hasattr(problem, "value_and_gradient") or not hasattr(problem, "gradient")

    def offers(self) -> frozenset[Evaluation]:
        """Return the kinds that can be had."""
        own = {kind for kind in _OWN if hasattr(self._problem, kind)}
        if hasattr(self._problem, "value_and_gradient"):
            own.add("gradient")
        if "residuals" in own:
            own |= {"jacobian", "gauss_newton_vector"}
        if "hessian" in own:
            own.add("hessian_vector")
        if getattr(self._problem, "differentiable", True):
            own |= {"gradient", "hessian_vector", "hessian"}
        return frozenset({"value", *own})  # type: ignore[arg-type]  # names of kinds

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return f(x), shape ()."""
        with torch.no_grad():
            return self._call("value", x, batch=batch)

    def value_and_gradient(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return f(x) and its gradient (n,)."""
        if self._joint is not None:
            value, gradient = self._joint(x, batch=batch) if self._takes_batch else self._joint(x)
            return value.detach() if value.requires_grad else value, gradient
        if hasattr(self._problem, "gradient"):
            return self.value(x, batch), self._call("gradient", x, batch=batch)
        self._require_autograd()
        leaf = x.detach().requires_grad_(True)
        with torch.enable_grad():
            value = self._call("value", leaf, batch=batch)
            self._require_graph(value)
            (gradient,) = torch.autograd.grad(value, leaf, materialize_grads=True)
        return value.detach(), gradient

    def gradient(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor | None, Tensor]:
        """Return the gradient (n,) and, where it came along, the value before it."""
        if self.gives_value_with_gradient:
            return self.value_and_gradient(x, batch)
        return None, self._call("gradient", x, batch=batch)

    def gradient_tensors(
        self, x: Tensor, layout: Layout, batch: Tensor | None = None
    ) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        """Return the gradient as the layout's tensors and, where it came along, the value before it."""
        if self._by_tensors is None:
            value, gradient = self.gradient(x, batch)
            return value, layout_views(gradient, layout)
        value, tensors = self._by_tensors(x, batch=batch) if self._takes_batch else self._by_tensors(x)
        return value, tensors

    def hessian_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the Hessian times v (n,), by a second backward pass unless the problem gives it."""
        if hasattr(self._problem, "hessian_vector"):
            return self._call("hessian_vector", x, v, batch=batch)
        if hasattr(self._problem, "hessian"):
            return self._call("hessian", x, batch=batch) @ v
        self._require_autograd()
        leaf = x.detach().requires_grad_(True)
        with torch.enable_grad():
            value = self._call("value", leaf, batch=batch)
            self._require_graph(value)
            (gradient,) = torch.autograd.grad(value, leaf, create_graph=True, materialize_grads=True)
            if not gradient.requires_grad:  # f is linear
                return torch.zeros_like(x)
            (product,) = torch.autograd.grad(gradient, leaf, v, materialize_grads=True)
        return product.detach()

    def gauss_newton_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the Gauss-Newton matrix times v (n,): JᵀJ of the residuals where f = ½‖r‖², 2JᵀJ where f = ‖r‖²."""
        if hasattr(self._problem, "gauss_newton_vector"):
            return self._call("gauss_newton_vector", x, v, batch=batch)
        if not getattr(self._problem, "differentiable", True):
            jacobian = self.jacobian(x, batch)
            return (jacobian @ v).mul_(self._multiple_of_squares(x, batch)) @ jacobian
        half = 0.5 * self._multiple_of_squares(x, batch)

        def residuals(point: Tensor) -> Tensor:
            found: Tensor = self._call("residuals", point, batch=batch)
            self._require_graph(found, "residuals")
            return found

        return gauss_newton_product(residuals, lambda r: half * r.dot(r), x, v)

    def _multiple_of_squares(self, x: Tensor, batch: Tensor | None) -> int:
        """Return f over ½‖r‖², which is the same everywhere: looked up at the first point with residuals."""
        if self._multiple:
            return self._multiple
        residuals = self.residuals(x, batch)
        squared = float(residuals.dot(residuals))
        multiple = multiple_of_squares(float(self.value(x, batch)), squared)
        if 0 < squared < math.inf:
            self._multiple = multiple
        return multiple

    def hessian(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the Hessian (n, n), by reverse over reverse in blocks of rows unless the problem gives it."""
        if hasattr(self._problem, "hessian"):
            return self._call("hessian", x, batch=batch)
        self._require_autograd()
        x = x.detach()
        function: Callable[[Tensor], Tensor] = lambda point: self._call("value", point, batch=batch)  # noqa: E731
        examples = None if batch is None else batch.numel()
        if examples not in self._widest:
            self._widest[examples] = widest_tensor(function, x)
        return reverse_over_reverse(function, x, self._widest[examples])

    def residuals(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the residuals (m,)."""
        with torch.no_grad():
            return self._call("residuals", x, batch=batch)

    def jacobian(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the residuals' Jacobian (m, n)."""
        if hasattr(self._problem, "jacobian"):
            return self._call("jacobian", x, batch=batch)
        return torch.func.jacrev(lambda point: self._call("residuals", point, batch=batch))(x.detach())

    def gram(self, x: Tensor, name: str, batch: Tensor | None = None) -> Tensor:
        """Return the curvature (K, K) of the panel `name`."""
        with torch.no_grad():
            return self._call("gram", x, name, batch=batch)

    def line_minimum(self, x: Tensor, direction: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the minimising step along `direction`, shape ()."""
        return self._call("line_minimum", x, direction, batch=batch)

    def _call(self, method: str, *arguments: Any, batch: Tensor | None) -> Any:
        function = getattr(self._problem, method)
        return function(*arguments, batch=batch) if self._takes_batch else function(*arguments)

    def _require_autograd(self) -> None:
        if not getattr(self._problem, "differentiable", True):
            message = "the problem is made of numpy functions: no autograd, and it does not give this derivative"
            raise Refused(message)

    @staticmethod
    def _require_graph(result: Tensor, kind: str = "value") -> None:
        if not result.requires_grad:
            message = f"the problem's {kind} does not depend on x through torch operations: autograd can't follow it"
            raise ValueError(message)
