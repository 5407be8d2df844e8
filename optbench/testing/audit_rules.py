"""What makes the host wait for an accelerator, and what an accelerator refuses: CUDA's rules, by operation.

Sources: torch.cuda.set_sync_debug_mode's warnings (c10/cuda), the kernels that call `item` or copy to the host, and the
documentation of torch.linalg, whose functions without `_ex` wait in order to raise.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor

from optbench.measure.storages import leaves
from optbench.testing.audit_shadows import is_on_device

# Their results' shapes or values are needed on the host: the device must be waited for.
DATA_DEPENDENT = frozenset(
    {
        "aten::_local_scalar_dense",
        "aten::equal",
        "aten::allclose",
        "aten::nonzero",
        "aten::masked_select",
        "aten::_unique2",
        "aten::unique_dim",
        "aten::unique_consecutive",
        "aten::repeat_interleave",
        "aten::bincount",
    }
)
# They wait for an error code, or iterate on the host.
_WAITING = frozenset(
    {
        "aten::_linalg_check_errors",
        "aten::_linalg_eigh",
        "aten::_linalg_svd",
        "aten::linalg_eig",
        "aten::_linalg_eigvals",
        "aten::linalg_lstsq",
    }
)
FACTORISATIONS = frozenset(
    {
        "aten::linalg_cholesky_ex",
        "aten::cholesky",
        "aten::linalg_lu_factor_ex",
        "aten::linalg_ldl_factor_ex",
        "aten::_linalg_solve_ex",
        "aten::linalg_inv_ex",
        "aten::linalg_qr",
        "aten::geqrf",
        "aten::_linalg_eigh",
        "aten::_linalg_svd",
        "aten::linalg_eig",
        "aten::_linalg_eigvals",
        "aten::linalg_lstsq",
    }
)
_COPIES = frozenset({"aten::_to_copy", "aten::copy_", "aten::_foreach_copy_"})
_INDEXING = frozenset({"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"})
_MIXING_ALLOWED = _COPIES | _INDEXING | {"aten::set_"}
_KNOWN_AS = {
    "aten::_local_scalar_dense": "item",
    "aten::_to_copy": "copy",
    "aten::_foreach_copy_": "copy",
    "aten::_linalg_check_errors": "linalg's check for errors",
    "aten::_unique2": "unique",
}


def short(name: str) -> str:
    """Return an operation's name as people know it."""
    return _KNOWN_AS.get(name) or name.partition("::")[2].strip("_").removeprefix("linalg_")


def is_data_dependent(name: str, args: tuple[Any, ...]) -> bool:
    """Tell whether an operation's result can't be had without the values."""
    return name in DATA_DEPENDENT or (name == "aten::index" and any(map(_is_mask, _indices(args))))


@cache
def makes_memory(func: Any) -> bool:
    """Tell whether an operation's results share no memory with its arguments: it makes no views and changes nothing."""
    schema = func._schema  # noqa: SLF001 -- no public name
    return not any(item.alias_info for item in (*schema.arguments, *schema.returns))


def waits(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tell whether the host waits for the device in this operation, which has an argument there."""
    if name in _COPIES:
        return crosses(args, kwargs) and not _is_asynchronous(name, args, kwargs)
    if name in _INDEXING and not _fills(name, args):
        return any(_is_mask(index) or not is_on_device(index) for index in _indices(args))
    return name in DATA_DEPENDENT or name in _WAITING


def crosses(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tell whether a copy goes from one device to another; an argument without a device stays where it is."""
    sides = [is_on_device(item) for item in leaves((args, kwargs)) if isinstance(item, Tensor | torch.device)]
    return any(sides) and not all(sides)


def strangers(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Tensor]:
    """Yield the CPU tensors that a kernel would refuse beside a device tensor: those with a dimension."""
    if name not in _MIXING_ALLOWED:
        for item in leaves((args, kwargs)):
            if isinstance(item, Tensor) and item.ndim and not is_on_device(item):
                yield item


def is_cpu_generator(value: Any) -> bool:
    """Tell whether a random generator can't draw on the device."""
    return isinstance(value, torch.Generator) and value.device.type == "cpu"


def _is_asynchronous(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    positional = args[2] if name == "aten::copy_" and len(args) > 2 else False
    return bool(kwargs.get("non_blocking", positional))


def _indices(args: tuple[Any, ...]) -> list[Tensor]:
    return [index for index in args[1] if isinstance(index, Tensor)]


def _fills(name: str, args: tuple[Any, ...]) -> bool:
    """Tell whether it is `x[mask] = number`, which CUDA does without looking for the places."""
    return name != "aten::index" and args[2].ndim == 0 and all(map(_is_mask, _indices(args)))


def _is_mask(index: Tensor) -> bool:
    return index.dtype in (torch.bool, torch.uint8)
