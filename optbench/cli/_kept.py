"""Whether a folder holds a report already, just as it would be written once more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.records import content_hash

if TYPE_CHECKING:
    from optbench.cli._reporters import Chosen
    from optbench.records import ReportModel

_NAME = ".written.json"


@dataclass(frozen=True)
class Kept:
    """What was written into a folder, and from what; noted in the folder itself."""

    folder: Path
    content: str  # hash of what is to be written

    @classmethod
    def of(cls, folder: Path, model: ReportModel, reporters: Sequence[Chosen]) -> Kept:
        """Return the note on a report that is about to be written.

        Two reports are the same where the model is, by the same sources. The model's date does not count, and of the
        environment what makes measurements comparable: how busy the machine is while stored results are read says
        nothing of them.
        """
        from optbench.registry import source_hash

        data = {**model.to_json(), "created": "", "environment": model.environment.fingerprint}
        sources = {
            reporter.registered.qualified: [source_hash(reporter.registered), dict(reporter.options)]
            for reporter in reporters
        }
        return cls(folder, content_hash([data, sources, _engine()], length=64))

    def files(self) -> tuple[Path, ...]:
        """Return the files, in the order in which they were written; none where one is gone, edited, or of another."""
        try:
            noted = json.loads((self.folder / _NAME).read_text(encoding="utf-8"))
            same = noted["content"] == self.content
            found = {self.folder / name: stamp for name, stamp in noted["files"]}
            return tuple(found) if same and all(_stamp(path) == stamp for path, stamp in found.items()) else ()
        except (OSError, ValueError, TypeError, LookupError):
            return ()

    def note(self, files: Sequence[Path]) -> None:
        """Note that `files` were written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        noted = {"content": self.content, "files": [[relpath(path, self.folder), _stamp(path)] for path in files]}
        (self.folder / _NAME).write_text(json.dumps(noted), encoding="utf-8")


def _stamp(path: Path) -> list[int]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns]


def _engine() -> str:
    """Return the hash of the engine, whose records reporters read."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
