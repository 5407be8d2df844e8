"""The oracle's memo of one point."""

from __future__ import annotations

from torch import Tensor


class Memo:
    """What is known at one point. The tensor itself is held, so that its storage can't be used again for another.

    `asked` are the kinds that were counted here: a value that came along with a gradient is known, not yet asked for.
    """

    __slots__ = ("_batch", "_pointer", "_results", "_version", "_x", "asked")

    def __init__(self) -> None:
        """Hold nothing."""
        self._x: Tensor | None = None
        self._pointer = self._version = self._batch = -1
        self._results: dict[str, tuple[Tensor, int]] = {}
        self.asked: tuple[str, ...] = ()

    def move(self, x: Tensor, batch: int) -> None:
        """Forget everything and hold `x` as it is now, under the minibatch in force."""
        version = -1 if x.is_inference() else x._version  # inference tensors have none, and are never remembered
        self._x, self._pointer, self._version, self._batch = x, x.data_ptr(), version, batch
        self._results = {}
        self.asked = ()

    def holds(self, x: Tensor, batch: int) -> bool:
        """Tell whether `x` is the remembered point: same storage, offset and version, same minibatch."""
        if x.is_inference() or x.data_ptr() != self._pointer or x._version != self._version or batch != self._batch:
            return False
        if self._pointer == 0:  # a device without memory (meta, fake): the storage has no address, but an identity
            return self._x is not None and _place(x) == _place(self._x)
        # Storage that belongs to numpy can change without a version: it is never taken for the same point.
        return x.untyped_storage().resizable()

    def keep(self, kind: str, result: Tensor) -> None:
        """Remember a result."""
        self._results[kind] = result, -1 if result.is_inference() else result._version

    def get(self, kind: str) -> Tensor | None:
        """Return a remembered result; raises RuntimeError where the optimizer has written into it."""
        kept = self._results.get(kind)
        if kept is None:
            return None
        if kept[1] >= 0 and kept[0]._version != kept[1]:
            message = f"the optimizer wrote into the {kind} that the oracle had returned; it must write into a copy"
            raise RuntimeError(message)
        return kept[0]


def _place(x: Tensor) -> tuple[object, object]:
    return x.untyped_storage()._cdata, x.storage_offset()
