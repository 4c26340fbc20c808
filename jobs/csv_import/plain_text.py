"""Any text file as plain UTF-8 with line feeds, its lines numbered as those of its source."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from core.imports import ImportOptions
from jobs.csv_import.archive import archived_text
from jobs.csv_import.decompression import beginning_decompressed, decompressed, inflated_too_large
from jobs.csv_import.text_encoding import recoded, with_line_feeds
from jobs.csv_import.workbook import sheet_as_csv

# Each returns another content of the file, in chunks; None: it is as it should be.
Stage: TypeAlias = Callable[[Path, ImportOptions], Iterator[bytes] | None]

TEXT_STAGES: tuple[Stage, ...] = (decompressed, recoded, with_line_feeds)
STAGES: dict[str, tuple[Stage, ...]] = {
    ".zip": (archived_text, recoded, with_line_feeds),
    ".xlsx": (sheet_as_csv,),
    ".parquet": (),
}


def stages_of(path: Path, *, is_cut: bool = False) -> tuple[Stage, ...]:
    """What makes plain text of a file with this name, or of its beginning, in order."""
    stages = STAGES.get(path.suffix.lower(), TEXT_STAGES)
    return (beginning_decompressed, *stages[1:]) if is_cut else stages


@asynccontextmanager
async def plain_text_file(
    path: Path, options: ImportOptions, max_bytes: int, raise_if_stopping: Callable[[], None]
) -> AsyncIterator[Path]:
    """The file itself if it is plain text or Parquet, else a temporary one with its text.

    Raises FileFaultError when it cannot be unpacked, or not within `max_bytes`.
    """
    stages = stages_of(path)
    with TemporaryDirectory(prefix="sensorflow-") as folder:
        for number, stage in enumerate(stages):
            content = await to_thread(stage, path, options)
            if content is not None:
                target = Path(folder) / f"{number}.csv"
                await to_thread(_write, content, target, max_bytes, raise_if_stopping)
                (Path(folder) / f"{number - 1}.csv").unlink(missing_ok=True)
                path = target
        yield path


def _write(
    content: Iterator[bytes], target: Path, max_bytes: int, raise_if_stopping: Callable[[], None]
) -> None:
    """Write the content to `target`, in bounded memory."""
    with target.open("wb") as output:
        for chunk in content:
            raise_if_stopping()
            if output.tell() + len(chunk) > max_bytes:
                raise inflated_too_large(max_bytes)
            output.write(chunk)
