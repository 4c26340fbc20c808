from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.errors import DatabaseUnavailableError
from core.storage import Storage


@asynccontextmanager
async def delete_object_on_failure(storage: Storage, object_key: str) -> AsyncIterator[None]:
    """Delete the object if the block fails, unless an import may refer to it all the same."""
    try:
        yield
    except DatabaseUnavailableError:
        raise  # perhaps only the reply to COMMIT was lost: then the import needs its object
    except BaseException:  # cancellation too: that is how a client's disconnect arrives
        await storage.delete([object_key])
        raise
