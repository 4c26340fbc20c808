"""The storage of files: written, read and deleted."""

from uuid import uuid4

from cli.doctor.check import Installation, Results
from cli.doctor.results import failed, passed
from core.errors import SensorFlowError
from core.storage import IMPORTS_FOLDER, Storage

CONTENT = b"written by sensorflow doctor"


async def check_storage(installation: Installation) -> Results:
    """Write an object, read it, delete it."""
    key = f"{IMPORTS_FOLDER}/doctor-{uuid4()}"
    step = "open"
    try:
        storage = Storage.open(installation.storage)
        step = "write"
        await storage.put(key, CONTENT)
        step = "read"
        is_same = b"".join([part async for part in storage.read(key)]) == CONTENT
        step = "delete"
        await storage.delete([key])
    except SensorFlowError as error:
        cause = error.__cause__ or error
        yield failed(
            f"storage {installation.storage.url}: cannot {step}: {str(cause).splitlines()[0]}",
            "No file can be uploaded or imported.",
            "Check SENSORFLOW_STORAGE_URL, its permissions and space; for a bucket the AWS_* "
            "variables. API and workers need the same storage.",
        )
        return
    if not is_same:
        yield failed(
            f"storage {installation.storage.url}: returns other bytes than were written",
            "Imports would read what nobody sent.",
            "Something between here and the storage changes objects: check proxies and caches.",
        )
        return
    yield passed(f"storage {installation.storage.url}: written, read, deleted")
