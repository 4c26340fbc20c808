"""Single readings beside bodies of 30 MB, against single readings alone.

Each format is sent twice: new readings, then the same with other values. How long the event loop
was held meanwhile stands in the details.
"""

import asyncio
import gzip
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from statistics import quantiles
from typing import TypeAlias

import polars as pl

from bench.batches import as_lines, as_ndjson
from bench.connection import Connection
from bench.load import post_request
from bench.measure import Bench, Result, free_port
from bench.single_post import requests
from bench.table import empty, require_no_readings, rows_in_order_of_time
from cli.demo.processes import running
from cli.demo.stack import environment_of, wait_until_ready

ROWS = 100_000
ID_CHARACTERS = 230
SENDERS = 8
ALONE_SECONDS = 5
LONG_MILLISECONDS = 5

Encode: TypeAlias = Callable[[str, pl.DataFrame], bytes]


@dataclass
class Phase:
    """What was measured while one body, or none, was on its way."""

    name: str
    began: float
    ended: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def p99(self) -> float:
        """The latency of single readings in milliseconds."""
        return quantiles(self.latencies, n=100)[-1] * 1000


@dataclass(frozen=True)
class RecordedServer:
    """A running server, and the file of its ticks once it has stopped."""

    url: str
    ticks: Path


async def large_bodies(bench: Bench) -> list[Result]:
    """The p99 of single readings while a body is read, validated and written."""
    await require_no_readings(bench.pool)
    phases: list[Phase] = []
    async with _server(bench) as server:
        posts = requests(bench.token)
        phases.append(await _phase("alone", server, posts, asyncio.sleep(ALONE_SECONDS)))
        for name, encode in FORMATS.items():
            for kind, value in (("new", 0), ("changed", 1)):
                work = _send(server.url, encode(bench.token, _rows(value)))
                phases.append(await _phase(f"{name}, {kind}", server, posts, work))
            await empty(bench.pool)
    ticks = json.loads(server.ticks.read_text())
    return [_result(phase, phases[0], ticks) for phase in phases]


async def _phase(
    name: str, server: RecordedServer, posts: Iterator[bytes], work: Awaitable[None]
) -> Phase:
    """Single readings over some connections until the work is done."""
    phase = Phase(name, time.monotonic())
    senders = [asyncio.create_task(_send_singles(server, posts, phase)) for _ in range(SENDERS)]
    await work
    phase.ended = time.monotonic()
    await asyncio.gather(*senders)
    return phase


async def _send_singles(server: RecordedServer, posts: Iterator[bytes], phase: Phase) -> None:
    connection = Connection(server.url)
    while not phase.ended:
        began = time.monotonic()
        status = await connection.send(next(posts))
        phase.latencies.append(time.monotonic() - began)
        if status != HTTPStatus.CREATED:
            raise RuntimeError(f"a reading returned {status}")
    connection.close()


async def _send(url: str, body: bytes) -> None:
    """Send a large body from a process of its own, whose work is not this loop's."""
    command = [sys.executable, "-m", "bench.large_bodies", url]
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    await process.communicate(body)
    if process.returncode:
        raise RuntimeError("the large body was refused")


async def _send_request(url: str, request: bytes) -> int:
    return await Connection(url).send(request)


@asynccontextmanager
async def _server(bench: Bench) -> AsyncIterator[RecordedServer]:
    port = free_port()
    server = RecordedServer(f"http://127.0.0.1:{port}", bench.stack.data_dir / "ticks.json")
    environment = environment_of(bench.stack) | {"SENSORFLOW_API_PORT": str(port)}
    log_path = bench.stack.data_dir / "logs" / f"bench-{port}.log"
    command = (str(server.ticks),)
    with running(command, environment, log_path, module="bench.lag_server"):
        wait_until_ready(server.url, log_path.parent)
        yield server


def _rows(value: float) -> pl.DataFrame:
    """As many rows as a batch may have, with ids so long that a body has 30 MB."""
    rows = rows_in_order_of_time(ROWS)
    padded = pl.col("equipmentId").str.pad_end(ID_CHARACTERS, "x")
    return rows.with_columns(padded, pl.col("value") + value)


def _gzipped(token: str, rows: pl.DataFrame) -> bytes:
    body = gzip.compress(rows.write_ndjson().encode(), 1)
    encoding = "Content-Encoding: gzip\r\n"
    return post_request("/sensor-data/batch", token, "application/x-ndjson", body, encoding)


def _array(token: str, rows: pl.DataFrame) -> bytes:
    body = rows.write_json().encode()
    return post_request("/sensor-data/batch", token, "application/json", body)


FORMATS: dict[str, Encode] = {
    "NDJSON": as_ndjson,
    "gzip": _gzipped,
    "JSON array": _array,
    "line protocol": as_lines,
}


def _result(phase: Phase, alone: Phase, ticks: Sequence[tuple[float, float, float]]) -> Result:
    within = [tick for tick in ticks if phase.began <= tick[0] <= phase.ended]
    held = sorted(1000 * used for _, _, used in within)
    late = sorted(1000 * lag for _, lag, _ in within)
    details = {
        "readings": len(phase.latencies),
        "seconds": phase.ended - phase.began,
        "loop_held_max_milliseconds": held[-1],
        "loop_held_p99_milliseconds": held[len(held) * 99 // 100],
        "loop_late_max_milliseconds": late[-1],
        "loop_late_p99_milliseconds": late[len(late) * 99 // 100],
        "turns_held_longer_than_5_ms": sum(used > LONG_MILLISECONDS for used in held),
    }
    return Result(
        f"p99 of single readings beside 30 MB: {phase.name}",
        "ms",
        phase.p99(),
        alone.p99(),
        "alone",
        details,
    )


if __name__ == "__main__":
    status = asyncio.run(_send_request(sys.argv[1], sys.stdin.buffer.read()))
    sys.exit(status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT))
