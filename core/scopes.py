"""What a caller may be allowed to do."""

from enum import StrEnum


class Scope(StrEnum):
    """A permission of this platform, whatever a provider calls it."""

    READINGS_WRITE = "readings:write"
    READINGS_READ = "readings:read"
    IMPORTS_WRITE = "imports:write"
    IMPORTS_READ = "imports:read"
    ADMIN = "admin"
