"""Direct access to the sessions in PostgreSQL."""

from typing import Any

from api.auth.token_encryption import digest
from core.database import Pool


class PostgresSessions:
    """The default session store."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.settings: dict[str, Any] = {}

    async def clear(self) -> None:
        await self._pool.execute("TRUNCATE sessions")

    async def expire_access_tokens(self) -> None:
        await self._pool.execute(
            "UPDATE sessions SET refresh_due_at = now() - INTERVAL '1 second', "
            "access_expires_at = now() - INTERVAL '1 second'"
        )

    async def make_refresh_due(self) -> None:
        await self._pool.execute("UPDATE sessions SET refresh_due_at = now() - INTERVAL '1 second'")

    async def advance_idle_time(self, seconds: float) -> None:
        await self._pool.execute(
            "UPDATE sessions SET last_seen_at = last_seen_at - make_interval(secs => $1)", seconds
        )

    async def count(self) -> int:
        count: int = await self._pool.fetchval("SELECT count(*) FROM sessions")
        return count

    async def encrypted_tokens(self, cookie: str) -> str:
        encrypted: str = await self._pool.fetchval(
            "SELECT sealed_tokens FROM sessions WHERE id = $1", digest(cookie)
        )
        return encrypted

    async def set_encrypted_tokens(self, cookie: str, encrypted: str) -> None:
        await self._pool.execute(
            "UPDATE sessions SET sealed_tokens = $2 WHERE id = $1", digest(cookie), encrypted
        )

    async def dump(self) -> str:
        rows = await self._pool.fetch("SELECT * FROM sessions")
        return " ".join(str(value) for row in rows for value in row.values())
