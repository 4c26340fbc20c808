import asyncio
from datetime import UTC, datetime

from rich.console import Console

from core.audits import AuditedDay, audit
from core.database import open_connection
from core.setting_errors import require_valid
from core.settings import DatabaseSettings


def run_audit(start: datetime, end: datetime) -> bool:
    """Audit the UTC days that overlap the range and print the wrong ones; True if none is wrong."""
    require_valid(DatabaseSettings)
    console = Console(highlight=False, soft_wrap=True)
    days = asyncio.run(_audit(console, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)))
    wrong = [day for day in days if day.wrong_buckets]
    console.print(f"{len(days)} days audited, {len(wrong)} of them wrong.")
    return not wrong


async def _audit(console: Console, start: datetime, end: datetime) -> list[AuditedDay]:
    days = []
    async with open_connection(DatabaseSettings()) as connection:
        async for day in audit(connection, start, end):
            days.append(day)
            if day.wrong_buckets:
                console.print(f"{day.start:%Y-%m-%d}: {day.wrong_buckets} buckets wrong")
    return days
