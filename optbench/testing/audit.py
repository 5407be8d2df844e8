"""Runs code on a device that this machine need not have, and sees where the host would wait for it.

The device is torch's `meta`, whose tensors have no memory; under an `Audit` each has a shadow on the CPU, on which
every operation is run too. So values are right, branches are those of a real run, and reading a value works, but is
noted with its stack. What an accelerator would refuse is refused: a CPU tensor among device tensors, a CPU generator on
the device. What it does not show: kernels that an accelerator lacks, its rounding, streams and memory.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import FrameType
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from optbench.measure.storages import leaves, storages
from optbench.testing.audit_rules import (
    FACTORISATIONS,
    crosses,
    is_cpu_generator,
    is_data_dependent,
    makes_memory,
    short,
    strangers,
    waits,
)
from optbench.testing.audit_shadows import DEVICE, Shadows, is_on_device, like
from optbench.testing.blame import Frame

Frames = tuple[Frame, ...]


@dataclass(frozen=True)
class Sync:
    """One wait of the host for the device."""

    operation: str
    frames: Frames  # outermost first


class DeviceMismatchError(RuntimeError):
    """An operation has a tensor on the device and one on the CPU; `made` is where the latter was made, if seen."""

    def __init__(self, operation: str, stranger: Tensor, made: Frames) -> None:
        """Say which operation, and what it was given."""
        self.made = made
        super().__init__(f"{operation} of a tensor on the device and one on the CPU, of shape {tuple(stranger.shape)}")


class SparseTensorError(RuntimeError):
    """An operation takes or makes a sparse tensor, which has no storage that could have a shadow."""


class Audit(TorchDispatchMode):
    """Within it, tensors on `DEVICE` compute; `syncs` are the host's waits so far, `factorisations` are counted."""

    def __init__(self) -> None:
        """Have seen nothing."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types there
        self.syncs: list[Sync] = []
        self.factorisations = 0
        self._counting = True
        self._shadows = Shadows()
        self._made: dict[int, Frames] = {}  # storages of CPU tensors -> where they came from
        self._out_of_sight = _OutOfSight()

    def __enter__(self) -> Self:
        """Begin; tensors made outside, on the device, can't be used within."""
        super().__enter__()  # type: ignore[no-untyped-call]
        self._out_of_sight.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: object) -> None:
        """End; tensors that are still alive lose their values."""
        self._out_of_sight.__exit__(*error)  # type: ignore[no-untyped-call]
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    @contextlib.contextmanager
    def uncounted(self) -> Iterator[None]:
        """Note neither waits nor factorisations for as long as it lasts."""
        before, self._counting = self._counting, False
        try:
            yield
        finally:
            self._counting = before

    def take(self) -> list[Sync]:
        """Return the waits since the last call."""
        taken, self.syncs = self.syncs, []
        return taken

    def made(self, tensor: Tensor) -> Frames:
        """Return the stack that made a CPU tensor; empty where that was not seen."""
        known = (self._made.get(storage._cdata) for storage in storages(tensor))
        return next(filter(None, known), ())

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operation on the device and on its shadows."""
        kwargs = kwargs or {}
        if not any(map(is_on_device, leaves((args, kwargs)))):
            return self._from_cpu(func(*args, **kwargs))
        name: str = func.name().partition(".")[0]
        self._refuse_mixing(name, args, kwargs)
        if self._counting:
            self.factorisations += name in FACTORISATIONS
            if waits(name, args, kwargs):
                self.syncs.append(Sync(short(name), _stack()))
        _refuse_sparse(name, (args, kwargs))
        real = func(*self._shadows.real(args), **self._shadows.real(kwargs))
        _refuse_sparse(name, real)
        fake = self._on_device(func, name, args, kwargs, real)
        self._shadows.keep(fake, real)
        return fake

    def _on_device(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], real: Any) -> Any:
        """Return what the operation gives on the device, where values are of no use; `real` is what it gave here."""
        if is_data_dependent(name, args):
            return like(real)
        if name == "aten::_to_copy" and crosses(args, kwargs) and is_on_device(args[0]):
            return self._from_cpu(real)
        if name == "aten::copy_" and not is_on_device(args[0]):
            return args[0]
        if makes_memory(func):  # torch's kernels for `meta` are slow where they are written in Python, and some lack
            return like(real)
        return func(*args, **kwargs)

    def _refuse_mixing(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if is_cpu_generator(kwargs.get("generator")):
            raise RuntimeError(
                f"{short(name)} on the device with a generator of the CPU: draw there, then move it over"
            )
        for stranger in strangers(name, args, kwargs):
            raise DeviceMismatchError(short(name), stranger, self.made(stranger))

    def _from_cpu(self, out: Any) -> Any:
        """Note where CPU tensors come from: what a later mismatch is about."""
        for item in leaves(out):
            if isinstance(item, Tensor) and item.ndim:
                for storage in storages(item):
                    if storage._cdata not in self._made:
                        self._made[storage._cdata] = _stack()
                        weakref.finalize(storage, self._made.pop, storage._cdata, None)
        return out


class _OutOfSight(TorchFunctionMode):
    """Does in the open what torch does out of sight of dispatch, or does otherwise where a tensor has no memory.

    Tensors of Python's numbers are made on the CPU and then copied. To write a tensor down the host reads it, and numpy
    can't see the device at all.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Take over the constructors and the readers; pass on the rest."""
        kwargs = dict(kwargs or {})
        if func in _READERS and is_on_device(args[0]):
            return _read(func, args[0], *args[1:])
        if func in (torch.tensor, torch.as_tensor, torch.asarray):
            device = kwargs.pop("device", None)
            made = func(*args, **kwargs)
            return made if device is None else made.to(device)
        if func in _INDEXED and is_on_device(args[0]):  # torch would make a tensor of the list on the device, unseen
            args = (args[0], _with_tensors(args[1]), *args[2:])
        if func is torch.Tensor.new_tensor:
            device = kwargs.pop("device", None) or args[0].device
            kwargs.setdefault("dtype", args[0].dtype)
            return torch.tensor(*args[1:], **kwargs).to(device)
        return func(*args, **kwargs)


_INDEXED = (torch.Tensor.__getitem__, torch.Tensor.__setitem__)
_NUMPY = (torch.Tensor.numpy, torch.Tensor.__array__)
_READERS = (*_NUMPY, torch.Tensor.__format__, torch.Tensor.__repr__)


def _refuse_sparse(name: str, values: Any) -> None:
    if any(isinstance(item, Tensor) and item.layout != torch.strided for item in leaves(values)):
        raise SparseTensorError(f"{short(name)} of a sparse tensor")


def _with_tensors(index: Any) -> Any:
    """Return an index whose lists are tensors of the CPU, which an accelerator waits for."""
    if isinstance(index, tuple):
        return tuple(map(_with_tensors, index))
    return torch.tensor(index) if isinstance(index, list) else index


def _read(func: Any, tensor: Tensor, *args: Any) -> Any:
    """Write a tensor down as CUDA's are: a number by `item`, others by a copy; refuse numpy."""
    if func in _NUMPY:
        message = "numpy() of a tensor on the device: copy it with cpu() first"
        raise TypeError(message)
    if func is torch.Tensor.__format__ and tensor.ndim == 0:
        return format(tensor.item(), *args)
    return func(tensor.cpu(), *args)


def _stack() -> Frames:
    """Return the stack above the audit, outermost first."""
    frames: list[Frame] = []
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 -- the documented way to a frame
    while frame is not None:
        frames.append(Frame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return tuple(reversed(frames))


@cache
def unusable() -> str:
    """Return why audits can't be trusted with this torch; empty where they can. Tries what the audit rests on."""
    try:
        with Audit() as audit:
            x = torch.tensor([3.0, 4.0], device=DEVICE, dtype=torch.float64)
            audit.take()
            leaf = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad((leaf * leaf).sum(), leaf)
            gradient[0].sub_(1.0)
            quiet = len(audit.take())
            numbers, total = gradient.tolist(), gradient.sum().item()
            found = (quiet, numbers, total, len(audit.take()))
    except Exception as error:  # noqa: BLE001 -- whatever another torch raises
        return f"torch {torch.__version__}: {type(error).__name__}: {error}"
    expected = (0, [5.0, 8.0], 13.0, 2)
    return "" if found == expected else f"torch {torch.__version__}: a trial gave {found} instead of {expected}"
