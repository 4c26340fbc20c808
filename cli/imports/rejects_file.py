"""Rejected rows beside the file they came from."""

import filecmp
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO


async def save_rejects(source: Path, content: AsyncIterator[bytes]) -> Path:
    """Write `content` as SOURCE.rejects.csv, and give the path.

    What is there already is somebody's, perhaps with rows corrected by hand: if it says the same
    it is the answer, else the new file gets a number. Raises OSError, and then leaves no file.
    """
    file, path, older = _first_free(source)
    try:
        with file:
            async for chunk in content:
                file.write(chunk)
    except BaseException:
        path.unlink()
        raise
    if older and filecmp.cmp(path, older, shallow=False):
        path.unlink()
        return older
    return path


def _first_free(source: Path) -> tuple[BinaryIO, Path, Path | None]:
    """A new file, open for writing, its path, and the path with the number before it."""
    older = None
    for path in _candidates(source):
        try:
            return path.open("xb"), path, older
        except FileExistsError:
            older = path
    raise AssertionError  # the candidates never end


def _candidates(source: Path) -> Iterator[Path]:
    yield source.with_name(f"{source.name}.rejects.csv")
    for number in count(2):
        yield source.with_name(f"{source.name}.rejects.{number}.csv")
