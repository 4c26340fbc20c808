"""Results of checks, and how they are printed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.markup import escape


class Status(StrEnum):
    """The outcome of a check; the value is its mark on the screen."""

    PASSED = "[green]✓[/]"
    SKIPPED = "[dim]-[/]"
    WARNING = "[yellow]![/]"
    FAILED = "[red]✗[/]"


@dataclass(frozen=True)
class CheckResult:
    """What one check has seen; a warning or failure has a remedy, and says why it matters."""

    status: Status
    message: str
    remedy: str = ""
    why: str = ""


@dataclass(frozen=True)
class Report:
    """The results of one check."""

    subject: str
    results: list[CheckResult] = field(default_factory=list)


def print_results(console: Console, results: Iterable[CheckResult]) -> None:
    """One line each, why it matters and the remedy under it."""
    for result in results:
        console.print(f"  {result.status} {escape(result.message)}")
        if result.why:
            console.print(f"    [dim]{escape(result.why)}[/]")
        if result.remedy:
            console.print(f"    {escape(result.remedy)}")


def print_reports(console: Console, reports: Iterable[Report]) -> None:
    """Each subject with its results, then how many there are of each outcome."""
    counts: Counter[Status] = Counter()
    for report in reports:
        console.print(f"[bold]{escape(report.subject)}[/]")
        print_results(console, report.results)
        counts.update(result.status for result in report.results)
    numbers = (f"{status} {counts[status]} {status.name.lower()}" for status in Status)
    console.print(f"\n{'  '.join(numbers)}")


def as_json(reports: Sequence[Report]) -> dict[str, Any]:
    """For programs: whether nothing has failed, and every result."""
    results = [
        {"check": report.subject, **asdict(result), "status": result.status.name.lower()}
        for report in reports
        for result in report.results
    ]
    healthy = not any(any_failed(report.results) for report in reports)
    return {"healthy": healthy, "results": results}


def any_failed(results: Iterable[CheckResult]) -> bool:
    """Whether a check failed."""
    return any(result.status is Status.FAILED for result in results)


def passed(message: str) -> CheckResult:
    """All is well."""
    return CheckResult(Status.PASSED, message)


def skipped(message: str) -> CheckResult:
    """Nothing could be looked at, or there is nothing to look at."""
    return CheckResult(Status.SKIPPED, message)


def warning(message: str, why: str, remedy: str) -> CheckResult:
    """It works, but not for ever, or not well."""
    return CheckResult(Status.WARNING, message, remedy, why)


def failed(message: str, why: str, remedy: str) -> CheckResult:
    """It is broken."""
    return CheckResult(Status.FAILED, message, remedy, why)
