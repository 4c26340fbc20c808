"""An hour of everything at once, at half of the maximum: nothing is lost, nothing grows."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from statistics import median, quantiles

from bench.load import load
from bench.measure import Bench, Result
from bench.memory import NAMES, resident_megabytes
from bench.mix import Mix
from bench.promised import missing_posts, missing_readings
from bench.runs import console
from bench.single_post import CONNECTIONS, requests, require_all_stored

SHARE_OF_MAXIMUM = 0.5
MAXIMUM_REQUESTS = 20_000

Minute = dict[str, float]


async def soak(bench: Bench) -> list[Result]:
    """Half of the single readings that the server takes at most, batches, queries and imports."""
    mix = Mix(bench, SHARE_OF_MAXIMUM * await _maximum(bench))
    minutes: list[Minute] = []
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_watch(mix, minutes))
        await mix.run(bench.plan.minutes * 60)
        watching.cancel()
    return [await _kept_promises(bench, mix), *growth(minutes)]


async def _maximum(bench: Bench) -> float:
    """Single readings a second that the server takes while nothing else is asked of it."""
    posts = islice(requests(bench.token), MAXIMUM_REQUESTS)
    seen = await load(bench.stack.api_url, list(posts), CONNECTIONS)
    require_all_stored(seen)
    console.print(f"  at most {seen.rate:,.0f} single readings/s; half of that from now on")
    return seen.rate


async def _watch(mix: Mix, minutes: list[Minute]) -> None:
    while True:
        await asyncio.sleep(60)
        minutes.append(_minute(mix))
        shown = ", ".join(f"{name} {figure:,.1f}" for name, figure in minutes[-1].items())
        console.print(f"  minute {len(minutes)}: {shown}; errors: {dict(mix.seen.errors)}")


def _minute(mix: Mix) -> Minute:
    """The latencies of the last minute in milliseconds, and the memory now."""
    minute = {f"{part} MB": resident_megabytes(part) for part in NAMES}
    for kind, seconds in sorted(mix.seen.take_latencies().items()):
        minute |= _percentiles(kind, seconds)
    return minute


def _percentiles(kind: str, seconds: Sequence[float]) -> Minute:
    if len(seconds) < 2:  # noqa: PLR2004  # what quantiles asks for; an import is alone
        return {}
    cuts = quantiles(seconds, n=100)
    return {f"{kind} p50 ms": cuts[49] * 1000, f"{kind} p99 ms": cuts[98] * 1000}


async def _kept_promises(bench: Bench, mix: Mix) -> Result:
    seen = mix.seen
    acknowledged = len(seen.posts) + sum(span.length for span in seen.spans)
    missing = await missing_posts(bench.pool, seen.posts)
    missing += sum([await missing_readings(bench.pool, span) for span in seen.spans])
    return Result(
        "soak, readings found afterwards",
        "readings",
        acknowledged - missing,
        acknowledged,
        "those acknowledged",
        {"errors": seen.errors.total(), "single readings": len(seen.posts), **seen.errors},
    )


def growth(minutes: Sequence[Minute]) -> list[Result]:
    """Each figure's median in the last quarter against the second, when all was warm."""
    quarter = max(len(minutes) // 4, 1)
    series = {name: [minute[name] for minute in minutes if name in minute] for name in minutes[-1]}
    return [
        Result(
            f"soak, {name}",
            name.rpartition(" ")[2],
            median(figures[-quarter:]),
            median(figures[quarter : 2 * quarter]),
            "the second quarter's median",
            series={"each minute": figures},
        )
        for name, figures in series.items()
    ]
