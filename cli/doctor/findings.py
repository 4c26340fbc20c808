"""What an examination finds, and how that is printed."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Console
from rich.markup import escape


class Verdict(StrEnum):
    """How one thing is; the value is its mark on the screen."""

    GOOD = "[green]✓[/]"
    UNCHECKED = "[dim]-[/]"
    DOUBTFUL = "[yellow]![/]"
    WRONG = "[red]✗[/]"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; a remedy belongs to what is not good."""

    verdict: Verdict
    told: str
    remedy: str = ""


def print_findings(console: Console, findings: Iterable[Finding]) -> None:
    """One line each, the remedy under it."""
    for finding in findings:
        console.print(f"  {finding.verdict} {escape(finding.told)}")
        if finding.remedy:
            console.print(f"    {escape(finding.remedy)}")


def any_wrong(findings: Iterable[Finding]) -> bool:
    """Whether something cannot work."""
    return any(finding.verdict is Verdict.WRONG for finding in findings)
