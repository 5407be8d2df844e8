"""Sequence tasks: questions as characters, answers as characters, each with a difficulty.

A question and its answer are one text, `question@answer.`. An input is the text without its end, a target the text
without its beginning, ignored (−100) as far as the question goes: the model reads the question, and from `@` on it says
the next character of the answer, the one before being given (Zaremba & Sutskever, Learning to Execute, 2014). Texts are
padded at their ends, where targets are ignored, too.

Shapes: N examples, T characters of the longest text.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from optbench.api import Streams
from optbench_learning.data.splits import Array, Arrays, generated_sizes

PADDING = "\0"
ALPHABET = PADDING + "0123456789abcdefghijklmnopqrstuvwxyz+-*()<>=:\n @."
IGNORED = -100
SHARE = 5  # a fifth as many examples for validation, and for testing, as for training
PARTS = {"validation": (0,), "test": (1,), "train": (2, 3)}  # of a text's hash modulo 4
_T = TypeVar("_T")
Question = tuple[str, str, int]  # question, answer, difficulty


class Draws:
    """Random choices from a keyed stream, the same with every version of Python, of which only `random()` is sure."""

    def __init__(self, streams: Streams, purpose: str, name: str) -> None:
        """Begin the stream of a purpose and a part."""
        self._random = random.Random(streams(purpose, name).initial_seed()).random

    def between(self, low: int, high: int) -> int:
        """Return an integer, both ends included."""
        return low + int(self._random() * (high - low + 1))

    def one_of(self, choices: Sequence[_T]) -> _T:
        """Return one of the choices."""
        return choices[self.between(0, len(choices) - 1)]


Make = Callable[[Draws, bool], Question]  # whether it is to be of the hardest -> a question


def examples(name: str, make: Make, *, streams: Streams, n: int, mixed: bool) -> Arrays:
    """Return n training examples, of all degrees if `mixed`, and those to validate and test, all of the hardest.

    A hash of the question says which part it belongs to, so that none is in two.
    """
    drawn = {}
    for part, count in generated_sizes(n, SHARE).items():
        draws = Draws(streams, name, part)
        drawn[part] = [_of_part(part, make, draws, hardest=part != "train" or not mixed) for _ in range(count)]
    longest = max(len(question) + len(answer) for part in drawn.values() for question, answer, _ in part) + 1
    arrays: Arrays = {"alphabet": np.frombuffer(ALPHABET.encode(), np.uint8)}
    for part, questions in drawn.items():
        arrays[f"x_{part}"], arrays[f"y_{part}"] = _encoded(questions, longest)
        arrays[f"difficulty_{part}"] = np.array([difficulty for _, _, difficulty in questions])
    return arrays


def addition(*, streams: Streams, n: int, digits: int, mixed: bool) -> Arrays:
    """Return sums of two numbers of the same length: question `398345+425098`, answer `823443`.

    Both are uniform in [10^(length − 1), 10^length − 1] (section 3.1), length 1 to `digits`; the paper's question
    stands within `print(…)`. The difficulty is the length.
    """

    def make(draws: Draws, hardest: bool) -> Question:
        length = digits if hardest else draws.between(1, digits)
        first, second = (draws.between(10 ** (length - 1), 10**length - 1) for _ in range(2))
        return f"{first}+{second}", str(first + second), length

    return examples("addition", make, streams=streams, n=n, mixed=mixed)


def copy(*, streams: Streams, n: int, digits: int, mixed: bool) -> Arrays:
    """Return rows of random digits to be said again (section 3.2); the difficulty is the length, 1 to `digits`."""

    def make(draws: Draws, hardest: bool) -> Question:
        length = digits if hardest else draws.between(1, digits)
        text = "".join(draws.one_of("0123456789") for _ in range(length))
        return text, text, length

    return examples("copy", make, streams=streams, n=n, mixed=mixed)


def part_of(question: str) -> str:
    """Return which part a question belongs to."""
    remainder = hashlib.sha256(question.encode()).digest()[0] % 4
    return next(part for part, remainders in PARTS.items() if remainder in remainders)


def _of_part(part: str, make: Make, draws: Draws, *, hardest: bool) -> Question:
    while part_of((found := make(draws, hardest))[0]) != part:
        pass
    return found


def _encoded(questions: Sequence[Question], longest: int) -> tuple[Array, Array]:
    """Return inputs, (N, T) bytes, and targets, (N, T) signed bytes."""
    codes = {character: code for code, character in enumerate(ALPHABET)}
    inputs = np.zeros((len(questions), longest), np.uint8)
    targets = np.full((len(questions), longest), IGNORED, np.int8)
    for row, (question, answer, _) in enumerate(questions):
        text = [codes[character] for character in f"{question}@{answer}."]
        inputs[row, : len(text) - 1] = text[:-1]
        targets[row, len(question) : len(text) - 1] = text[len(question) + 1 :]
    return inputs, targets
