"""Signed URLs for uploads: the storage's own or, for a local folder, this server's.

Whoever has the URL may send the file, without a token.
"""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode
from uuid import UUID

from api.imports.errors import BadSignatureError, UploadUrlExpiredError, UploadUrlsOffError
from api.imports.schemas import PresignedUpload
from core.settings import ApiSettings
from core.storage import Storage
from core.time import utc_now

METHOD = "PUT"
LIFETIME = timedelta(hours=1)  # the request must begin within it; the transfer may take longer


class UploadUrls:
    """Issues upload URLs, and verifies those that lead to this server."""

    def __init__(self, storage: Storage, settings: ApiSettings) -> None:
        self._storage = storage
        self._public_url = settings.public_url
        self._secret = settings.upload_secret

    async def issue(self, import_id: UUID, object_key: str) -> PresignedUpload:
        """Where to send the file of the import. Raises UploadUrlsOffError or StorageError."""
        expires_at = (utc_now() + LIFETIME).replace(microsecond=0)
        url = await self._storage.signed_put_url(object_key, LIFETIME)
        if url is None:
            url = self._server_url(import_id, expires_at)
        return PresignedUpload(import_id, url, METHOD, {}, expires_at)

    def verify(self, import_id: UUID, expires: str, signature: str) -> None:
        """Raise BadSignatureError or UploadUrlExpiredError unless `issue` made the URL recently."""
        if self._secret is None or not _equal_in_constant_time(
            signature, self._signature(import_id, expires)
        ):
            raise BadSignatureError(
                "The URL is not one that this server gave out. Use the uploadUrl as it is."
            )
        if datetime.fromtimestamp(int(expires), UTC) < utc_now():
            raise UploadUrlExpiredError("The uploadUrl has expired. Ask for a new upload.")

    def _server_url(self, import_id: UUID, expires_at: datetime) -> str:
        expires = str(int(expires_at.timestamp()))
        query = urlencode({"expires": expires, "signature": self._signature(import_id, expires)})
        return f"{self._public_url}/imports/{import_id}/content?{query}"

    def _signature(self, import_id: UUID, expires: str) -> str:
        if self._secret is None:
            raise UploadUrlsOffError(
                "This server gives out no upload URLs: its storage is a folder, and "
                "SENSORFLOW_API_UPLOAD_SECRET is not set. Use POST /sensor-data/upload-csv."
            )
        signed = f"{METHOD} {import_id} {expires}".encode(errors="replace")
        return hmac.new(self._secret.get_secret_value().encode(), signed, sha256).hexdigest()


def _equal_in_constant_time(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())
