"""What became of the files: for people, or as JSON. On standard output."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from api.imports.schemas import Import
from cli.imports.outcomes import ExitCode, Outcome

MARKS = {
    ExitCode.DONE: "[green]✓[/]",
    ExitCode.REJECTS: "[yellow]![/]",
    ExitCode.FAILED: "[red]✗[/]",
    ExitCode.OUT_OF_REACH: "[red]✗[/]",
}


class Report:
    """Tells of each file when it has ended."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(highlight=False, soft_wrap=True)
        self._codes: list[ExitCode] = []

    def add(self, outcome: Outcome) -> None:
        """Tell of a file."""
        self._codes.append(outcome.exit_code)
        if self._as_json:
            typer.echo(outcome.as_json())
            return
        self._console.print(f"{MARKS[outcome.exit_code]} [bold]{escape(str(outcome.path))}[/]")
        for line in _lines(outcome):
            self._console.print(f"  {line}", markup=False)

    def interrupted(self, left: Sequence[Path], advice: Sequence[str]) -> None:
        """Tell, beside the report, what goes on without us and what was not begun."""
        typer.echo(f"Interrupted at {left[0]}.", err=True)
        for line in advice:
            typer.echo(f"  {line}", err=True)
        if len(left) > 1:
            typer.echo(f"  Not begun: {', '.join(map(str, left[1:]))}", err=True)

    def end(self) -> ExitCode:
        """The worst there was, after a line about all of several files."""
        if len(self._codes) > 1 and not self._as_json:
            self._console.print(_total(self._codes))
        return max(self._codes)


def _total(codes: Sequence[ExitCode]) -> str:
    done, rejects = codes.count(ExitCode.DONE), codes.count(ExitCode.REJECTS)
    numbers = {"done": done, "with rejects": rejects, "failed": len(codes) - done - rejects}
    told = ", ".join(f"{number} {word}" for word, number in numbers.items() if number)
    return f"{len(codes)} files: {told}"


def _lines(outcome: Outcome) -> Iterator[str]:
    if outcome.failure:
        yield f"{outcome.failure.code}: {outcome.failure.message}"
    if outcome.result:
        yield from _import_lines(outcome.result)
    if outcome.rejects_path:
        yield f"rejected rows are in {outcome.rejects_path}"


def _import_lines(result: Import) -> Iterator[str]:
    counts = result.counts
    yield (
        f"{counts.read:,} rows: {counts.inserted:,} inserted, {counts.replaced:,} replaced, "
        f"{counts.unchanged:,} unchanged, {counts.rejected:,} rejected"
    )
    if result.range:
        yield f"from {_moment(result.range.start)} to {_moment(result.range.end)} UTC"
    if result.duplicate_of:
        yield f"the same bytes came before, as import {result.duplicate_of}"
    yield f"import {result.import_id} {result.state}{_pace(result)}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _pace(result: Import) -> str:
    if not result.started_at or not result.finished_at:
        return ""
    seconds = (result.finished_at - result.started_at).total_seconds()
    return f" in {seconds:,.1f} s, {result.counts.read / max(seconds, 1e-3):,.0f} rows/s"
