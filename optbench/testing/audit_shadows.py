"""CPU memory behind tensors of the meta device, so that what runs there has values.

A meta tensor has a shape, strides and a storage, but no memory. Here each of its storages gets a shadow: real memory on
the CPU of the same size. Views, in-place updates and detached copies share a storage, and so they share its shadow.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from optbench.measure.storages import leaves

DEVICE = torch.device("meta")  # what stands for an accelerator
_CPU = torch.device("cpu")


def is_on_device(value: Any) -> bool:
    """Tell whether a tensor lies on the device, or a device is it."""
    if isinstance(value, Tensor):
        return value.device.type == DEVICE.type
    return isinstance(value, torch.device) and value.type == DEVICE.type


class Shadows:
    """The shadows of all storages that were seen and are still alive."""

    def __init__(self) -> None:
        """Know none."""
        self._memory: dict[int, torch.UntypedStorage] = {}

    def real(self, values: Any) -> Any:
        """Return the arguments of an operation for the CPU: devices are the CPU, tensors their shadows."""
        return mapped(self._real, values)

    def keep(self, fakes: Any, reals: Any) -> None:
        """Give the results of an operation their values; those that share a known storage have them already."""
        for fake, real in zip(leaves(fakes), leaves(reals), strict=True):
            if isinstance(fake, Tensor) and is_on_device(fake):
                self._keep(fake, real)

    def _real(self, value: Any) -> Any:
        if not is_on_device(value):
            return value
        return self._view(value) if isinstance(value, Tensor) else _CPU

    def _keep(self, fake: Tensor, real: Tensor) -> None:
        storage = fake.untyped_storage()
        key = storage._cdata
        if key not in self._memory:
            self._memory[key] = torch.UntypedStorage(storage.nbytes())
            weakref.finalize(storage, self._memory.pop, key, None)
            self._view(fake).copy_(real)

    def _view(self, fake: Tensor) -> Tensor:
        """Return the shadow of one tensor: the same view of the shadow of its storage."""
        memory = self._memory.get(fake.untyped_storage()._cdata)
        if memory is None:
            message = (
                f"a tensor of shape {tuple(fake.shape)} on {DEVICE} was made outside of the audit: it has no values"
            )
            raise RuntimeError(message)
        bare = torch.empty(0, dtype=fake.dtype)
        return bare.set_(memory, fake.storage_offset(), fake.size(), fake.stride())


def like(reals: Any) -> Any:
    """Return results on the device with the shapes, strides and dtypes of `reals`; what is no tensor stays."""

    def empty(real: Any) -> Any:
        if not isinstance(real, Tensor):
            return real
        return torch.empty_strided(real.size(), real.stride(), dtype=real.dtype, device=DEVICE)

    return mapped(empty, reals)


def mapped(function: Callable[[Any], Any], values: Any) -> Any:
    """Return `values` with each leaf replaced."""
    if isinstance(values, list):
        return [mapped(function, value) for value in values]
    if isinstance(values, tuple):
        return tuple(mapped(function, value) for value in values)
    if isinstance(values, dict):
        return {key: mapped(function, value) for key, value in values.items()}
    return function(values)
