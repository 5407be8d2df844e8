"""How minibatches are drawn. Shapes: N examples, B examples of a minibatch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from optbench.api.errors import UserError
from optbench.api.problems import Streams

Sampling = Callable[[Streams, int, int], Iterator[Tensor]]  # (streams, N, B) -> index tensors of minibatches


def reshuffled(streams: Streams, examples: int, batch_size: int) -> Iterator[Tensor]:
    """Yield minibatches without end and without replacement: each epoch a new order, cut into parts.

    The last part of an epoch may be short. The order depends on the seed alone, so that recipes with other models see
    the same examples.
    """
    generator = streams("batches")
    while True:
        yield from torch.randperm(examples, generator=generator).split(batch_size)


def with_replacement(streams: Streams, examples: int, batch_size: int) -> Iterator[Tensor]:
    """Yield minibatches without end, each example of which is drawn from all of them."""
    generator = streams("batches")
    while True:
        yield torch.randint(examples, (batch_size,), generator=generator)


SAMPLINGS: Mapping[str, Sampling] = {"without-replacement": reshuffled, "with-replacement": with_replacement}


def joined(batches: Iterator[Tensor], least: int) -> Iterator[Tensor]:
    """Yield minibatches; one of fewer than `least` examples joins the one before it."""
    held = next(batches)
    for batch in batches:
        if len(batch) < least:
            held = torch.cat((held, batch))
        else:
            yield held
            held = batch
    yield held


def check_batch_size(batch_size: int | None, examples: int) -> None:
    """Raise UserError where there are not that many examples; None stands for all."""
    if batch_size is not None and not 0 < batch_size <= examples:
        raise UserError(f"batch_size={batch_size}", f"1 to {examples} examples, or 0 for all of them")
