"""How far a file is: a bar on a terminal, a line now and then anywhere else. On standard error."""

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
JUDGING = "judging"
PHASES = {
    ImportState.AWAITING_UPLOAD: SENDING,
    ImportState.QUEUED: "waiting for a worker",
    ImportState.LOADING: "loading",
    ImportState.AGGREGATING: "making visible",
}
LINE_EVERY_SECONDS = 10.0


class Display(Protocol):
    """Shows one file at a time; used as a context manager around them all."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def begin(self, path: Path, phase: str, size_bytes: int | None = None) -> None:
        """A file is begun; how much of it there is to do, counted in bytes, else in rows."""
        ...

    def done(self, amount: int) -> None:
        """So much of it is done."""
        ...

    def at(self, current: Import) -> None:
        """The import of the file, as it stands."""
        ...

    def tell(self, line: str) -> None:
        """Something the user should know, while it goes on."""
        ...

    def ended(self) -> None:
        """The file is done with."""
        ...


def display_for(console: Console) -> Display:
    """Bars where they can be drawn, lines elsewhere."""
    return Bars(console) if console.is_terminal and not console.is_dumb_terminal else Lines(console)


def told_rows(current: Import) -> str:
    """How far an import is: `1,250,000 rows, 312,000/s`."""
    if not current.counts.read:
        return ""
    rate = current.progress.rows_per_second
    loading = rate and current.state is ImportState.LOADING
    return f"{current.counts.read:,} rows" + (f", {rate:,.0f}/s" if loading else "")


class Amount(ProgressColumn):
    """How much is done and how fast, in bytes; else what is `told`, in rows."""

    def render(self, task: Task) -> Text:
        """Such as `1.2 GB of 10.4 GB, 210 MB/s`, or `1,250,000 rows, 312,000/s`."""
        if task.fields["told"] is not None:
            return Text(task.fields["told"])
        if task.total is None:
            return Text(f"{int(task.completed):,} rows")
        speed = int(task.finished_speed or task.speed or 0)
        rate = f", {decimal(speed)}/s" if speed else ""
        return Text(f"{decimal(int(task.completed))} of {decimal(int(task.total))}{rate}")


class Bars:
    """A bar a file and phase, which goes when the file is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(no_wrap=True, max_width=30)),
            TextColumn("{task.fields[phase]}", style="dim"),
            BarColumn(bar_width=20),
            Amount(),
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

    def begin(self, path: Path, phase: str, size_bytes: int | None = None) -> None:
        """Draw the bar of the file's first phase."""
        self._name = path.name
        self._begin(phase, size_bytes)

    def done(self, amount: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bars.update(self._bar, completed=amount)

    def at(self, current: Import) -> None:
        """The import of the file, as it stands."""
        phase = PHASES.get(current.state, self._phase)
        total = current.progress.bytes_total if current.state is ImportState.LOADING else None
        if (phase, total) != (self._phase, self._total):
            self._begin(phase, total)
        if self._bar is not None:
            done = current.progress.bytes_done
            self._bars.update(self._bar, completed=done, told=told_rows(current))

    def tell(self, line: str) -> None:
        """Something the user should know, above the bar."""
        self._console.print(line, markup=False)

    def ended(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bars.remove_task(self._bar)
        self._bar, self._phase = None, ""

    def _begin(self, phase: str, total: int | None = None) -> None:
        self.ended()
        self._phase, self._total = phase, total
        self._bar = self._bars.add_task(self._name, total=total, phase=phase, told=None)


class Lines:
    """A line a phase, and one now and then while rows are loaded."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name = ""
        self._phase = ""
        self._size_bytes: int | None = None
        self._told_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def begin(self, path: Path, phase: str, size_bytes: int | None = None) -> None:
        """Name the file, the phase and the size."""
        self._name, self._phase, self._size_bytes = path.name, phase, size_bytes
        self._line(phase if size_bytes is None else f"{phase} {decimal(size_bytes)}")

    def done(self, amount: int) -> None:
        """Say so now and then."""
        if time.monotonic() - self._told_at >= LINE_EVERY_SECONDS:
            told = f"{amount:,} rows" if self._size_bytes is None else decimal(amount)
            self._line(f"{self._phase}, {told}")

    def at(self, current: Import) -> None:
        """Say so when the phase is another, or now and then."""
        phase = PHASES.get(current.state, self._phase)
        if phase != self._phase or time.monotonic() - self._told_at >= LINE_EVERY_SECONDS:
            self._phase = phase
            self._line(", ".join(filter(None, (phase, told_rows(current)))))

    def tell(self, line: str) -> None:
        """Something the user should know."""
        self._line(line)

    def ended(self) -> None:
        """The report says it."""
        self._name = self._phase = ""

    def _line(self, text: str) -> None:
        self._told_at = time.monotonic()
        prefix = f"{self._name}: " if self._name else ""
        self._console.print(f"{prefix}{text}", markup=False, soft_wrap=True)
