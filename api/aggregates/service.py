from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from api.aggregates.repository import AggregateRepository
from api.aggregates.schemas import Aggregates, Item
from core.errors import SensorFlowError
from core.readings import utc_now

WINDOWS: Mapping[str, timedelta] = MappingProxyType(
    {
        "24h": timedelta(hours=24),
        "48h": timedelta(hours=48),
        "1w": timedelta(hours=168),
        "1m": timedelta(hours=720),
    }
)


class InvalidIntervalError(SensorFlowError):
    """The interval is none of WINDOWS."""

    code = "invalid_interval"


class AggregateService:
    """Answers for the windows that dashboards ask for."""

    def __init__(self, repository: AggregateRepository) -> None:
        self._repository = repository

    async def window(self, interval: str | None) -> Aggregates:
        """The hours of the window that ends now. Raises InvalidIntervalError."""
        length = WINDOWS.get(interval or "")
        if interval is None or length is None:
            supported = ", ".join(WINDOWS)
            raise InvalidIntervalError(f"Invalid interval. Supported values are {supported}")
        now = utc_now()
        items, stale_ranges = await self._repository.hourly(now - length, now)
        average, total_count = totals(items)
        return Aggregates(
            average=average,
            total_count=total_count,
            items=items,
            as_of=now,
            interval=interval,
            resolution="1h",
            start=now - length,
            end=now,
            stale_ranges=stale_ranges,
        )


def totals(items: list[Item]) -> tuple[float | None, int]:
    """The average over all samples (None without any) and their number."""
    count = sum(item.sample_count for item in items)
    average = sum(item.total_value for item in items) / count if count else None
    return average, count
