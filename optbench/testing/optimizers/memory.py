"""Checks of what is declared of memory, in exact bytes. Shapes: n = number of parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from optbench.analysis import fit_exponent
from optbench.measure.memory import LiveBytes, state_bytes
from optbench.testing.blame import Frame, stack_here, where
from optbench.testing.framework import CheckFailed, DoesNotApply, Subject
from optbench.testing.optimizers.holders import largest_holders
from optbench.testing.trials import Watcher, limited, owns_its_loop, place, run
from optbench.testing.workloads import Bowl, needs_quadratic

_SIZES = (128, 256, 512, 1024)
_SLACK = 0.1  # by which a fitted exponent may exceed the declared one
_ORDER = re.compile(r"O\((?:(?P<constant>1)|(?:m )?n(?:\^(?P<power>\d))?)\)")
