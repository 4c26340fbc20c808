"""`bench tsbs`: questions of the Time Series Benchmark Suite, with five other systems beside ours.

All have the same readings, and give the same answer to a question before it is timed. Then they
answer in turns. Bodies of HTTP are received, not parsed; rows of a driver are Python's objects.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from statistics import median

from bench.influx import running_influx
from bench.measure import Bench, Result, seconds
from bench.running_hour import DISTRUST, NOT_ROLLED, ROLLED, until
from bench.runs import console
from bench.table import empty, require_no_readings
from bench.tsbs.comparing import difference
from bench.tsbs.data import Data
from bench.tsbs.in_process import ChDb, DuckDb
from bench.tsbs.influxdb import InfluxDb
from bench.tsbs.postgresql import Hypertable, Platform
from bench.tsbs.questions import Question, Turns, questions
from bench.tsbs.system import Row, System
from bench.tsbs.victoria_metrics import VictoriaMetrics, running_victoria_metrics

BASELINE = "plain SQL over the hypertable"


async def tsbs(bench: Bench) -> list[Result]:
    """Milliseconds of each question, of every system that is installed."""
    await require_no_readings(bench.pool)
    data = Data.of_rows(bench.plan.import_rows)
    with ExitStack() as running:
        ours, plain = Platform(bench), Hypertable(bench)
        systems: list[System] = [plain, *_installed(bench, running)]
        try:
            await _load(bench, systems, data)
            return [
                await _ask(bench.plan.runs, name, turns, [ours, *systems])
                for name, turns in questions(data).items()
            ]
        finally:
            await empty(bench.pool)


def _installed(bench: Bench, running: ExitStack) -> Iterator[System]:
    """The other systems; of one that is missing, it is printed how to get it."""
    folder = bench.stack.data_dir
    if influxd := _program("influxd", "influxdb"):
        yield InfluxDb(running.enter_context(running_influx(influxd, folder / "influx-tsbs")))
    if victoria := _program("victoria-metrics", "victoria-metrics"):
        yield VictoriaMetrics(
            running.enter_context(running_victoria_metrics(victoria, folder / "victoria"))
        )
    for module, system in (("duckdb", DuckDb), ("chdb", ChDb)):
        if find_spec(module):
            yield system(folder)
        else:
            console.print(f"  tsbs: without {system.name} (make bench-engines)")


def _program(name: str, package: str) -> str | None:
    """The path of the program, or None, after it was printed how to get it."""
    path = shutil.which(name)
    if path is None:
        console.print(f"  tsbs: without {name} (apt-get install {package})")
    return path


async def _load(bench: Bench, systems: list[System], data: Data) -> None:
    """Store the readings everywhere, and wait until the running hour is rolled forward."""
    for system in systems:
        console.print(f"  tsbs: loaded {system.name}, {await seconds(system.load(data)):,.0f} s")
        if isinstance(system, Hypertable):
            await bench.pool.execute(DISTRUST)
            await until(bench.pool, NOT_ROLLED)
    await until(bench.pool, ROLLED)


async def _ask(runs: int, name: str, turns: Turns, systems: list[System]) -> Result:
    able = [system for system in systems if system.statement(turns(0)) is not None]
    await _require_the_same(name, turns(0), able)
    taken: dict[str, list[float]] = {system.name: [] for system in able}
    for turn in range(1, runs + 1):
        for system in able:
            taken[system.name].append(await _milliseconds(system, turns(turn)))
    medians = {system: median(times) for system, times in taken.items()}
    ours, plain = medians.pop(Platform.name), medians.pop(Hypertable.name)
    least = {f"{system}, least": min(times) for system, times in taken.items()}
    return Result(f"tsbs, {name}", "ms", ours, plain, BASELINE, medians | least)


async def _require_the_same(name: str, question: Question, systems: list[System]) -> None:
    """Raise RuntimeError unless all answer as plain SQL does."""
    found = {system.name: await _rows(system, question) for system in systems}
    for system, rows in found.items():
        if how := difference(found[Hypertable.name], rows):
            raise RuntimeError(f"{system} answers {name} with {how}")


async def _rows(system: System, question: Question) -> list[Row]:
    answer = await system.answer(_statement(system, question))
    return list(system.rows(question, answer))


async def _milliseconds(system: System, question: Question) -> float:
    return 1000 * await seconds(system.answer(_statement(system, question)))


def _statement(system: System, question: Question) -> str:
    statement = system.statement(question)
    if statement is None:
        raise ValueError(f"{system.name} cannot be asked {question}")
    return statement
