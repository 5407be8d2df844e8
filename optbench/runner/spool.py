"""The folder of the files that children write, and its cleaning up."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Generator
from pathlib import Path

import psutil

from optbench.api import UserError


@contextlib.contextmanager
def spool_folder(beside: Path) -> Generator[Path, None, None]:
    """Give a folder for children's files beside the store; removes it afterwards, and those of processes that died."""
    base = beside.with_name(f"{beside.name}.spool")
    for old in base.glob("*") if base.exists() else ():
        if old.name.isdigit() and not psutil.pid_exists(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    folder = base / str(os.getpid())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"can't write beside the store: {base} ({error.strerror})"
        raise UserError(message, "a folder that can be written", "use --store PATH") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            base.rmdir()
