"""The oracle's memo of one point."""

from __future__ import annotations

from typing import Any

from torch import Tensor


class Memo:
    """What is known at one point. The tensor itself is held, so that its storage can't be used again for another.

    `asked` are the kinds that were counted here: a value that came along with a gradient is known, not yet asked for.
    """

    __slots__ = ("_batch", "_pointer", "_results", "_version", "_versions", "_x", "asked")

    def __init__(self) -> None:
        """Hold nothing."""
        self._x: Tensor | None = None
        self._pointer = self._version = self._batch = -1
        self._results: dict[str, Any] = {}
        self._versions: dict[str, Any] = {}
        self.asked: tuple[str, ...] = ()

    def turn_to(self, x: Tensor, batch: int) -> bool:
        """Hold `x` as it is now, under the minibatch in force; tells whether that is the remembered point already.

        Otherwise everything is forgotten.
        """
        if self.holds(x, batch):
            return True
        version = _version(x)
        self._x, self._pointer, self._batch = x, x.data_ptr(), batch
        self._version = -1 if version is None else version
        self._results, self._versions, self.asked = {}, {}, ()
        return False

    def holds(self, x: Tensor, batch: int) -> bool:
        """Tell whether `x` is the remembered point: same storage, offset and version, same minibatch."""
        pointer = x.data_ptr()
        if pointer != self._pointer or batch != self._batch or _version(x) != self._version:
            return False
        if pointer == 0:  # a device without memory (meta, fake): the storage has no address, but an identity
            return self._x is not None and _place(x) == _place(self._x)
        # Storage that belongs to numpy can change without a version: it is never taken for the same point.
        return x.untyped_storage().resizable()

    def keep(self, results: dict[str, Any]) -> None:
        """Remember results by kind: tensors, and tuples of tensors."""
        self._results.update(results)
        for kind, result in results.items():
            self._versions[kind] = _versions(result)

    def get(self, kind: str) -> Any:
        """Return a remembered result, or None; raises RuntimeError where the optimizer has written into it."""
        result = self._results.get(kind)
        if result is not None and _versions(result) != self._versions[kind]:
            message = f"the optimizer wrote into the {kind} that the oracle had returned; it must write into a copy"
            raise RuntimeError(message)
        return result


def _version(x: Tensor) -> int | None:
    """Return the version of a tensor; inference tensors have none: such a point is never remembered."""
    try:
        return x._version
    except RuntimeError:
        return None


def _versions(result: Any) -> Any:
    return [_version(tensor) for tensor in result] if isinstance(result, tuple) else _version(result)


def _place(x: Tensor) -> tuple[object, object]:
    return x.untyped_storage()._cdata, x.storage_offset()
