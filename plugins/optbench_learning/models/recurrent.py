"""Recurrent layers, written out step by step. Shapes: B examples, T steps, I inputs, H units, G gates.

torch's own layers run fused kernels on some devices and in some precisions, which have no second derivative and keep
their parameters out of reach. These take the same steps by plain operations: every derivative works everywhere.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from optbench.api import Block
from optbench_learning.models.layers import Build, stack
from optbench_learning.models.networks import numbered


class Gate(nn.Module):
    """The tensors of one gate; all gates of a layer are applied at once, by the layer."""

    def __init__(self, inputs: int, units: int) -> None:
        """Make them, without numbers of their own."""
        super().__init__()
        self.weight_input = nn.Parameter(torch.zeros(units, inputs))
        self.weight_recurrent = nn.Parameter(torch.zeros(units, units))
        self.bias = nn.Parameter(torch.zeros(units))


class RecurrentLayer(nn.Module):
    """h_t from x_t and h_{t−1}, h_0 = 0: (B, T, I) to (B, T, H)."""

    gates: ClassVar[tuple[str, ...]]

    def __init__(self, inputs: int, units: int) -> None:
        """Make a module for each gate."""
        super().__init__()
        self.units = units
        for gate in self.gates:
            self.add_module(gate, Gate(inputs, units))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return h_1 … h_T."""
        gates = [self.get_submodule(gate) for gate in self.gates]
        weight_input, weight_recurrent, bias = (
            torch.cat([getattr(gate, name) for gate in gates]) for name in ("weight_input", "weight_recurrent", "bias")
        )
        given = nn.functional.linear(inputs, weight_input, bias)  # (B, T, G H), of all steps at once
        state = (given.new_zeros(len(inputs), self.units),) * 2
        outputs = []
        for step in given.unbind(1):
            state = self.step(step, state[0] @ weight_recurrent.T, state)
            outputs.append(state[0])
        return torch.stack(outputs, 1)

    def flops(self, inputs: Tensor) -> int:
        """Return the FLOPs of the matrix products: 2 for each weight, at each step of each example."""
        weights = sum(tensor.numel() for tensor in self.parameters() if tensor.ndim == 2)
        return 2 * weights * inputs.shape[0] * inputs.shape[1]

    @abstractmethod
    def step(self, given: Tensor, recurrent: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return h_t and what else is carried, each (B, H).

        Args:
            given: what the inputs make of each gate, biases included, (B, G H).
            recurrent: what h_{t−1} makes of each gate, (B, G H).
            state: h_{t−1} and what else was carried.
        """


class PlainLayer(RecurrentLayer):
    """h_t = tanh(U x_t + W h_{t−1} + b) (Elman, 1990)."""

    gates = ("hidden",)

    def step(self, given: Tensor, recurrent: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return h_t, twice."""
        hidden = torch.tanh(given + recurrent)
        return hidden, hidden


class LSTMLayer(RecurrentLayer):
    """Long short-term memory with forget gates (Gers et al., 2000), as torch.nn.LSTM with one bias a gate."""

    gates = ("input", "forget", "cell", "output")

    def step(self, given: Tensor, recurrent: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return h_t and the cells' content c_t."""
        admit, keep, new, show = (given + recurrent).chunk(4, 1)
        cell = torch.sigmoid(keep) * state[1] + torch.sigmoid(admit) * torch.tanh(new)
        return torch.sigmoid(show) * torch.tanh(cell), cell


class GRULayer(RecurrentLayer):
    """Gated recurrent units (Cho et al., 2014), as torch.nn.GRU with one bias a gate: resets apply to W h."""

    gates = ("reset", "update", "candidate")

    def step(self, given: Tensor, recurrent: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return h_t, twice."""
        reset_given, update_given, new_given = given.chunk(3, 1)
        reset_recurrent, update_recurrent, new_recurrent = recurrent.chunk(3, 1)
        reset = torch.sigmoid(reset_given + reset_recurrent)
        update = torch.sigmoid(update_given + update_recurrent)
        new = torch.tanh(new_given + reset * new_recurrent)
        hidden = new + update * (state[0] - new)
        return hidden, hidden


CELLS: Mapping[str, type[RecurrentLayer]] = {"rnn": PlainLayer, "lstm": LSTMLayer, "gru": GRULayer}


class LastStep(nn.Module):
    """(B, T, H) to what the last step puts out, (B, H)."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the last step."""
        return inputs[:, -1]


class ClassesFirst(nn.Module):
    """(B, T, C) to (B, C, T), as torch's cross entropy and `argmax(1)` want it."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return a view."""
        return inputs.transpose(1, 2)


def recurrent_net(
    inputs: int, widths: Sequence[int], outputs: int, *, cell: str, symbols: bool, each_step: bool
) -> tuple[Block, ...]:
    """Return blocks embedding where inputs are symbols, recurrent1, recurrent2, … and output.

    Args:
        inputs: numbers a step, or how many symbols there are.
        widths: units of each recurrent layer.
        outputs: how many, (B, outputs), or at each step, (B, outputs, T).
        cell: one of CELLS.
        symbols: whether inputs are indices (B, T) rather than numbers (B, T, inputs).
        each_step: whether there are outputs at each step; else only after the last.
    """
    first = widths[0] if symbols else inputs
    sizes = zip((first, *widths), widths, strict=False)
    layers = numbered("recurrent", [_layer(cell, below, units) for below, units in sizes])
    embedding = Block(name="embedding", role="input", build=lambda: nn.Embedding(inputs, first))
    return (*([embedding] if symbols else []), *layers, _output(widths[-1], outputs, each_step=each_step))


def _layer(cell: str, inputs: int, units: int) -> Build:
    return lambda: CELLS[cell](inputs, units)


def _output(width: int, outputs: int, *, each_step: bool) -> Block:
    def build() -> nn.Module:
        if each_step:
            return stack(linear=nn.Linear(width, outputs), order=ClassesFirst())
        return stack(last=LastStep(), linear=nn.Linear(width, outputs))

    return Block(name="output", role="output", build=build)
