"""Capturing where a run is measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from optbench.measure.surroundings import load_average
from optbench.records import Environment
from optbench.runner.machine import Machine, Mode, quietly

LIBRARIES = ("optbench", "torch", "numpy", "scipy", "scikit-learn")
# Allow-listed: the whole environment would hold secrets.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
MACHINE_VARIABLE = "OPTBENCH_MACHINE"
_GIT_SECONDS = 10
_UNKNOWN = "unknown"


def _memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total)


def _affinity() -> tuple[int, ...]:
    return tuple(sorted(os.sched_getaffinity(0)))


def git_commit(folder: Path) -> str | None:
    """Return the commit that is checked out in `folder`, "+" appended where files differ from it.

    None outside a repository, before the first commit, and without git.
    """
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return None
    return f"{commit}+" if _git(folder, "status", "--porcelain") else commit


def git_date(folder: Path) -> str | None:
    """Return when the commit that is checked out in `folder` was made, ISO 8601; None where there is none."""
    return _git(folder, "show", "--no-patch", "--format=%cI", "HEAD")


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


@dataclass(frozen=True, kw_only=True)
class Readers:
    """Where each fact is read; a reader may raise or return None, which means that it can't be read."""

    variables: Mapping[str, str]
    node: Callable[[], str] = platform.node
    system: Callable[[], str] = platform.platform
    architecture: Callable[[], str] = platform.machine
    processor: Callable[[], str] = platform.processor  # where the kernel does not name it
    cores: Callable[[], int | None] = os.cpu_count
    memory: Callable[[], int] = _memory
    load: Callable[[], float | None] = load_average
    python: Callable[[], str] = platform.python_version
    version: Callable[[str], str] = version
    commit: Callable[[Path], str | None] = git_commit
    committed: Callable[[Path], str | None] = git_date
    affinity: Callable[[], tuple[int, ...]] = _affinity
    kernel: Machine = field(default_factory=Machine)  # the operating system's


def capture(
    libraries: Iterable[str] = LIBRARIES,
    *,
    modes: Mapping[str, Mode] | None = None,
    folder: Path | None = None,
    readers: Readers | None = None,
) -> Environment:
    """Return the environment of this process; no library is imported to learn its version.

    Args:
        libraries: distributions whose versions count; one that is not installed is left out.
        modes: what `torch_modes` told in the process that measures.
        folder: where the commit is looked up, the working directory by default.
        readers: where the facts come from.
    """
    source = readers or Readers(variables=os.environ)
    where = folder or Path.cwd()
    versions = {name: quietly(partial(source.version, name)) for name in libraries}
    kernel, cores = source.kernel, quietly(source.cores)
    return Environment(
        machine=source.variables.get(MACHINE_VARIABLE) or quietly(source.node) or _UNKNOWN,
        system=quietly(source.system) or _UNKNOWN,
        architecture=quietly(source.architecture) or _UNKNOWN,
        cpu=kernel.cpu() or quietly(source.processor) or _UNKNOWN,
        cores=cores or 0,
        memory=quietly(source.memory) or 0,
        python=quietly(source.python) or _UNKNOWN,
        libraries={name: found for name, found in sorted(versions.items()) if found is not None},
        commit=quietly(partial(source.commit, where)),
        committed=quietly(partial(source.committed, where)),
        load=quietly(source.load),
        runnable=kernel.runnable(),
        swap_used=kernel.swap_used(),
        governor=", ".join(kernel.governors()) or None,
        turbo=kernel.turbo(),
        smt=kernel.smt(),
        hugepages=kernel.hugepages(),
        isolated=kernel.isolated(),
        affinity=quietly(source.affinity) or (),
        cpu_quota=kernel.container.cpu_quota(),
        memory_limit=kernel.container.memory_limit(),
        modes=dict(modes or {}),
        variables={name: source.variables[name] for name in THREAD_VARIABLES if name in source.variables},
    )
