"""Which memory lies below a tensor or an array; sparse tensors have several, views share one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Key = tuple[str, int]  # what identifies a memory: its kind and a number

_SPARSE = {
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}


def leaves(values: Any) -> Iterator[Any]:
    """Yield what lists, tuples and dictionaries of an operation hold, however nested; torch's own trees are slower."""
    if isinstance(values, list | tuple):
        for value in values:
            yield from leaves(value)
    elif isinstance(values, dict):
        yield from leaves((*values.values(),))
    else:
        yield values


def storages(tensor: Tensor) -> Iterator[torch.UntypedStorage]:
    """Yield the storages of a tensor: one, or one for each part of a sparse one; none of what has no storage."""
    if tensor.layout in _SPARSE:
        yield from (getattr(tensor, part)().untyped_storage() for part in _SPARSE[tensor.layout])
    elif tensor.layout is torch.strided:
        yield tensor.untyped_storage()


def identity(storage: torch.UntypedStorage) -> Key:
    """Return what identifies a storage: its address, or itself where it has none (fake, empty, or of torch.func)."""
    try:
        address = 0 if storage.device.type == "meta" else storage.data_ptr()
    except RuntimeError:  # of a tensor that torch.func wraps
        address = 0
    return ("address", address) if address else ("storage", storage._cdata)


def memories(thing: Tensor | NDArray[Any]) -> Iterator[tuple[Key, int]]:
    """Yield what identifies each memory below a tensor or an array, and all of its bytes.

    Arrays and tensors that look at one memory have one: an array knows whom it looks at, and a tensor that was made
    from an array has its address.
    """
    base: Any = thing
    while isinstance(below := getattr(base, "base", None), Tensor | np.ndarray):
        base = below
    if isinstance(base, Tensor):
        yield from ((identity(storage), storage.nbytes()) for storage in storages(base))
    else:
        yield ("address", base.__array_interface__["data"][0]), base.nbytes
