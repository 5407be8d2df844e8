"""The oracle's memo of one point."""

from __future__ import annotations

from torch import Tensor


class Memo:
    """What is known at one point. The tensor itself is held, so that its storage can't be used again for another.

    `asked` are the kinds that were counted here: a value that came along with a gradient is known but not yet asked for.
    """

    __slots__ = ("_batch", "_pointer", "_results", "_version", "_versions", "_x", "asked")

    def __init__(self, x: Tensor, batch: int) -> None:
        """Remember `x` as it is now, under the minibatch in force."""
        self._x, self._pointer, self._version, self._batch = x, x.data_ptr(), x._version, batch
        self._results: dict[str, Tensor] = {}
        self._versions: dict[str, int] = {}
        self.asked: frozenset[str] = frozenset()

    def holds(self, x: Tensor, batch: int) -> bool:
        """Tell whether `x` is the remembered point: same storage, offset and version, same minibatch."""
        same = x.data_ptr() == self._pointer and x._version == self._version and batch == self._batch
        # Storage that belongs to numpy can change without a version: it is never taken for the same point.
        return same and x.untyped_storage().resizable()

    def keep(self, kind: str, result: Tensor) -> None:
        """Remember a result."""
        self._results[kind], self._versions[kind] = result, result._version

    def get(self, kind: str) -> Tensor | None:
        """Return a remembered result; raises RuntimeError where the optimizer has written into it."""
        result = self._results.get(kind)
        if result is not None and result._version != self._versions[kind]:
            message = f"the optimizer wrote into the {kind} that the oracle had returned; it must write into a copy"
            raise RuntimeError(message)
        return result
