"""The programs of the platform as processes that are killed and started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from embedded.database import EmbeddedDatabase
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
SERVER_USER = "postgres"  # the server refuses to run as root


class Victim(Protocol):
    """A process that can be killed at any time."""

    def start(self) -> None:
        """Start it on the data that the last run left."""
        ...

    def kill(self) -> None:
        """End it at once, as a crash would."""
        ...


@dataclass
class Program:
    """One of ours, with settings from the environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)  # the API has a process that supervises
            self.process.wait()


class EmbeddedServer:
    """The embedded engine, on one port."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._port = free_port()
        self._running: EmbeddedDatabase | None = None
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        self._running = EmbeddedDatabase.start(self._data_dir, port=self._port)

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()


class NativeServer:
    """A cluster of its own by the binaries in a folder."""

    def __init__(self, binaries: Path, data_dir: Path) -> None:
        self._binaries = binaries
        self._data_dir = data_dir
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._user = SERVER_USER if os.getuid() == 0 else None
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        subprocess.run(
            [binaries / "initdb", "-D", data_dir, "-U", "postgres", "-A", "trust"],
            user=self._user,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def start(self) -> None:
        settings = (
            "shared_preload_libraries=timescaledb",
            "timescaledb.telemetry_level=off",
            f"unix_socket_directories={self._data_dir}",
        )
        options = [part for setting in settings for part in ("-c", setting)]
        with (self._data_dir.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._binaries / "postgres",
                    "-D",
                    self._data_dir,
                    "-p",
                    str(self._port),
                    *options,
                ],
                user=self._user,
                stdout=log,
                stderr=log,
            )
        while not self._accepts():
            if self._process.poll() is not None:  # processes of the last one are still ending
                self.start()
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _accepts(self) -> bool:
        probe = subprocess.run(
            [self._binaries / "pg_isready", "-q", "-d", self.url], check=False, timeout=10
        )
        return probe.returncode == 0


@contextmanager
def database_server(binaries: str | None) -> Iterator[NativeServer | EmbeddedServer]:
    """A started server of the binaries' kind, or the embedded engine; killed at the end."""
    with TemporaryDirectory(prefix="sensorflow-kills-") as folder:
        if os.getuid() == 0:
            subprocess.run(["chown", SERVER_USER, folder], check=bool(binaries))
        data_dir = Path(folder) / "data"
        server = NativeServer(Path(binaries), data_dir) if binaries else EmbeddedServer(data_dir)
        server.start()
        try:
            yield server
        finally:
            server.kill()
