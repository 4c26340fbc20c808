"""Results of checks, and how they are printed."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

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
    """What one check says; a warning or failure has a remedy."""

    status: Status
    message: str
    remedy: str = ""


def print_results(console: Console, results: Iterable[CheckResult]) -> None:
    """One line each, the remedy under it."""
    for result in results:
        console.print(f"  {result.status} {escape(result.message)}")
        if result.remedy:
            console.print(f"    {escape(result.remedy)}")


def any_failed(results: Iterable[CheckResult]) -> bool:
    """Whether a check failed."""
    return any(result.status is Status.FAILED for result in results)
