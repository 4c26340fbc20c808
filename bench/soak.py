"""An hour of mixed workload at half of the maximum rate: nothing is lost, nothing grows."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from statistics import median, quantiles

from bench.acknowledged import missing_posts, missing_readings
from bench.load import load
from bench.measure import Bench, Result
from bench.memory import NAMES, resident_megabytes
from bench.runs import console
from bench.single_post import CONNECTIONS, requests, require_all_stored
from bench.workload import MixedWorkload

SHARE_OF_MAXIMUM = 0.5
MAXIMUM_REQUESTS = 20_000

Minute = dict[str, float]


async def soak(bench: Bench) -> list[Result]:
    """Half of the maximum rate of single readings, besides batches, queries and imports."""
    workload = MixedWorkload(bench, SHARE_OF_MAXIMUM * await _maximum(bench))
    minutes: list[Minute] = []
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(_watch(workload, minutes))
        await workload.run(bench.plan.minutes * 60)
        watch.cancel()
    return [await _check_acknowledged(bench, workload), *growth(minutes)]


async def _maximum(bench: Bench) -> float:
    """Single readings per second that the server accepts without any other load."""
    posts = islice(requests(bench.token), MAXIMUM_REQUESTS)
    run = await load(bench.stack.api_url, list(posts), CONNECTIONS)
    require_all_stored(run)
    console.print(f"  at most {run.rate:,.0f} single readings/s; half of that from now on")
    return run.rate


async def _watch(workload: MixedWorkload, minutes: list[Minute]) -> None:
    while True:
        await asyncio.sleep(60)
        minutes.append(_minute(workload))
        figures = ", ".join(f"{name} {figure:,.1f}" for name, figure in minutes[-1].items())
        console.print(
            f"  minute {len(minutes)}: {figures}; errors: {dict(workload.observed.errors)}"
        )


def _minute(workload: MixedWorkload) -> Minute:
    """The latencies of the last minute in milliseconds, and the memory now."""
    minute = {f"{part} MB": resident_megabytes(part) for part in NAMES}
    for kind, seconds in sorted(workload.observed.take_latencies().items()):
        minute |= _percentiles(kind, seconds)
    return minute


def _percentiles(kind: str, seconds: Sequence[float]) -> Minute:
    if len(seconds) < 2:  # noqa: PLR2004  # quantiles requires two; there is one import
        return {}
    cuts = quantiles(seconds, n=100)
    return {f"{kind} p50 ms": cuts[49] * 1000, f"{kind} p99 ms": cuts[98] * 1000}


async def _check_acknowledged(bench: Bench, workload: MixedWorkload) -> Result:
    observed = workload.observed
    acknowledged = len(observed.posts) + sum(span.length for span in observed.spans)
    missing = await missing_posts(bench.pool, observed.posts)
    missing += sum([await missing_readings(bench.pool, span) for span in observed.spans])
    return Result(
        "soak, readings found afterwards",
        "readings",
        acknowledged - missing,
        acknowledged,
        "those acknowledged",
        {
            "errors": observed.errors.total(),
            "single readings": len(observed.posts),
            **observed.errors,
        },
    )


def growth(minutes: Sequence[Minute]) -> list[Result]:
    """Each figure's median in the last quarter against the second's, after the warm-up."""
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
