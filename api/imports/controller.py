from typing import Annotated, Literal
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation
from litestar.response import Stream

from api.auth.access import access
from api.auth.tokens import Principal
from api.imports.operation import UploadOperation
from api.imports.schemas import Import, ImportPage, Uploaded
from api.imports.service import ImportService
from core.scopes import Scope

Service = NamedDependency[SkipValidation[ImportService]]
ImportId = FromPath[UUID]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Imports on a page.")]
PageCursor = Annotated[str | None, QueryParameter(description="The nextCursor of a page.")]
Wait = Annotated[
    Literal["visible"] | None,
    QueryParameter(description="visible: answer when the import is done, failed or cancelled."),
]
Timeout = Annotated[
    float,
    QueryParameter(
        name="timeout", ge=0, le=60, description="Seconds that wait=visible takes at most."
    ),
]


class UploadController(Controller):
    """Files in. Apart from the rest, because the limit of its body is a setting."""

    tags = ("Imports",)

    @post(
        "/sensor-data/upload-csv",
        operation_id="uploadCsv",
        operation_class=UploadOperation,
        summary="Import a CSV file",
        description="The other fields say how the file is written; .csv.gz is read too.",
        **access(Scope.IMPORTS_WRITE, 400, 413),
    )
    async def upload_csv(
        self, request: Request[Principal, None, State], imports: Service
    ) -> Uploaded:
        """Store the file and queue its import."""
        content_type = request.headers.get("content-type", "")
        return await imports.upload(content_type, request.stream(), request.user.subject)


class ImportController(Controller):
    """What became of the files."""

    tags = ("Imports",)

    @get(
        "/imports",
        operation_id="listImports",
        summary="Imports, newest first",
        **access(Scope.IMPORTS_READ, 400),
    )
    async def list_imports(
        self, imports: Service, limit: Limit = 20, cursor: PageCursor = None
    ) -> ImportPage:
        """Answer with a page."""
        return await imports.page(limit, cursor)

    @get(
        "/imports/{import_id:uuid}",
        operation_id="getImport",
        summary="One import",
        **access(Scope.IMPORTS_READ, 400, 404),
    )
    async def get_import(
        self, imports: Service, import_id: ImportId, wait: Wait = None, seconds: Timeout = 30
    ) -> Import:
        """Answer with the import, now or when it is finished."""
        if wait is None:
            return await imports.get(import_id)
        return await imports.get_finished(import_id, seconds)

    @post(
        "/imports/{import_id:uuid}/cancel",
        operation_id="cancelImport",
        summary="Stop an import before its next batch; what it has loaded stays",
        status_code=200,
        **access(Scope.IMPORTS_WRITE, 400, 404, 409),
    )
    async def cancel_import(self, imports: Service, import_id: ImportId) -> Import:
        """Answer with the cancelled import."""
        return await imports.cancel(import_id)

    @post(
        "/imports/{import_id:uuid}/retry",
        operation_id="retryImport",
        summary="Go on with a failed or cancelled import behind its last batch",
        status_code=200,
        **access(Scope.IMPORTS_WRITE, 400, 404, 409),
    )
    async def retry_import(self, imports: Service, import_id: ImportId) -> Import:
        """Answer with the queued import."""
        return await imports.retry(import_id)

    @get(
        "/imports/{import_id:uuid}/rejects",
        operation_id="getRejects",
        summary="The rows that were rejected: line, code, column, original row",
        media_type="text/csv",
        **access(Scope.IMPORTS_READ, 400, 404),
    )
    async def get_rejects(self, imports: Service, import_id: ImportId) -> Stream:
        """Stream the rejected rows."""
        disposition = f'attachment; filename="rejects-{import_id}.csv"'
        return Stream(
            await imports.rejects(import_id), headers={"Content-Disposition": disposition}
        )
