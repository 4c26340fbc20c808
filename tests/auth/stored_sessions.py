"""Direct access of tests to the stored sessions, not by way of the server."""

from typing import Any, Protocol

from valkey.asyncio import Valkey

from api.auth.token_encryption import digest


class StoredSessions(Protocol):
    """What a session store holds, and how to let time pass; `settings` make a server use it."""

    settings: dict[str, Any]

    async def clear(self) -> None:
        """Delete every session."""

    async def expire_access_tokens(self) -> None:
        """Let every session's access token be expired, so that it must be refreshed."""

    async def make_refresh_due(self) -> None:
        """Let every session's access token expire soon, so that it should be refreshed."""

    async def advance_idle_time(self, seconds: float) -> None:
        """Let every session have had no request for that much longer."""

    async def count(self) -> int:
        """The number of sessions."""

    async def encrypted_tokens(self, cookie: str) -> str:
        """The encrypted tokens of a session."""

    async def set_encrypted_tokens(self, cookie: str, encrypted: str) -> None:
        """Replace the encrypted tokens of a session."""

    async def dump(self) -> str:
        """Everything that is stored, as text."""


class ValkeySessions:
    """The session store in Valkey."""

    def __init__(self, client: Valkey, url: str) -> None:
        self._client = client
        self.settings: dict[str, Any] = {"valkey_url": url}

    async def clear(self) -> None:
        await self._client.flushall()

    async def expire_access_tokens(self) -> None:
        for key in await self._keys():
            await self._set(key, refresh_due_at="0", access_expires_at="0")

    async def make_refresh_due(self) -> None:
        for key in await self._keys():
            await self._set(key, refresh_due_at="0")

    async def advance_idle_time(self, seconds: float) -> None:
        for key in await self._keys():
            remaining_ms: int = await self._client.pttl(key)
            await self._client.pexpire(key, remaining_ms - int(seconds * 1000))

    async def count(self) -> int:
        return len(await self._keys())

    async def encrypted_tokens(self, cookie: str) -> str:
        return (await self._fields(await self._key(cookie)))["sealed_tokens"]

    async def set_encrypted_tokens(self, cookie: str, encrypted: str) -> None:
        await self._set(await self._key(cookie), sealed_tokens=encrypted)

    async def dump(self) -> str:
        return str([(key, await self._fields(key)) for key in await self._keys()])

    async def count_index_entries(self) -> int:
        """The number of entries in the indexes of sessions."""
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
