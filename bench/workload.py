"""A mixed workload: every kind of request the platform gets in a day, each at its own pace."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from bench.acknowledged import Span, as_csv, post_equipment, readings_of
from bench.connection import Connection
from bench.load import post_request
from bench.measure import Bench

SENDERS = 32
WINDOWS = ("24h", "48h", "1w", "1m")

QUERY_SECONDS = 5.0
BATCH_SECONDS = 2.0
BATCH_READINGS = 1_000
BATCH_EQUIPMENT = 50
IMPORT_SECONDS = 300.0
IMPORT_EQUIPMENT = 20
IMPORT_READINGS = 1_000  # of each


@dataclass
class Observed:
    """Latencies since they were last taken, by kind; errors; what was acknowledged."""

    latencies: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    posts: set[int] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)

    def take_latencies(self) -> dict[str, list[float]]:
        """The latencies in seconds since the last call, by kind."""
        taken, self.latencies = self.latencies, defaultdict(list)
        return taken


class MixedWorkload:
    """Single readings of now, batches and files of the past month, and the four windows."""

    def __init__(self, bench: Bench, posts_per_second: float) -> None:
        self._bench = bench
        self._posts_per_second = posts_per_second
        self._started_at = datetime.now(UTC).replace(microsecond=0)
        self.observed = Observed()

    async def run(self, seconds: float) -> None:
        """Run all kinds until the time is over and the last response has arrived."""
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for sender in range(SENDERS):
                tasks.create_task(self._send_posts(sender, until))
            tasks.create_task(self._every(QUERY_SECONDS, "query", self._query, until))
            tasks.create_task(self._every(BATCH_SECONDS, "batch", self._send_batch, until))
            tasks.create_task(self._every(IMPORT_SECONDS, "import", self._import, until))

    def timestamp_of(self, number: int) -> datetime:
        """The timestamp of the post of that number: when it is due."""
        return self._started_at + timedelta(seconds=number / self._posts_per_second)

    async def _send_posts(self, sender: int, until: float) -> None:
        connection = Connection(self._bench.stack.api_url)

        async def post(turn: int) -> None:
            await self._post(connection, turn * SENDERS + sender)

        await asyncio.sleep(sender / self._posts_per_second)
        await self._every(SENDERS / self._posts_per_second, "post", post, until)
        connection.close()

    async def _every(
        self, seconds: float, kind: str, request: Callable[[int], Awaitable[None]], until: float
    ) -> None:
        """Send a request every `seconds`; its latency counts from when it was due to be sent."""
        started = time.monotonic()
        for turn in count():
            due = started + turn * seconds
            if due >= until:
                return
            await asyncio.sleep(due - time.monotonic())
            try:
                await request(turn)
            except (OSError, EOFError, RuntimeError) as error:
                self.observed.errors[f"{kind}: {error!r}"] += 1
            self.observed.latencies[kind].append(time.monotonic() - due)

    async def _post(self, connection: Connection, number: int) -> None:
        reading = {
            "equipmentId": post_equipment(number),
            "timestamp": self.timestamp_of(number).isoformat(),
            "value": number,
        }
        body = json.dumps(reading).encode()
        token = self._bench.token
        status = await connection.send(
            post_request("/sensor-data", token, "application/json", body)
        )
        _require(status, 201)
        self.observed.posts.add(number)

    async def _query(self, turn: int) -> None:
        window = WINDOWS[turn % len(WINDOWS)]
        response = await self._bench.http.get(
            "/sensor-data/aggregated", params={"interval": window}
        )
        _require(response.status_code, 200)

    async def _send_batch(self, turn: int) -> None:
        span = self._span("SOAK-BATCH", turn, BATCH_EQUIPMENT, BATCH_READINGS)
        body = "\n".join(map(json.dumps, readings_of(span)))
        headers = {"Content-Type": "application/x-ndjson"}
        response = await self._bench.http.post("/sensor-data/batch", content=body, headers=headers)
        _require(response.status_code, 200)
        self.observed.spans.append(span)

    async def _import(self, turn: int) -> None:
        spans = [
            self._span(
                "SOAK-IMPORT", turn * IMPORT_EQUIPMENT + device, IMPORT_EQUIPMENT, IMPORT_READINGS
            )
            for device in range(IMPORT_EQUIPMENT)
        ]
        files = {"file": ("soak.csv", as_csv(spans))}
        response = await self._bench.http.post("/sensor-data/upload-csv", files=files)
        _require(response.status_code, 201)
        await self._wait_until_done(response.json()["importId"])
        self.observed.spans += spans

    async def _wait_until_done(self, import_id: str) -> None:
        """Return when the import is visible; one that ends otherwise is an error."""
        while True:
            path = f"/imports/{import_id}"
            response = await self._bench.http.get(path, params={"wait": "visible", "timeout": 30})
            _require(response.status_code, 200)
            state = response.json()["state"]
            if state == "done":
                return
            if state in {"failed", "cancelled"}:
                raise RuntimeError(f"an import ended {state}")

    def _span(self, name: str, turn: int, equipment: int, length: int) -> Span:
        """The next span of the past month for one of so many pieces of equipment."""
        round_, device = divmod(turn, equipment)
        day = timedelta(days=29 - device % 28)
        return Span.after(f"{name}-{device}", self._started_at - day, round_, length)


def _require(status: int, expected: int) -> None:
    if status != expected:
        raise RuntimeError(f"answered {status}")
