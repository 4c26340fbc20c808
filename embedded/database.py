"""The embedded engine: TimescaleDB in WebAssembly, for development, demos and tests only.

docs/embedded-engine.md says what it can and cannot do.
"""

import fcntl
import hashlib
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from embedded.node import EMBEDDED_FOLDER, install_packages
from embedded.process import NodeProgram

_PROGRAM = EMBEDDED_FOLDER / "engine" / "main.mjs"
_LOG = "engine.log"
_START_TIMEOUT_SECONDS = 60.0


class EmbeddedDatabase:
    """A running engine; the end of a `with` block stops it."""

    def __init__(self, program: NodeProgram) -> None:
        self.program = program
        self.port = int(program.ready["port"])

    @classmethod
    def start(cls, data_dir: Path, *options: str, port: int = 0) -> Self:
        """Start on `data_dir`, which is created if missing, and return when clients can connect.

        `port` 0 takes any free one; `options` are its command-line options, see
        docs/embedded-engine.md. The log is engine.log in `data_dir`. Raises NodeMissingError,
        PackagesNotInstalledError, or StartFailedError with code `port_in_use`, `data_dir_locked`,
        `package_missing`, `package_integrity`, `engine_start` or `usage`.
        """
        install_packages()
        arguments = ("--data-dir", str(data_dir), "--port", str(port), *options)
        log_path = data_dir / _LOG
        return cls(
            NodeProgram.start(
                _PROGRAM,
                *arguments,
                log_path=log_path,
                ready_timeout_seconds=_START_TIMEOUT_SECONDS,
            )
        )

    @property
    def url(self) -> str:
        """The connection URI, for libpq, asyncpg and others."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def stop(self) -> int:
        """Shut down cleanly after the running statement; the exit status, 0 if that worked."""
        return self.program.terminate()

    def kill(self) -> int:
        """Kill it at once, as a crash would."""
        return self.program.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def prepare_template(cache: Path) -> Path:
    """A data directory with a new database in it, created once for each version of the engine.

    A copy of it starts in about a second, an empty directory takes three. Processes that call this
    at the same time wait for the one that creates it.
    """
    cache.mkdir(parents=True, exist_ok=True)
    template = cache / f"engine-{_fingerprint()}"
    with (cache / "engine.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            _create_template(template)
    return template


def copy_template(template: Path, data_dir: Path) -> None:
    """Copy a template that no engine runs on to `data_dir`, which must not exist."""
    shutil.copytree(template, data_dir, ignore=shutil.ignore_patterns(_LOG))


def _create_template(template: Path) -> None:
    unfinished = template.with_suffix(".unfinished")
    for outdated in template.parent.glob("engine-*"):
        shutil.rmtree(outdated)
    EmbeddedDatabase.start(unfinished).stop()
    unfinished.rename(template)


def _fingerprint() -> str:
    """A hash of what creates the database: the packages, and the modules that run initdb."""
    names = ("wasm", "engine-worker", "database-init")
    modules = [_PROGRAM.parent / f"{name}.mjs" for name in names]
    sources = [EMBEDDED_FOLDER / "package-lock.json", *modules]
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
