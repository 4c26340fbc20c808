from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.errors import DatabaseUnavailableError
from core.storage import Storage


@asynccontextmanager
async def kept_if_named(storage: Storage, object_key: str) -> AsyncIterator[None]:
    """Remove the object if the block fails, unless an import may name it all the same."""
    try:
        yield
    except DatabaseUnavailableError:
        raise  # perhaps only the answer to COMMIT was lost: then the import needs its object
    except BaseException:  # a client that went away cancels the task: that counts as well
        await storage.delete([object_key])
        raise
