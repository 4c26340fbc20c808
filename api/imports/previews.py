"""Previews of files: what an import would make of their first rows."""

from asyncio import Semaphore, to_thread
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from litestar.types import Receive

from api.http.disconnection import while_connected
from api.http.parsers import invalid_parameter
from api.imports.errors import EmptyFileError, FileTooLargeError, TooManyPreviewsError
from api.imports.multipart import read_form_file, safe_file_name
from api.imports.options import parse_options
from api.imports.preview_process import run_preview
from api.imports.uploads import extension_of
from core.import_previews import Preview, PreviewRequest
from core.settings import ReadingSettings

# Of text and compressed text the first MiB is enough; the other kinds are read whole.
MAX_PREVIEW_BYTES = 16 * 2**20
WHOLE_EXTENSIONS = (".zip", ".xlsx", ".parquet")
MAX_RUNNING = 2
MAX_IN_FLIGHT = 16
SIZE_BYTES = "sizeBytes"
DETECT = "detect"
FLAGS = {"true": True, "false": False}


class PreviewService:
    """Makes previews, each in a process of its own and few at a time. Nothing is stored."""

    def __init__(self, readings: ReadingSettings) -> None:
        self._readings = readings
        self._running = Semaphore(MAX_RUNNING)
        self._in_flight = 0

    async def preview(
        self, content_type: str, body: AsyncIterator[bytes], receive: Receive
    ) -> Preview:
        """The preview of the form's file; `receive` tells when the client is gone.

        Raises the errors of api/imports/errors.py, or InvalidRequestError for the other fields.
        """
        with self._place(), TemporaryDirectory(prefix="sensorflow-preview-") as name:
            folder = Path(name)
            file = await read_form_file(content_type, body)
            extension = extension_of(safe_file_name(file.name))
            path = folder / f"file{extension}"
            received_bytes = await _receive(file.content, path)
            request = self._request(path, received_bytes, file.fields)
            return await while_connected(receive, self._run(request, folder))

    async def _run(self, request: PreviewRequest, folder: Path) -> Preview:
        async with self._running:
            return await run_preview(request, folder)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._in_flight >= MAX_IN_FLIGHT:
            raise TooManyPreviewsError
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    def _request(
        self, path: Path, received_bytes: int, fields: Mapping[str, str]
    ) -> PreviewRequest:
        options = {name: text for name, text in fields.items() if name not in {SIZE_BYTES, DETECT}}
        size_bytes = _size_bytes(fields.get(SIZE_BYTES, str(received_bytes)), received_bytes)
        is_cut = size_bytes > received_bytes
        if is_cut and path.name.endswith(WHOLE_EXTENSIONS):
            message = f"a {path.suffix} file is read whole: send all of it, or save it as CSV"
            raise invalid_parameter(SIZE_BYTES, message)
        return PreviewRequest(
            path=str(path),
            is_cut=is_cut,
            options=parse_options(options),
            detects=_flag(fields.get(DETECT, "true")),
            earliest=self._readings.earliest,
            max_future=self._readings.max_future,
        )


async def _receive(content: AsyncIterator[bytes], path: Path) -> int:
    """Write the file; how many bytes it has."""
    received_bytes = 0
    with path.open("wb") as file:
        async for chunk in content:
            received_bytes += len(chunk)
            if received_bytes > MAX_PREVIEW_BYTES:
                raise _too_large()
            await to_thread(file.write, chunk)
    if not received_bytes:
        raise EmptyFileError("The file is empty")
    return received_bytes


def _too_large() -> FileTooLargeError:
    return FileTooLargeError(
        f"A preview takes at most {MAX_PREVIEW_BYTES} bytes. Of text, .gz and .zst send the first "
        f"MiB, and in {SIZE_BYTES} the size of the file; of the other kinds save a part as CSV."
    )


def _size_bytes(text: str, received_bytes: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= len(str(2**63)):
        size_bytes = int(text)
        if size_bytes >= received_bytes:
            return size_bytes
    message = f"must be the size of the file, {received_bytes} or more if that is a part of it"
    raise invalid_parameter(SIZE_BYTES, message)


def _flag(text: str) -> bool:
    if text not in FLAGS:
        raise invalid_parameter(DETECT, "must be true or false")
    return FLAGS[text]
