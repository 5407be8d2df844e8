"""How the time of a Newton step's factorisation and solution grows with n, on one thread.

`python tests/perf/factorisation_slope.py [LARGEST]` prints CPU seconds, the fastest of several, for n = 500 doubled up
to 4000 (or LARGEST), and the local slope of log time over log n in each octave: 3 where the cubic part has taken over.
"""

from __future__ import annotations

import math
import sys
import time

import torch

REPETITIONS = 7


def seconds(n: int) -> float:
    """Return the fastest time to factor a symmetric positive definite matrix in place of a copy, and to solve once."""
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(n, n, dtype=torch.float64, generator=generator)
    matrix = matrix + matrix.T + 4 * math.sqrt(n) * torch.eye(n, dtype=torch.float64)
    gradient = torch.randn(n, dtype=torch.float64, generator=generator)
    factor = torch.empty_like(matrix)
    times = []
    for _ in range(REPETITIONS):
        began = time.process_time()
        _, failed = torch.linalg.cholesky_ex(matrix, out=(factor, torch.empty((), dtype=torch.int32)))
        torch.cholesky_solve(gradient[:, None], factor)
        times.append(time.process_time() - began)
        assert not int(failed)
    return min(times)


def main() -> None:
    """Print a line a size."""
    torch.set_num_threads(1)
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    before, n = math.nan, 500
    while n <= largest:
        fastest = seconds(n)
        print(f"n = {n:5d}  {1e3 * fastest:10.2f} ms  local slope {math.log2(fastest / before):5.2f}", flush=True)
        before, n = fastest, 2 * n


if __name__ == "__main__":
    main()
