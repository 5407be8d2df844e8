"""What `suite` and `run` share: the environment, the server, the session."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.api import UserError

if TYPE_CHECKING:
    from optbench.records import Environment, SuiteSpec
    from optbench.registry import Catalogue
    from optbench.runner.session import Session
    from optbench.store import Store

DEFAULT_STORE = Path(".optbench/results.sqlite")


@contextmanager
def open_session(
    catalogue: Catalogue,
    store: Store,
    spool_beside: Path,
    spec: SuiteSpec,
    *,
    jobs: int = 1,
    preload: tuple[str, ...] = (),
    **callbacks: Any,
) -> Iterator[tuple[Session, Environment]]:
    """Give a session with a running fork server; the server and its children are gone afterwards.

    `spec` says what is asked of each trial and is stored with the run; `preload` are modules that children need,
    `callbacks` further arguments of `Session`. What children write lies beside the file `spool_beside` meanwhile.
    """
    from optbench.runner.client import ForkServer
    from optbench.runner.environment import capture
    from optbench.runner.jobs import JobFactory
    from optbench.runner.scoring import Asked
    from optbench.runner.session import Session
    from optbench.runner.spool import spool_folder

    cores = os.cpu_count() or 1
    if spec.threads > cores:
        raise UserError(f"threads: given {spec.threads}", f"allowed: 1 to {cores}, the cores of this machine")
    with ForkServer(spec.threads, preload) as server, spool_folder(spool_beside) as spool:
        environment = capture(modes=server.modes)
        factory = JobFactory(catalogue, machine=environment.fingerprint, metrics=spec.metrics)
        session = Session(
            factory,
            server,
            store,
            store.begin_run(spec.to_json(), command_line(), environment),
            spool,
            limits=spec.limits,
            asked=Asked(spec.targets, spec.weights),
            memory=spec.memory,
            jobs=jobs,
            **callbacks,
        )
        yield session, environment


def command_line() -> str:
    """Return the command that reproduces this one."""
    return shlex.join(["optbench", *sys.argv[1:]])
