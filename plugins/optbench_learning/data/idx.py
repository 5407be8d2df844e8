"""The idx format of MNIST and its likes: 0, 0, type, number of axes, their lengths as 4 bytes each, then the numbers.

All numbers have their high byte first (LeCun, Cortes & Burges, The MNIST database of handwritten digits).
"""

from __future__ import annotations

import math

import numpy as np

from optbench.api import UserError
from optbench_learning.data.splits import Array

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def parse_idx(content: bytes, name: str) -> Array:
    """Return the array in the machine's own byte order; `name` says in the UserError whose content is no idx."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise UserError(f"{name} is no idx file", "it begins with two zero bytes, a type and the number of axes")
    kind, axes = np.dtype(TYPES[content[2]]), content[3]
    header = 4 + 4 * axes
    if len(content) < header:
        raise UserError(f"{name} is cut off: its header wants {header} bytes, it has {len(content)}")
    shape = tuple(np.frombuffer(content, ">u4", axes, 4).tolist())
    wanted = header + math.prod(shape) * kind.itemsize
    if len(content) != wanted:
        raise UserError(f"{name} is damaged: shape {shape} wants {wanted} bytes, it has {len(content)}")
    return np.frombuffer(content, kind, offset=header).reshape(shape).astype(kind.newbyteorder("="))
