"""Databases with persistent data, to be killed, started again and filled up."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import psutil

from embedded.database import EmbeddedDatabase
from tests.support.ports import free_port

POSTGRES_VARIABLE = "SENSORFLOW_TEST_FAULT_POSTGRES"
DISK_MEGABYTES = 300
START_SECONDS = 60
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
max_wal_size = 64MB
min_wal_size = 32MB
"""


class Engine:
    """The embedded engine, which is one process."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.start()

    def start(self) -> None:
        self._running = EmbeddedDatabase.start(self._folder, port=self._port)
        self.url = self._running.url

    def kill(self) -> None:
        self._running.kill()


class Cluster:
    """A PostgreSQL of its own, its data in `data` on a `disk` small enough to be filled up."""

    def __init__(self, programs: Path, disk: Path) -> None:
        self._programs, self.disk, self.data = programs, disk, disk / "data"
        port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self._server: subprocess.Popen[bytes] | None = None
        self._begin("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8").wait()
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"{CONFIGURATION}port = {port}\n")
        self.start()

    def start(self) -> None:
        """Start it, unless it runs or is about to by itself, and wait until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline
            if self._server is None or self._server.poll() is not None:
                self._server = self._begin("postgres")
            time.sleep(0.1)

    def kill(self) -> None:
        """End all of its processes at once."""
        if self._server is not None:
            kill_process_tree(self._server)

    def stop(self) -> None:
        """End it as an administrator does, its sessions first."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait()

    def restart_immediately(self) -> None:
        """End every session without a word to it, as pg_ctl restart -m immediate does."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait()
        self.start()

    def fill_disk(self) -> None:
        """Leave no byte free."""
        with (self.disk / "ballast").open("wb", buffering=0) as file:
            while free := shutil.disk_usage(self.disk).free:
                file.write(bytes(min(free, 2**20)))

    def free_disk(self) -> None:
        (self.disk / "ballast").unlink()

    def _answers(self) -> bool:
        command = [str(self._programs / "pg_isready"), "--quiet", f"--dbname={self.url}"]
        return subprocess.run(command, check=False).returncode == 0

    def _begin(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one of PostgreSQL's programs as its user, who alone may; its log is on the disk."""
        with (self.disk / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, "-D", self.data, *arguments],
                user="postgres",
                cwd=self.disk,
                stdout=log,
                stderr=log,
            )


def kill_process_tree(leader: "subprocess.Popen[bytes]") -> None:
    """End a process and its descendants by SIGKILL."""
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(leader.pid).children(recursive=True):
            process.kill()
    leader.kill()
    leader.wait()


@contextmanager
def chosen_database(folder: Path) -> Iterator[Engine | Cluster]:
    """A cluster, if the variable names the folder of PostgreSQL's programs, else the engine."""
    programs = os.environ.get(POSTGRES_VARIABLE)
    with ExitStack() as stack:
        database = (
            Cluster(Path(programs), stack.enter_context(_disk())) if programs else Engine(folder)
        )
        stack.callback(database.kill)
        yield database


@contextmanager
def _disk() -> Iterator[Path]:
    """A disk in memory that PostgreSQL's user owns; only root can mount it."""
    folder = Path(mkdtemp())
    options = f"size={DISK_MEGABYTES}m,uid=postgres,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()
