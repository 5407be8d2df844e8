"""Running statistics of a model, as batch normalisation has: evaluations set theirs aside, a step commits one of them.

Shapes: n parameters, k statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from optbench.api.errors import UserError
from optbench.api.problems import Layout, layout_views

_REMEMBERED = 64  # evaluations of a step: the first, and the last ones


def keeps_statistics(model: torch.nn.Module) -> bool:
    """Tell whether any module of a model keeps running statistics in its buffers.

    Torch's normalisations may, and any module whose attribute `keeps_statistics` is true. In training mode such a
    module moves its buffers in place towards the statistics of the batch, by its attribute `momentum`; in evaluation
    mode it uses them.
    """
    return bool(_keepers(model))


def _keepers(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    return {path: module for path, module in model.named_modules() if _keeps(module)}


def _keeps(module: torch.nn.Module) -> bool:
    if isinstance(module, torch.nn.modules.batchnorm._NormBase):  # noqa: SLF001 -- the base of all of torch's
        return module.running_mean is not None
    return bool(getattr(module, "keeps_statistics", False))


@dataclass(frozen=True)
class _Values:
    """One set of values, and each buffer as a view of it."""

    flat: Tensor  # (k,)
    views: tuple[Tensor, ...]


class RunningStatistics:
    """The buffers of the modules that keep statistics, as one vector (k,).

    The modules never see it while they train, but a copy, one for each evaluation since the last commit: so an
    evaluation changes nothing, and a point that is rejected leaves no trace. That costs a copy of k numbers an
    evaluation and another one a step. Which of several evaluations was at the point that a step ends at is told by sums
    over its bits, which stay on the device.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        """Take over the buffers of a model that is where it shall stay, and that has some."""
        keepers = _keepers(model)
        self._modules: list[Any] = [_uncounted(path, module) for path, module in keepers.items()]
        owned = {f"{path}.{name}": (module, name) for path, module in keepers.items() for name in _buffers(module)}
        self._places = [(module._buffers, name) for module, name in owned.values()]  # noqa: SLF001
        buffers = [module.get_buffer(name) for module, name in owned.values()]
        self.layout = _layout(owned, buffers)
        self._running = self._viewed(torch.cat([buffer.flatten() for buffer in buffers]))
        self.initial = self.values()
        self._scratch = self._viewed(self.values())
        self._aside: list[_Values] = []
        self._keys: list[Tensor] = []  # of the evaluations but the first
        self._made = 0  # evaluations since the last commit
        self._at: tuple[Tensor, int] | None = None  # the point of the last one, and its version
        self._shown: _Values | None = None

    # ---- evaluations and steps

    def turn_to(self, x: Tensor) -> None:
        """Let the forward passes that follow be an evaluation at x (n,); the last one again where x is as it was."""
        if self._at is not None and self._at[0] is x and self._at[1] == x._version:
            return
        if not _has_memory(x):  # a transform of torch.func hides it: what it computes does not outlive it
            self._at = None
            self._show(self._scratch)
            return
        values = self._next(x)
        values.flat.copy_(self._running.flat)
        self._at = x, x._version
        self._show(values)

    def _next(self, x: Tensor) -> _Values:
        """Return where an evaluation at x may set its statistics aside."""
        made = self._made
        index = made if made < _REMEMBERED else 1 + (made - 1) % (_REMEMBERED - 1)
        if index == len(self._aside):
            self._aside.append(self._viewed(torch.empty_like(self._running.flat)))
        if index:
            self._keys[index - 1 : index] = [_key(x)]
        self._made += 1
        return self._aside[index]

    def commit(self, x: Tensor) -> None:
        """Take over what was set aside at x (n,) or, where no evaluation was, at the first of them; no host sync."""
        if self._made == 1:
            self._running.flat.copy_(self._aside[0].flat)
        elif self._made > 1:
            aside = torch.stack([values.flat for values in self._aside[: self._made]])
            at_x = torch.stack(self._keys[: len(aside) - 1]) == _key(x)
            order = torch.arange(1, len(aside), device=x.device)
            self._running.flat.copy_(aside.index_select(0, (at_x * order).amax(0, keepdim=True))[0])
        self._forget()

    def values(self) -> Tensor:
        """Return a copy of the running statistics, (k,)."""
        return self._running.flat.clone()

    def restore(self, values: Tensor) -> None:
        """Go on from the statistics `values`, (k,); what was set aside is forgotten."""
        self._running.flat.copy_(values)
        self._forget()

    def _forget(self) -> None:
        self._made, self._at = 0, None
        self._keys.clear()

    # ---- forward passes that are no evaluation

    def judge_by(self, values: Tensor | None) -> None:
        """Show the modules `values` (k,), or the running statistics, for forward passes in evaluation mode."""
        self._at = None
        if values is not None:
            self._scratch.flat.copy_(values)
        self._show(self._running if values is None else self._scratch)

    def mean_over(self, passes: Iterable[Callable[[], Any]]) -> Tensor:
        """Return the mean of the statistics of forward passes, each weighing the same, (k,).

        With 1, 1/2, 1/3, … as momentum the running average is the arithmetic mean (torch.optim.swa_utils.update_bn).
        Only the modules that keep statistics are in training mode; they are left in evaluation mode.
        """
        self._at = None
        self._scratch.flat.zero_()
        self._show(self._scratch)
        momenta = [module.momentum for module in self._modules]
        try:
            for count, run in enumerate(passes, start=1):
                for module in self._modules:
                    module.train()
                    module.momentum = 1.0 / count
                run()
        finally:
            for module, momentum in zip(self._modules, momenta, strict=True):
                module.momentum = momentum
                module.eval()
        return self._scratch.flat.clone()

    # ---- the modules' side

    def _viewed(self, flat: Tensor) -> _Values:
        return _Values(flat, layout_views(flat, self.layout))

    def _show(self, values: _Values) -> None:
        """Let the modules read and write these values."""
        if values is not self._shown:
            self._shown = values
            for (buffers, name), view in zip(self._places, values.views, strict=True):
                buffers[name] = view


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Put a model in evaluation mode for a while."""
    model.eval()
    try:
        yield
    finally:
        model.train()


def _uncounted(path: str, module: Any) -> Any:
    """Return the module without torch's count of batches, which nothing but a momentum of None asks for."""
    if getattr(module, "momentum", None) is None:
        raise UserError(f"{path} keeps statistics with momentum {getattr(module, 'momentum', None)}", "a number")
    if "num_batches_tracked" in module._buffers:  # noqa: SLF001
        module.num_batches_tracked = None
    return module


def _buffers(module: torch.nn.Module) -> list[str]:
    return [name for name, _ in module.named_buffers(recurse=False)]


def _layout(names: Iterable[str], buffers: Sequence[Tensor]) -> Layout:
    layout, offset = {}, 0
    for name, buffer in zip(names, buffers, strict=True):
        layout[name] = (offset, tuple(buffer.shape))
        offset += math.prod(buffer.shape)
    return layout


def _key(x: Tensor) -> Tensor:
    """Return a sum over the bits of a point, (): exact in whatever order, so that equal points have equal sums."""
    bits = torch.int32 if x.element_size() >= 4 else torch.int16
    return x.detach().view(bits).sum(dtype=torch.int64)


def _has_memory(x: Tensor) -> bool:
    try:
        x.data_ptr()
    except RuntimeError:
        return False
    return True
