"""The records of the problems whose models are nets. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optbench.api import Evaluation, Option, ProblemPlugin

FACTORIES = "optbench_learning.network_problems"
DIGITS = "Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI, 1998"
RESIDUAL = "He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR (2016)"
AUTOENCODER = "Hinton, Salakhutdinov: Reducing the dimensionality of data with neural networks, Science 313 (2006)"
EVALUATIONS: frozenset[Evaluation] = frozenset(
    {"value", "gradient", "hessian_vector", "gauss_newton_vector", "hessian"}
)
# Without it, rectifiers stand exactly at their kink wherever a picture is black (Goodfellow et al., 2016, 8.4).
POSITIVE = "constant(value=0.1)"
ACTIVATIONS = ("relu", "tanh", "sigmoid", "maxout")


def networks() -> Iterator[ProblemPlugin]:
    """Yield the problems."""
    yield _net(
        "mlp-digits",
        "A multilayer perceptron on 1081 training images of 8 × 8 pixels.",
        {**_hidden([32]), **_activation("relu"), **_training(64)},
        cite=DIGITS,
    )
    yield _net(
        "resnet-digits",
        "Residual units of two dense layers on 1081 training images of 8 × 8 pixels, or the plain net of that size.",
        {**_units(width=32, units=4), **_activation("relu"), **_training(64)},
        cite=f"{RESIDUAL}; {DIGITS}",
    )
    yield _net(
        "convnet-digits",
        "Two convolutions and a dense layer on 1081 training images of 8 × 8 pixels.",
        {**_channels([4, 12]), **_hidden([32]), **_activation("relu"), **_training(64, biases=POSITIVE)},
        cite=DIGITS,
    )
    yield _net(
        "autoencoder-digits",
        "A deep autoencoder of 1081 images of 8 × 8 pixels; cross entropy of each pixel.",
        {**_code([50, 25], 6), **_activation("sigmoid"), **_training(64)},
        cite=f"{AUTOENCODER}; {DIGITS}",
    )


def _net(name: str, summary: str, options: Mapping[str, Option], *, cite: str) -> ProblemPlugin:
    """Return a record whose factory has the problem's name."""
    return ProblemPlugin(
        name=name,
        factory=f"{FACTORIES}:{name.replace('-', '_')}",
        summary=summary,
        options=options,
        cite=cite,
        evaluations=EVALUATIONS,
        gives=frozenset({"blocks", "model", "data", "minibatches"}),
        kind="learning",
    )


def _hidden(widths: list[int]) -> dict[str, Option]:
    return {
        "hidden": Option(default=widths, doc="widths of the hidden layers", low=1),
        "depth": Option(default=1, doc="how many times these hidden layers follow one another", low=1, high=100),
    }


def _units(*, width: int, units: int) -> dict[str, Option]:
    return {
        "width": Option(default=width, doc="of each layer", low=1),
        "units": Option(default=units, doc="of two layers each", low=1, high=100),
        "skip": Option(default=True, doc="whether a unit's input is added to its output; false: the plain net"),
    }


def _channels(channels: list[int]) -> dict[str, Option]:
    return {"channels": Option(default=channels, doc="of the convolutions, each of which halves the picture", low=1)}


def _code(hidden: list[int], code: int) -> dict[str, Option]:
    return {
        "hidden": Option(default=hidden, doc="widths of the encoder's layers; the decoder has them backwards", low=1),
        "code": Option(default=code, doc="width of the linear layer in the middle", low=1),
    }


def _activation(name: str) -> dict[str, Option]:
    return {
        "activation": Option(default=name, doc="of the hidden layers", choices=ACTIVATIONS),
        "pieces": Option(default=2, doc="of which maxout takes the largest", low=2, high=100),
    }


def _training(batch_size: int, weights: str = "glorot-uniform", biases: str = "zero") -> dict[str, Option]:
    return {
        "l2": Option(default=0.0, doc="penalty ½ l2 ‖weights‖², biases left out", low=0.0),
        "batch_size": Option(default=batch_size, doc="examples of a minibatch; 0: all of them, every time", low=0),
        "sampling": Option(
            default="without-replacement",
            doc="of minibatches: each epoch a new order, or each example from all of them",
            choices=("without-replacement", "with-replacement"),
        ),
        "weights": Option(default=weights, doc="the initializer of the weights", plugins="initializers"),
        "biases": Option(default=biases, doc="the initializer of the biases", plugins="initializers"),
    }
