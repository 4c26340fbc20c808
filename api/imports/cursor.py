from datetime import datetime
from uuid import UUID

import msgspec


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The key of a page's last import."""

    created_at: datetime
    import_id: UUID
