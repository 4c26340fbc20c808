from datetime import datetime
from uuid import UUID

import msgspec


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The sort key of the last import on a page."""

    created_at: datetime
    import_id: UUID
