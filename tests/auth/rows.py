"""What PostgreSQL holds of sessions, and how to let time pass there."""

from typing import Any

from api.auth.token_encryption import digest
from core.database import Pool


class PostgresSessions:
    """The default store."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.settings: dict[str, Any] = {}

    async def clear(self) -> None:
        await self._pool.execute("TRUNCATE sessions")

    async def let_tokens_run_out(self) -> None:
        await self._pool.execute(
            "UPDATE sessions SET refresh_due_at = now() - INTERVAL '1 second', "
            "access_expires_at = now() - INTERVAL '1 second'"
        )

    async def let_refresh_be_due(self) -> None:
        await self._pool.execute("UPDATE sessions SET refresh_due_at = now() - INTERVAL '1 second'")

    async def let_idle(self, seconds: float) -> None:
        await self._pool.execute(
            "UPDATE sessions SET last_seen_at = last_seen_at - make_interval(secs => $1)", seconds
        )

    async def count(self) -> int:
        count: int = await self._pool.fetchval("SELECT count(*) FROM sessions")
        return count

    async def sealed(self, cookie: str) -> str:
        sealed: str = await self._pool.fetchval(
            "SELECT sealed_tokens FROM sessions WHERE id = $1", digest(cookie)
        )
        return sealed

    async def put_sealed(self, cookie: str, sealed: str) -> None:
        await self._pool.execute(
            "UPDATE sessions SET sealed_tokens = $2 WHERE id = $1", digest(cookie), sealed
        )

    async def everything(self) -> str:
        rows = await self._pool.fetch("SELECT * FROM sessions")
        return " ".join(str(value) for row in rows for value in row.values())
