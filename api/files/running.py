"""How many files are made at the same time: each may hold a connection to the database."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager

from api.files.errors import TooManyExportsError
from api.files.formats import Representation
from api.files.tables import Row, Table


class RunningExports:
    """The files being made by this process, a limited number."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._running = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """One more. Raises TooManyExportsError if as many run as may."""
        if self._running >= self._maximum:
            raise TooManyExportsError
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def file_chunks(
        self,
        representation: Representation,
        table: Table[Row],
        batches: AsyncGenerator[Sequence[Row]],
    ) -> AsyncGenerator[bytes]:
        """The rows as a file. Raises TooManyExportsError before anything is read."""
        with self.running():
            # Imported here: pyarrow takes 30 MB, which a server without exports can save.
            from api.files.encoders import new_encoder  # noqa: PLC0415  # as said

            encoder = new_encoder(representation, table)
            async with aclosing(batches):
                async for rows in batches:
                    if chunk := await asyncio.to_thread(encoder.encode, rows):
                        yield chunk
            if chunk := await asyncio.to_thread(encoder.finish):
                yield chunk
