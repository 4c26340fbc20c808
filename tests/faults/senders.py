"""Senders that go on through a fault, and take note of what was acknowledged."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx2

START = datetime(2026, 1, 1, tzinfo=UTC)
SENDERS = 8
PAUSE_SECONDS = 0.2  # after a refusal
STORED, REFUSALS = 201, {429, 503}

Row = tuple[str, datetime, float]


class Senders:
    """Each posts reading after reading of one run, whatever becomes of them, until it is ended."""

    def __init__(self, equipment_id: str) -> None:
        self.equipment_id = equipment_id
        self.sent: set[int] = set()
        self.acknowledged: set[int] = set()
        self._numbers = count()
        self._news = asyncio.Condition()
        self._ended = False

    def row(self, number: int) -> Row:
        """The reading of that number as the database has it."""
        return self.equipment_id, START + timedelta(minutes=number), float(number)

    async def post_until_ended(self, client: httpx2.AsyncClient) -> None:
        await self._post_side_by_side(client, self._numbers)

    def end(self) -> None:
        self._ended = True

    async def wait_for(self, acknowledged: int) -> None:
        """Return when so many more readings are acknowledged."""
        enough = len(self.acknowledged) + acknowledged
        async with self._news:
            await self._news.wait_for(lambda: len(self.acknowledged) >= enough)

    async def post_the_rest(self, client: httpx2.AsyncClient) -> None:
        """Send again what was not acknowledged, until it is."""
        self._ended = False
        while missing := self.sent - self.acknowledged:
            await self._post_side_by_side(client, iter(missing))

    async def _post_side_by_side(self, client: httpx2.AsyncClient, numbers: Iterator[int]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(SENDERS):
                tasks.create_task(self._post_each(client, numbers))

    async def _post_each(self, client: httpx2.AsyncClient, numbers: Iterator[int]) -> None:
        for number in numbers:
            self.sent.add(number)
            if await self._is_stored(client, number):
                await self._acknowledge(number)
            else:
                await asyncio.sleep(PAUSE_SECONDS)
            if self._ended:
                return

    async def _acknowledge(self, number: int) -> None:
        async with self._news:
            self.acknowledged.add(number)
            self._news.notify_all()

    async def _is_stored(self, client: httpx2.AsyncClient, number: int) -> bool:
        equipment_id, moment, value = self.row(number)
        body = {"equipmentId": equipment_id, "timestamp": moment.isoformat(), "value": value}
        try:
            answer = await client.post("/sensor-data", json=body)
        except httpx2.TransportError:
            return False
        assert answer.status_code in {STORED, *REFUSALS}, answer.text
        return answer.status_code == STORED
