from typing import Annotated, Literal
from uuid import UUID

from litestar import Controller, Request, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter, SkipValidation
from litestar.response import Response, Stream

from api.auth.access import PUBLIC, access
from api.auth.tokens import Principal
from api.http.csv_dialects import CSV_DIALECT, CsvDialect
from api.http.server_sent_events import EventStream, EventStreams
from api.imports.multipart import FORM_OVERHEAD_BYTES
from api.imports.operation import (
    ContentOperation,
    PreviewOperation,
    RejectsOperation,
    UploadOperation,
)
from api.imports.previews import PreviewService
from api.imports.rejects_file import MAX_REJECTS_BYTES
from api.imports.rejects_resubmission import RejectsResubmissionService
from api.imports.schemas import Import, ImportPage, NewUpload, PresignedUpload, Uploaded
from api.imports.service import ImportService
from api.imports.upload_repository import Sender
from api.imports.uploads import EXTENSIONS, UploadService
from core.import_previews import Preview
from core.scopes import Scope

Imports = NamedDependency[SkipValidation[ImportService]]
Previews = NamedDependency[SkipValidation[PreviewService]]
Uploads = NamedDependency[SkipValidation[UploadService]]
Streams = NamedDependency[SkipValidation[EventStreams]]
Resubmissions = NamedDependency[SkipValidation[RejectsResubmissionService]]
SignedIn = Request[Principal, None, State]
ImportId = FromPath[UUID]
Expires = Annotated[str, QueryParameter(description="As the server wrote it into the URL.")]
Signature = Annotated[str, QueryParameter(description="As the server wrote it into the URL.")]
LastEventId = Annotated[
    str, HeaderParameter(name="Last-Event-ID", description="The id of the last event received.")
]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Imports on a page.")]
PageCursor = Annotated[str | None, QueryParameter(description="The nextCursor of a page.")]
Wait = Annotated[
    Literal["visible"] | None,
    QueryParameter(description="visible: respond when the import is done, failed or cancelled."),
]
Timeout = Annotated[
    float,
    QueryParameter(
        name="timeout", ge=0, le=60, description="Seconds that wait=visible takes at most."
    ),
]
Dialect = Annotated[
    CsvDialect, QueryParameter(name=CSV_DIALECT.name, description=CSV_DIALECT.description)
]


class UploadController(Controller):
    """Receives files. A controller of its own, because the limit of the body is a setting."""

    tags = ("Imports",)

    @post(
        "/sensor-data/upload-csv",
        operation_id="uploadCsv",
        operation_class=UploadOperation,
        summary="Import a CSV or Parquet file",
        description=f"A file named {', '.join(EXTENSIONS)}; other fields describe its format.",
        **access(Scope.IMPORTS_WRITE, 400, 413),
    )
    async def upload_csv(self, request: SignedIn, uploads: Uploads) -> Uploaded:
        """Store the file and queue its import."""
        content_type = request.headers.get("content-type", "")
        return await uploads.upload(content_type, request.stream(), _sender_of(request))

    @put(
        "/imports/{import_id:uuid}/content",
        operation_id="putContent",
        operation_class=ContentOperation,
        summary="Send the file of an import to the uploadUrl that POST /imports returned",
        status_code=204,
        **access(PUBLIC, 400, 403, 404, 409, 413, 503),
    )
    async def put_content(
        self,
        request: Request[None, None, State],
        uploads: Uploads,
        import_id: ImportId,
        expires: Expires = "",
        signature: Signature = "",
    ) -> None:
        """Store the file."""
        uploads.verify_url(import_id, expires, signature)
        await uploads.receive(import_id, request.content_length, request.stream())


class ImportController(Controller):
    """Imports: created, listed, followed, cancelled, retried, their rejects resubmitted."""

    tags = ("Imports",)

    @post(
        "/imports",
        operation_id="createImport",
        summary="Create an import that awaits its file, and the URL to send it to",
        **access(Scope.IMPORTS_WRITE, 400, 413),
    )
    async def create_import(
        self, request: SignedIn, uploads: Uploads, data: JSONBody[NewUpload]
    ) -> PresignedUpload:
        """Return the URL."""
        return await uploads.presign(data, _sender_of(request))

    @post(
        "/imports/preview",
        operation_id="previewImport",
        operation_class=PreviewOperation,
        summary="What an import would make of the first rows of a file; nothing is stored",
        description="Beside the options of an import: `sizeBytes`, if `file` is only the beginning "
        "of a file of that size, and `detect`.",
        status_code=200,
        request_max_body_size=None,  # its service has a limit of its own, and names the remedy
        **access(Scope.IMPORTS_WRITE, 400, 413, 422, 429),
    )
    async def preview_import(self, request: SignedIn, previews: Previews) -> Preview:
        """Return the preview."""
        content_type = request.headers.get("content-type", "")
        return await previews.preview(content_type, request.stream(), request.receive)

    @post(
        "/imports/{import_id:uuid}/complete",
        operation_id="completeImport",
        summary="Queue an import whose file has been sent",
        status_code=200,
        **access(Scope.IMPORTS_WRITE, 400, 404, 409, 413),
    )
    async def complete_import(
        self, request: SignedIn, uploads: Uploads, imports: Imports, import_id: ImportId
    ) -> Import:
        """Return the queued import."""
        await uploads.complete(import_id, request.user.subject)
        return await imports.get(import_id)

    @get(
        "/imports",
        operation_id="listImports",
        summary="Imports, newest first",
        **access(Scope.IMPORTS_READ, 400),
    )
    async def list_imports(
        self, imports: Imports, limit: Limit = 20, cursor: PageCursor = None
    ) -> ImportPage:
        """Return a page."""
        return await imports.page(limit, cursor)

    @get(
        "/imports/{import_id:uuid}",
        operation_id="getImport",
        summary="One import",
        **access(Scope.IMPORTS_READ, 400, 404),
    )
    async def get_import(
        self, imports: Imports, import_id: ImportId, wait: Wait = None, seconds: Timeout = 30
    ) -> Import:
        """Return the import, at once or when it is in a final state."""
        if wait is None:
            return await imports.get(import_id)
        return await imports.get_finished(import_id, seconds)

    @get(
        "/imports/{import_id:uuid}/events",
        operation_id="followImport",
        summary="One import as server-sent events, until it has ended",
        description="Each event holds the import as GET /imports/{id} returns it. Its type is "
        "`state` when the state has changed, else `progress`. 204: the import has ended, and "
        "Last-Event-ID is the id of its last event.",
        media_type="text/event-stream",
        **access(Scope.IMPORTS_READ, 400, 404, 429),
    )
    async def follow_import(
        self,
        request: SignedIn,
        imports: Imports,
        streams: Streams,
        import_id: ImportId,
        last_event_id: LastEventId = "",
    ) -> EventStream | Response[None]:
        """Stream the events."""
        events = await imports.events(import_id, last_event_id)
        if events is None:
            return Response(None, status_code=204)
        return await streams.stream(request.user.subject, events)

    @post(
        "/imports/{import_id:uuid}/cancel",
        operation_id="cancelImport",
        summary="Stop an import before its next batch; what it has loaded stays",
        status_code=200,
        **access(Scope.IMPORTS_WRITE, 400, 404, 409),
    )
    async def cancel_import(self, imports: Imports, import_id: ImportId) -> Import:
        """Return the cancelled import."""
        return await imports.cancel(import_id)

    @post(
        "/imports/{import_id:uuid}/retry",
        operation_id="retryImport",
        summary="Continue a failed or cancelled import after its last batch",
        status_code=200,
        **access(Scope.IMPORTS_WRITE, 400, 404, 409),
    )
    async def retry_import(self, imports: Imports, import_id: ImportId) -> Import:
        """Return the queued import."""
        return await imports.retry(import_id)

    @post(
        "/imports/{import_id:uuid}/rejects",
        operation_id="repairRejects",
        operation_class=RejectsOperation,
        summary="Load rejected rows that have been corrected into their import",
        description="The file that GET .../rejects returned, with rows corrected. Rows that are "
        "still invalid stay rejected; sending it again is harmless.",
        status_code=200,
        request_max_body_size=MAX_REJECTS_BYTES + FORM_OVERHEAD_BYTES,
        **access(Scope.IMPORTS_WRITE, 400, 404, 409, 413),
    )
    async def resubmit_rejects(
        self,
        request: SignedIn,
        resubmissions: Resubmissions,
        import_id: ImportId,
        dialect: Dialect = CsvDialect.PLAIN,
    ) -> Import:
        """Return the queued import."""
        content_type = request.headers.get("content-type", "")
        return await resubmissions.resubmit(import_id, content_type, request.stream(), dialect)

    @get(
        "/imports/{import_id:uuid}/rejects",
        operation_id="getRejects",
        summary="The rows that were rejected: line, code, column, original row",
        media_type="text/csv",
        **access(Scope.IMPORTS_READ, 400, 404),
    )
    async def get_rejects(
        self, imports: Imports, import_id: ImportId, dialect: Dialect = CsvDialect.PLAIN
    ) -> Stream:
        """Stream the rejected rows."""
        disposition = f'attachment; filename="rejects-{import_id}.csv"'
        return Stream(
            await imports.rejects(import_id, dialect), headers={"Content-Disposition": disposition}
        )


def _sender_of(request: SignedIn) -> Sender:
    return Sender(request.user.subject, request.user.username)
