"""The login of the demo's API and worker, made as docs/deployment.md tells an administrator."""

from urllib.parse import urlsplit

import asyncpg

NAME = "sensorflow_service"

CREATE = f"""
    DO $$
    BEGIN
        IF to_regrole('{NAME}') IS NULL THEN
            CREATE ROLE {NAME} LOGIN;
        END IF;
    END
    $$;
    GRANT sensorflow_app TO {NAME};
"""


async def create_service_role(owner_url: str) -> str:
    """The URL of a migrated database for the role of the API and the worker.

    It has no password: the embedded engine asks for none.
    """
    owner = await asyncpg.connect(owner_url)
    try:
        await owner.execute(CREATE)
    finally:
        await owner.close()
    parts = urlsplit(owner_url)
    return parts._replace(netloc=f"{NAME}@{parts.hostname}:{parts.port}").geturl()
