"""Clients that keep sending through a fault, and record what was acknowledged."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx2

START = datetime(2026, 1, 1, tzinfo=UTC)
SENDERS = 8
RETRY_DELAY_SECONDS = 0.2  # after an error response
STORED, RETRIABLE = 201, {429, 503}

Row = tuple[str, datetime, float]


class Senders:
    """Concurrent senders, which each post one reading after the other until they are ended."""

    def __init__(self, equipment_id: str) -> None:
        self.equipment_id = equipment_id
        self.sent: set[int] = set()
        self.acknowledged: set[int] = set()
        self._numbers = count()
        self._changed = asyncio.Condition()
        self._ended = False

    def row(self, number: int) -> Row:
        """The reading of that number, as it is stored."""
        return self.equipment_id, START + timedelta(minutes=number), float(number)

    async def post_until_ended(self, client: httpx2.AsyncClient) -> None:
        await self._post_concurrently(client, self._numbers)

    def end(self) -> None:
        self._ended = True

    async def wait_for(self, acknowledged: int) -> None:
        """Wait until so many more readings are acknowledged."""
        enough = len(self.acknowledged) + acknowledged
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.acknowledged) >= enough)

    async def post_the_rest(self, client: httpx2.AsyncClient) -> None:
        """Send again what was not acknowledged, until everything is."""
        self._ended = False
        while missing := self.sent - self.acknowledged:
            await self._post_concurrently(client, iter(missing))

    async def _post_concurrently(self, client: httpx2.AsyncClient, numbers: Iterator[int]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(SENDERS):
                tasks.create_task(self._post_each(client, numbers))

    async def _post_each(self, client: httpx2.AsyncClient, numbers: Iterator[int]) -> None:
        for number in numbers:
            self.sent.add(number)
            if await self._is_stored(client, number):
                await self._acknowledge(number)
            else:
                await asyncio.sleep(RETRY_DELAY_SECONDS)
            if self._ended:
                return

    async def _acknowledge(self, number: int) -> None:
        async with self._changed:
            self.acknowledged.add(number)
            self._changed.notify_all()

    async def _is_stored(self, client: httpx2.AsyncClient, number: int) -> bool:
        equipment_id, ts, value = self.row(number)
        body = {"equipmentId": equipment_id, "timestamp": ts.isoformat(), "value": value}
        try:
            response = await client.post("/sensor-data", json=body)
        except httpx2.TransportError:
            return False
        assert response.status_code in {STORED, *RETRIABLE}, response.text
        return response.status_code == STORED
