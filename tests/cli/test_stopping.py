"""A signal at any moment of the start stops a process, and nothing of it is left.

    SENSORFLOW_STOP_RUNS=50 pytest tests/cli/test_stopping.py

stops each program 50 times by each signal within its first ten seconds, the demo included, which
takes half an hour.
"""

import asyncio
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support.ports import free_port

RUNS = int(os.environ.get("SENSORFLOW_STOP_RUNS", "2"))
LONG = "SENSORFLOW_STOP_RUNS" in os.environ
ROOT = Path(__file__).parents[2]
FIRST_SECONDS = 10.0
DRAIN_SECONDS = 3
STOP_SECONDS = 20.0  # of which a busy machine may need most: the programs need one or two
AT_ONCE = 6
PYTHON_INTERRUPTED = "Fatal Python error: init_"  # before any line of ours has run
PORTS = ("API", "DATABASE", "IDP")


@dataclass(frozen=True)
class Program:
    """One of ours, ports of its own among its settings."""

    command: str
    settings: Mapping[str, str]
    log: Path

    @property
    def ports(self) -> list[int]:
        return [int(self.settings[name]) for name in self.settings if name.endswith("_PORT")]

    async def start(self) -> asyncio.subprocess.Process:
        with self.log.open("wb") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cli", self.command),
                cwd=ROOT,
                env=os.environ | self.settings,
                stdout=log,
                stderr=log,
            )


def program(command: str, database_url: str, folder: Path) -> Program:
    folder.mkdir()
    names = PORTS if command == "demo" else ("API",)
    settings = {f"SENSORFLOW_{name}_PORT": str(free_port()) for name in names}
    if command == "demo":
        settings["SENSORFLOW_DATA_DIR"] = str(folder / "data")
    else:
        settings |= {
            "SENSORFLOW_DATABASE_URL": database_url,
            "SENSORFLOW_AUTH_ISSUER": "http://127.0.0.1:1",
            "SENSORFLOW_AUTH_AUDIENCE": "sensorflow-api",
            "SENSORFLOW_STORAGE_URL": str(folder / "storage"),
            "SENSORFLOW_API_DRAIN_SECONDS": str(DRAIN_SECONDS),
        }
    return Program(command, settings, folder / "log")


async def stopped(program: Program, number: signal.Signals, after_seconds: float) -> str:
    """What is wrong with how it stopped, if something is."""
    process = await program.start()
    await asyncio.sleep(after_seconds)
    family = descendants(process.pid)
    began = time.monotonic()
    process.send_signal(number)
    try:
        status = await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        return f"still runs after {STOP_SECONDS} s"
    # 128 plus the number: the signal met the command line before there was a handler.
    orderly = status in {0, -number, 128 + number} or PYTHON_INTERRUPTED in program.log.read_text()
    if number is not signal.SIGKILL and not orderly:
        return f"ended with {status}: {program.log.read_text()[-2000:]}"
    while left := [*filter(is_alive, family), *filter(is_listening, program.ports)]:
        if time.monotonic() - began > STOP_SECONDS:
            return f"left behind: {left}"
        await asyncio.sleep(0.1)
    return ""


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; a process that nobody waits for stays as a zombie."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.is_running()
    except psutil.NoSuchProcess:
        return False


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def all_stopped(
    command: str, number: signal.Signals, runs: int, url: str, folder: Path
) -> list[str]:
    """The runs side by side, a few at a time; what went wrong."""
    turns = asyncio.Semaphore(AT_ONCE if command != "demo" else 2)

    async def run(index: int) -> str:
        moment = random.uniform(0, FIRST_SECONDS)  # noqa: S311  # no secret
        async with turns:
            problem = await stopped(program(command, url, folder / str(index)), number, moment)
        return problem and f"{command} {number.name} after {moment:.2f} s: {problem}"

    problems = await asyncio.gather(*map(run, range(runs)))
    return list(filter(None, problems))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_a_signal_during_the_start_stops_the_process(
    migrated_url: str, tmp_path: Path, command: str, number: signal.Signals
) -> None:
    assert await all_stopped(command, number, RUNS, migrated_url, tmp_path) == []


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL] if LONG else [signal.SIGKILL]
)
async def test_a_signal_during_the_start_of_the_demo_stops_all_that_it_started(
    tmp_path: Path, number: signal.Signals
) -> None:
    assert await all_stopped("demo", number, RUNS if LONG else 1, "", tmp_path) == []
