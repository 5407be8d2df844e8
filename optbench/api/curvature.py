"""Products with a generalised Gauss-Newton matrix by automatic differentiation. Shapes: n parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def gauss_newton_product(
    outputs: Callable[[Tensor], Tensor], loss: Callable[[Tensor], Tensor], x: Tensor, v: Tensor
) -> Tensor:
    """Return JᵀHJv, (n,): J is the Jacobian of `outputs` at x, H the Hessian of `loss`, (), by the outputs.

    Where the loss is convex the matrix is positive semidefinite, whatever the outputs are; it is the Hessian of
    loss(outputs) where they are linear (Schraudolph, Neural Computation 14 (2002); Martens, ICML (2010)). No matrix is
    formed. J·v is the derivative of Jᵀu by u, so that no operation needs a forward mode.
    """
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        predicted = outputs(leaf)
        dual = torch.zeros_like(predicted).requires_grad_()
        (pulled,) = torch.autograd.grad(predicted, leaf, dual, create_graph=True, materialize_grads=True)
        (pushed,) = torch.autograd.grad(pulled, dual, v, materialize_grads=True)
        bent = _hessian_vector(loss, predicted.detach(), pushed)
        (product,) = torch.autograd.grad(predicted, leaf, bent, materialize_grads=True)
    return product


def _hessian_vector(loss: Callable[[Tensor], Tensor], outputs: Tensor, pushed: Tensor) -> Tensor:
    """Return the Hessian of the loss times a change of the outputs, of the outputs' shape."""
    leaf = outputs.requires_grad_()
    (slope,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True, materialize_grads=True)
    if not slope.requires_grad:  # the loss is linear
        return torch.zeros_like(pushed)
    return torch.autograd.grad(slope, leaf, pushed, materialize_grads=True)[0]
