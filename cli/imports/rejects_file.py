"""Rejected rows beside the file they came from."""

import filecmp
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO


async def save_rejects(source: Path, content: AsyncIterator[bytes]) -> Path:
    """Write `content` as SOURCE.rejects.csv, and give the path.

    An existing file is never overwritten, since its rows may have been corrected by hand: if the
    latest one has the same content its path is returned, else the new file gets a number. Raises
    OSError, and then leaves no file.
    """
    file, path, previous = _create(source)
    try:
        with file:
            async for chunk in content:
                file.write(chunk)
    except BaseException:
        path.unlink()
        raise
    if previous and filecmp.cmp(path, previous, shallow=False):
        path.unlink()
        return previous
    return path


def _create(source: Path) -> tuple[BinaryIO, Path, Path | None]:
    """A new file, open for writing, its path, and the path with the number before it."""
    previous = None
    for path in _candidates(source):
        try:
            return path.open("xb"), path, previous
        except FileExistsError:
            previous = path
    raise AssertionError  # the candidates never end


def _candidates(source: Path) -> Iterator[Path]:
    yield source.with_name(f"{source.name}.rejects.csv")
    for number in count(2):
        yield source.with_name(f"{source.name}.rejects.{number}.csv")
