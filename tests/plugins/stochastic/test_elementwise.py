"""Classes that take the point as one tensor: the same numbers; and where the parameters of a net lie."""

from __future__ import annotations

from typing import Any

import optbench_stochastic
import pytest
import torch
from optbench_stochastic import elementwise
from optbench_stochastic.adam import Adam
from torch import Tensor

from optbench.api import TorchOptimizer
from optbench.api.streams import SeededStreams
from optbench.measure.factories import resolve

CLASSES = [
    *(cls for cls in vars(elementwise).values() if isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer)),
    Adam,
]
ADAM: dict[str, Any] = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01, "amsgrad": True, "maximize": False}


def losses(cls: type[torch.optim.Optimizer], options: dict[str, Any], problem: Any, trial: Any) -> list[float]:
    _, log = trial(TorchOptimizer(cls, {"lr": 0.02, **options}), problem, steps=40)
    return list(log.trace()["value"])


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_point_as_one_tensor_gives_the_same_losses(cls: Any, small_net: Any, trial: Any) -> None:
    options = ADAM if cls is Adam else {}
    by_tensors = type("ByTensors", (cls,), {"elementwise": False})
    whole, expected = (losses(each, options, small_net(torch.float64), trial) for each in (cls, by_tensors))
    assert cls.elementwise
    assert whole == pytest.approx(expected, rel=1e-12)


def test_a_class_that_looks_at_a_whole_tensor_would_not(small_net: Any, trial: Any) -> None:
    wrong = type("Wrong", (torch.optim.Adafactor,), {"elementwise": True})
    whole, expected = (losses(each, {}, small_net(torch.float64), trial) for each in (wrong, torch.optim.Adafactor))
    assert whole != pytest.approx(expected, rel=1e-3)


def test_every_registered_class_but_three_takes_the_point_as_one_tensor() -> None:
    by_tensors = {
        record.name
        for record in optbench_stochastic.optbench_optimizers()
        if not getattr(resolve(record.factory), "elementwise", False)
    }
    assert by_tensors == {"sgd", "adafactor", "muon"}


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_net_torch_and_flat_vector_share_their_memory(name: str, small_net: Any, build: Any) -> None:
    problem = small_net(torch.float32)
    addresses: list[list[int]] = []

    class Asked:
        layout = problem.layout

        def gradient(self, x: Tensor) -> Tensor:
            return torch.cat([tensor.reshape(-1) for tensor in self.gradient_tensors(x)])

        def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
            look = lambda model, _: addresses.append([p.data_ptr() for p in model.parameters()])  # noqa: E731
            handle = problem.model.register_forward_pre_hook(look)
            gradient: tuple[Tensor, ...] = problem.value_and_gradient_tensors(x, torch.arange(8))[1]
            handle.remove()
            return gradient

    optimizer = build(name)
    state = optimizer.init(Asked(), problem.start(SeededStreams(0)).parameters)
    flat = state.point.data_ptr()
    for _ in range(3):
        state = optimizer.step(Asked(), state)
    expected = [flat + 4 * offset for offset, _ in problem.layout.values()]
    assert addresses == [expected] * 3
    assert [p.data_ptr() for p in state.parameters] == (expected if name == "sgd" else [flat])
