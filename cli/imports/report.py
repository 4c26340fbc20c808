"""The outcome of each file on standard output: for people, or as JSON."""

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from cli.imports.outcomes import ExitCode, Outcome

MARKS = {
    ExitCode.DONE: "[green]✓[/]",
    ExitCode.REJECTS: "[yellow]![/]",
    ExitCode.FAILED: "[red]✗[/]",
    ExitCode.OUT_OF_REACH: "[red]✗[/]",
}


class Report:
    """Prints the outcome of each file when it has ended."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(highlight=False, soft_wrap=True)
        self._codes: list[ExitCode] = []

    def add(self, outcome: Outcome) -> None:
        """Print the outcome of a file."""
        self._codes.append(outcome.exit_code)
        if self._as_json:
            typer.echo(outcome.as_json())
            return
        self._console.print(f"{MARKS[outcome.exit_code]} [bold]{escape(str(outcome.path))}[/]")
        for line in outcome.lines():
            self._console.print(f"  {line}", markup=False)

    def interrupted(self, remaining: Sequence[Path], advice: Sequence[str]) -> None:
        """Print, on standard error, what goes on without this process and what was not begun."""
        typer.echo(f"Interrupted at {remaining[0]}.", err=True)
        for line in advice:
            typer.echo(f"  {line}", err=True)
        if len(remaining) > 1:
            typer.echo(f"  Not begun: {', '.join(map(str, remaining[1:]))}", err=True)

    def finish(self) -> ExitCode:
        """Print the totals of several files; the highest exit code."""
        if len(self._codes) > 1 and not self._as_json:
            self._console.print(_totals(self._codes))
        return max(self._codes)


def _totals(codes: Sequence[ExitCode]) -> str:
    done, rejects = codes.count(ExitCode.DONE), codes.count(ExitCode.REJECTS)
    numbers = {"done": done, "with rejects": rejects, "failed": len(codes) - done - rejects}
    parts = (f"{number} {name}" for name, number in numbers.items() if number)
    return f"{len(codes)} files: {', '.join(parts)}"
