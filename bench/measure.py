"""The input of a scenario, and its results: a figure, its baseline, their ratio."""

import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, TypeAlias

import asyncpg
from authlib.integrations.httpx_client import AsyncOAuth2Client

from cli.demo.stack import Stack


@dataclass(frozen=True)
class Plan:
    """How much a scenario does; of what it does `runs` times, medians are reported."""

    runs: int
    import_rows: int
    minutes: float


@dataclass(frozen=True)
class Bench:
    """The running stack, its API as a signed-in client, and the bare database."""

    stack: Stack
    http: AsyncOAuth2Client
    pool: "asyncpg.Pool[asyncpg.Record]"
    plan: Plan

    @property
    def token(self) -> str:
        """The current access token; the client renews an expired one at its next request."""
        return str(self.http.token["access_token"])


@dataclass(frozen=True)
class Result:
    """A figure beside its baseline, taken in the same run; `unit` is that of both.

    `series` holds figures over time, oldest first.
    """

    scenario: str
    unit: str
    measured: float
    baseline: float
    baseline_is: str
    details: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Measured over baseline; None if the baseline is 0."""
        return self.measured / self.baseline if self.baseline else None

    def as_json(self) -> dict[str, Any]:
        """All of it, for the result file."""
        return asdict(self) | {"ratio": self.ratio}


Scenario: TypeAlias = Callable[[Bench], Awaitable[list[Result]]]


async def medians_in_turns(
    runs: int, measured: Callable[[], Awaitable[float]], baseline: Callable[[], Awaitable[float]]
) -> tuple[float, float]:
    """The median of each, run in turns so that disturbances affect both alike."""
    pairs = await pairs_in_turns(runs, measured, baseline)
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


async def pairs_in_turns(
    runs: int, measured: Callable[[], Awaitable[float]], baseline: Callable[[], Awaitable[float]]
) -> list[tuple[float, float]]:
    """Both figures of each turn."""
    return [(await measured(), await baseline()) for _ in range(runs)]


async def least_in_turns(turns: int, *works: Callable[[], Awaitable[float]]) -> list[float]:
    """The minimum of each, all run in turns.

    For durations on a shared machine: other processes only lengthen them, and not all alike.
    """
    taken = [[await work() for work in works] for _ in range(turns)]
    return [min(of_one) for of_one in zip(*taken, strict=True)]


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
