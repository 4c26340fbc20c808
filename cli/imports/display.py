"""The progress of a file on standard error: a bar on a terminal, else lines at intervals."""

import time
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from api.imports.schemas import Import
from core.imports import ImportState

SENDING = "sending"
VALIDATING = "validating"
PHASES = {
    ImportState.AWAITING_UPLOAD: SENDING,
    ImportState.QUEUED: "waiting for a worker",
    ImportState.LOADING: "loading",
    ImportState.AGGREGATING: "making visible",
}
LINE_INTERVAL_SECONDS = 10.0


class Display(Protocol):
    """Shows one file at a time; used as a context manager around them all."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def start_file(self, path: Path, phase: str, size_bytes: int | None = None) -> None:
        """Start with a file; its progress is counted in bytes, or in rows without `size_bytes`."""
        ...

    def set_done(self, amount: int) -> None:
        """Show how many bytes or rows of the file are done."""
        ...

    def show_import(self, current: Import) -> None:
        """Show the phase and progress of the file's import."""
        ...

    def notify(self, line: str) -> None:
        """Print a message beside the progress."""
        ...

    def finish_file(self) -> None:
        """Remove the progress of the file."""
        ...


def display_for(console: Console) -> Display:
    """Progress bars where they can be drawn, lines elsewhere."""
    draws_bars = console.is_terminal and not console.is_dumb_terminal
    return ProgressBars(console) if draws_bars else ProgressLines(console)


def format_rows(current: Import) -> str:
    """The rows read, and their rate while loading: `1,250,000 rows, 312,000/s`."""
    if not current.counts.read:
        return ""
    rate = current.progress.rows_per_second
    loading = rate and current.state is ImportState.LOADING
    return f"{current.counts.read:,} rows" + (f", {rate:,.0f}/s" if loading else "")


class AmountColumn(ProgressColumn):
    """Bytes done and their rate; else the task's `rows`, a text."""

    def render(self, task: Task) -> Text:
        """Such as `1.2 GB of 10.4 GB, 210 MB/s`, or `1,250,000 rows, 312,000/s`."""
        if task.fields["rows"] is not None:
            return Text(task.fields["rows"])
        if task.total is None:
            return Text(f"{int(task.completed):,} rows")
        speed = int(task.finished_speed or task.speed or 0)
        rate = f", {decimal(speed)}/s" if speed else ""
        return Text(f"{decimal(int(task.completed))} of {decimal(int(task.total))}{rate}")


class ProgressBars:
    """A bar for each phase of a file, removed when the file is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(no_wrap=True, max_width=30)),
            TextColumn("{task.fields[phase]}", style="dim"),
            BarColumn(bar_width=20),
            AmountColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
        )
        self._name = ""
        self._phase = ""
        self._total: int | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def start_file(self, path: Path, phase: str, size_bytes: int | None = None) -> None:
        """Draw the bar of the file's first phase."""
        self._name = path.name
        self._start_phase(phase, size_bytes)

    def set_done(self, amount: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bars.update(self._bar, completed=amount)

    def show_import(self, current: Import) -> None:
        """Move the bar; a new one for another phase."""
        phase = PHASES.get(current.state, self._phase)
        total = current.progress.bytes_total if current.state is ImportState.LOADING else None
        if (phase, total) != (self._phase, self._total):
            self._start_phase(phase, total)
        if self._bar is not None:
            done = current.progress.bytes_done
            self._bars.update(self._bar, completed=done, rows=format_rows(current))

    def notify(self, line: str) -> None:
        """Print a message above the bar."""
        self._console.print(line, markup=False)

    def finish_file(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bars.remove_task(self._bar)
        self._bar, self._phase = None, ""

    def _start_phase(self, phase: str, total: int | None = None) -> None:
        self.finish_file()
        self._phase, self._total = phase, total
        self._bar = self._bars.add_task(self._name, total=total, phase=phase, rows=None)


class ProgressLines:
    """A line for each phase, and one every LINE_INTERVAL_SECONDS within it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name = ""
        self._phase = ""
        self._size_bytes: int | None = None
        self._printed_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def start_file(self, path: Path, phase: str, size_bytes: int | None = None) -> None:
        """Print the file's name, phase and size."""
        self._name, self._phase, self._size_bytes = path.name, phase, size_bytes
        self._print(phase if size_bytes is None else f"{phase} {decimal(size_bytes)}")

    def set_done(self, amount: int) -> None:
        """Print the amount, unless a line was printed recently."""
        if time.monotonic() - self._printed_at >= LINE_INTERVAL_SECONDS:
            done = f"{amount:,} rows" if self._size_bytes is None else decimal(amount)
            self._print(f"{self._phase}, {done}")

    def show_import(self, current: Import) -> None:
        """Print phase and rows when the phase has changed, or no line was printed recently."""
        phase = PHASES.get(current.state, self._phase)
        if phase != self._phase or time.monotonic() - self._printed_at >= LINE_INTERVAL_SECONDS:
            self._phase = phase
            self._print(", ".join(filter(None, (phase, format_rows(current)))))

    def notify(self, line: str) -> None:
        """Print a message."""
        self._print(line)

    def finish_file(self) -> None:
        """Print nothing: the report says how the file ended."""
        self._name = self._phase = ""

    def _print(self, text: str) -> None:
        self._printed_at = time.monotonic()
        prefix = f"{self._name}: " if self._name else ""
        self._console.print(f"{prefix}{text}", markup=False, soft_wrap=True)
