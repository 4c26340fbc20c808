"""What a scenario works with, and what it gives back: a figure, its baseline, their ratio."""

import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import asyncpg
import httpx2

from cli.demo.stack import Stack


@dataclass(frozen=True)
class Bench:
    """The running stack, its API as a signed-in client, the token, and the bare database."""

    stack: Stack
    http: httpx2.AsyncClient
    token: str
    pool: "asyncpg.Pool[asyncpg.Record]"


@dataclass(frozen=True)
class Result:
    """Medians over the same number of runs, taken in turns; `unit` says of what."""

    scenario: str
    unit: str
    measured: float
    baseline: float
    baseline_is: str
    details: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Measured over baseline."""
        return self.measured / self.baseline

    def as_json(self) -> dict[str, Any]:
        """All of it, for the result file."""
        return asdict(self) | {"ratio": self.ratio}


async def medians_in_turns(
    runs: int, measured: Callable[[], Awaitable[float]], baseline: Callable[[], Awaitable[float]]
) -> tuple[float, float]:
    """The median of each, both run in turns so that what disturbs one disturbs the other."""
    pairs = [(await measured(), await baseline()) for _ in range(runs)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


async def seconds(work: Awaitable[object]) -> float:
    """How long `work` took."""
    start = time.perf_counter()
    await work
    return time.perf_counter() - start


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
