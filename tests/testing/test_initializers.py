"""Sound initializers pass every check; each planted mistake is caught by the check named for it, with its place."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import InitializerPlugin, UserError
from optbench.testing import check_initializer
from optbench.testing.framework import Finding, Subject, attempt
from optbench.testing.initializers import INITIALIZER_CHECKS


class Sound:
    """Normal numbers; biases are refused."""

    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        if tensor.ndim < 2:
            raise UserError(f"{name} is a bias")
        tensor.copy_(torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype))


class Looking(Sound):
    """Divides by the largest output."""

    def adjust(self, name: str, tensor: Tensor, layer: Any) -> None:
        tensor /= layer.outputs().abs().max()


class Partial(Sound):
    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        super().__call__(name, tensor[1:] if len(tensor) > 1 else tensor, generator)


class Adding(Sound):
    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        if tensor.ndim < 2:
            raise UserError(f"{name} is a bias")
        tensor.nan_to_num_().add_(1.0)


class Infinite(Sound):
    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        tensor.fill_(torch.inf)


class Beside(Sound):
    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        super().__call__(name, tensor, generator)
        tensor.as_strided((1,), (1,), 0).zero_()


class Moody(Sound):
    calls = 0

    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        super().__call__(name, tensor, generator)
        type(self).calls += 1
        tensor += type(self).calls


class Global(Sound):
    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        super().__call__(name, tensor, generator)
        tensor.normal_()  # here


class Refusing(Sound):
    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        raise UserError("never")


class Raising(Sound):
    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        tensor @ tensor


class Meddling(Looking):
    def adjust(self, name: str, tensor: Tensor, layer: Any) -> None:
        layer.module.bias.data.fill_(1.0)


class Overflowing(Looking):
    def adjust(self, name: str, tensor: Tensor, layer: Any) -> None:
        tensor /= 0.0


class Clumsy(Looking):
    def adjust(self, name: str, tensor: Tensor, layer: Any) -> None:
        tensor /= layer.outputs().amax(0)[:, None, None]


MISTAKES = [
    ("fills-in-place", Partial, r"hidden1.linear.weight of shape \(7, 20\) has what is no finite number .*:\d+ in Pa"),
    ("fills-in-place", Adding, "hidden1.linear.weight depends on what it held before"),
    ("fills-in-place", Infinite, "has what is no finite number"),
    ("fills-in-place", Refusing, "it takes no tensor at all: never"),
    ("fills-in-place", Raising, r"raised RuntimeError: .* in __call__"),
    ("leaves-others-alone", Beside, "it writes beside hidden1.linear.weight"),
    ("filling-repeats", Moody, "differs from one filling to the next"),
    ("leaves-global-random-state", Global, r"global random generator of torch.* in __call__"),
    ("starts-a-net", Moody, "a net starts otherwise the second time"),
    ("starts-a-net", Clumsy, "the start of a small net raised RuntimeError"),
    ("adjusts-its-own-tensor", Meddling, "adjust of hidden1.0.weight changes hidden1.0.bias"),
    ("adjusts-its-own-tensor", Overflowing, "adjust of hidden1.0.weight leaves what is no finite number"),
]


def subject_of(made: type) -> Subject:
    name = made.__name__
    return Subject.of_record(InitializerPlugin(name=name.lower(), factory=f"{__name__}:{name}", summary=""))


def finding_of(name: str, subject: Subject) -> Finding:
    (check,) = [check for check in INITIALIZER_CHECKS if check.name == name]
    return attempt(check, subject)


@pytest.mark.parametrize(
    ("check", "made", "message"), MISTAKES, ids=[f"{it.__name__}-{name}" for name, it, _ in MISTAKES]
)
def test_a_mistake_is_caught_by_the_check_named_for_it(check: str, made: type, message: str) -> None:
    found = finding_of(check, subject_of(made))
    assert found.failed
    assert re.search(message, found.message), found.message


@pytest.mark.parametrize("made", [Sound, Looking])
def test_a_sound_initializer_passes_every_check_that_applies(made: type) -> None:
    findings = check_initializer(subject_of(made), isolate=False)
    other = {finding.check: finding.message for finding in findings if finding.status != "ok"}
    assert other.pop("loads-lazily").startswith("it comes from no installed package")
    assert other.pop("options-hold") == "it has no options"
    assert other == ({} if made is Looking else {"adjusts-its-own-tensor": "it looks at no data"})
