"""The stores that sessions may be in, as a test looks into them behind the server's back."""

from typing import Any, Protocol

from valkey.asyncio import Valkey

from api.auth.token_encryption import digest


class SessionsAtRest(Protocol):
    """What a store holds, and how to let time pass there; `settings` make a server use it."""

    settings: dict[str, Any]

    async def clear(self) -> None:
        """No session is left."""

    async def let_tokens_run_out(self) -> None:
        """Every session's access token is past its time and must be renewed."""

    async def let_refresh_be_due(self) -> None:
        """Every session's access token holds a little longer and should be renewed."""

    async def let_idle(self, seconds: float) -> None:
        """Nobody has been seen for so long."""

    async def count(self) -> int:
        """How many sessions there are."""

    async def sealed(self, cookie: str) -> str:
        """The sealed tokens of that session."""

    async def put_sealed(self, cookie: str, sealed: str) -> None:
        """Other sealed tokens for that session."""

    async def everything(self) -> str:
        """All that is stored, as text."""


class ValkeySessions:
    """The other store."""

    def __init__(self, client: Valkey, url: str) -> None:
        self._client = client
        self.settings: dict[str, Any] = {"valkey_url": url}

    async def clear(self) -> None:
        await self._client.flushall()

    async def let_tokens_run_out(self) -> None:
        for key in await self._keys():
            await self._set(key, refresh_due_at="0", access_expires_at="0")

    async def let_refresh_be_due(self) -> None:
        for key in await self._keys():
            await self._set(key, refresh_due_at="0")

    async def let_idle(self, seconds: float) -> None:
        for key in await self._keys():
            left: int = await self._client.pttl(key)
            await self._client.pexpire(key, left - int(seconds * 1000))

    async def count(self) -> int:
        return len(await self._keys())

    async def sealed(self, cookie: str) -> str:
        return (await self._fields(await self._key(cookie)))["sealed_tokens"]

    async def put_sealed(self, cookie: str, sealed: str) -> None:
        await self._set(await self._key(cookie), sealed_tokens=sealed)

    async def everything(self) -> str:
        return str([(key, await self._fields(key)) for key in await self._keys()])

    async def indexed(self) -> int:
        """How many entries lead to sessions."""
        names = [key async for key in self._client.scan_iter(_type="zset")]
        return sum([await self._client.zcard(name) for name in names])

    async def _keys(self, id_pattern: str = "*") -> list[str]:
        pattern = f"sensorflow:*:session:{id_pattern}"
        return [key async for key in self._client.scan_iter(match=pattern)]

    async def _key(self, cookie: str) -> str:
        (key,) = await self._keys(digest(cookie).hex())
        return key

    async def _set(self, key: str, **fields: str) -> None:
        await self._client.hset(key, mapping=fields)  # type: ignore[misc]  # typed for both clients

    async def _fields(self, key: str) -> dict[str, str]:
        fields: dict[str, str] = await self._client.hgetall(key)  # type: ignore[misc]  # as above
        return fields
