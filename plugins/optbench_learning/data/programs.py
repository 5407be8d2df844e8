"""Short programs and what they print (Zaremba & Sutskever, Learning to Execute, 2014, section 3).

Numbers have up to `length` digits. `nesting` operations are combined: sums, differences, products, assignments,
if-expressions and loops. One factor of a product, and the number of turns of a loop, is between 1 and 4·length, so that
one pass with constant memory is enough. The paper draws operands from a stack, so that some of its operations drop
out; here the operations that remain are shared out among the operands, and a program has exactly `nesting` of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from optbench.api import Streams
from optbench_learning.data.sequences import Draws, Question, examples
from optbench_learning.data.splits import Arrays

NAMES = "abcdefghijklmnopqrstuvwyz"  # x counts the turns of loops


@dataclass(frozen=True)
class Piece:
    """An expression with the statements before it, and its value."""

    expression: str
    value: int
    statements: tuple[str, ...] = ()


def programs(*, streams: Streams, n: int, length: int, nesting: int, mixed: bool) -> Arrays:
    """Return programs and what they print; the difficulty is the length of the numbers + the operations − 1."""

    def make(draws: Draws, hardest: bool) -> Question:
        digits = length if hardest else draws.between(1, length)
        operations = nesting if hardest else draws.between(1, nesting)
        program, printed = Writer(draws, digits).program(operations)
        return program, printed, digits + operations - 1

    return examples("programs", make, streams=streams, n=n, mixed=mixed)


class Writer:
    """Writes one program."""

    def __init__(self, draws: Draws, length: int) -> None:
        """Begin with all names free."""
        self._draws, self._length = draws, length
        self._free = list(NAMES)
        self._operations: tuple[tuple[int, Callable[[list[Piece]], Piece]], ...] = (
            (2, self._sum),
            (2, self._difference),
            (1, self._product),
            (1, self._assignment),
            (4, self._choice),
            (2, self._loop),
        )

    def program(self, operations: int) -> tuple[str, str]:
        """Return a program of that many operations, and what it prints."""
        piece = self._piece(operations)
        return "\n".join((*piece.statements, f"print({piece.expression})")), str(piece.value)

    def _piece(self, operations: int) -> Piece:
        """Return an operation whose operands share the operations that remain; a number where none is left."""
        if not operations:
            return self._number(10**self._length - 1)
        arity, combine = self._draws.one_of(self._operations)
        shares = [0] * arity
        for _ in range(operations - 1):
            shares[self._draws.between(0, arity - 1)] += 1
        return combine([self._piece(share) for share in shares])

    def _number(self, most: int) -> Piece:
        value = self._draws.between(1, most)
        return Piece(str(value), value)

    def _name(self) -> str:
        name = self._draws.one_of(self._free)
        self._free.remove(name)
        return name

    @staticmethod
    def _sum(operands: list[Piece]) -> Piece:
        first, second = operands
        return _joined(operands, f"({first.expression}+{second.expression})", first.value + second.value)

    @staticmethod
    def _difference(operands: list[Piece]) -> Piece:
        first, second = operands
        return _joined(operands, f"({first.expression}-{second.expression})", first.value - second.value)

    def _product(self, operands: list[Piece]) -> Piece:
        factors = [operands[0], self._number(4 * self._length)]
        if self._draws.between(0, 1):
            factors.reverse()
        first, second = factors
        return _joined(operands, f"({first.expression}*{second.expression})", first.value * second.value)

    def _assignment(self, operands: list[Piece]) -> Piece:
        name = self._name()
        return _joined(operands, name, operands[0].value, f"{name}={operands[0].expression}")

    def _choice(self, operands: list[Piece]) -> Piece:
        then, left, right, other = operands
        less = bool(self._draws.between(0, 1))
        holds = left.value < right.value if less else left.value > right.value
        condition = f"{left.expression}{'<' if less else '>'}{right.expression}"
        text = f"({then.expression} if {condition} else {other.expression})"
        return _joined(operands, text, then.value if holds else other.value)

    def _loop(self, operands: list[Piece]) -> Piece:
        start, step = operands
        name, turns = self._name(), self._draws.between(1, 4 * self._length)
        less = bool(self._draws.between(0, 1))
        lines = (
            f"{name}={start.expression}",
            f"for x in range({turns}):{name}{'-' if less else '+'}={step.expression}",
        )
        change = turns * step.value
        return _joined(operands, name, start.value - change if less else start.value + change, *lines)


def _joined(operands: list[Piece], expression: str, value: int, *lines: str) -> Piece:
    """Return a piece after the statements of its operands and its own lines."""
    before = [statement for operand in operands for statement in operand.statements]
    return Piece(expression, value, (*before, *lines))
