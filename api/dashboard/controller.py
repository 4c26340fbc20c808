from http import HTTPStatus
from typing import Any

from litestar import Controller, MediaType, Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, SkipValidation

from api.auth.access import PUBLIC, access
from api.dashboard.files import PAGE, BuiltFile, BuiltFiles
from api.dashboard.page import NOT_BUILT, NOT_BUILT_POLICY, POLICY
from api.http.etags import matches_if_none_match

PATH = "/ui"
IMMUTABLE = "public, max-age=31536000, immutable"  # the name has a hash of the content
ASK_AGAIN = "private, no-cache"

AnyRequest = Request[Any, Any, Any]
Dashboard = NamedDependency[SkipValidation[BuiltFiles]]


class DashboardController(Controller):
    """The dashboard's page and files, which hold nothing of anybody: who calls is not asked."""

    path = PATH
    include_in_schema = False

    @get("/assets/{name:str}", operation_id="getDashboardAsset", **access(PUBLIC))
    async def get_asset(
        self, request: AnyRequest, name: FromPath[str], dashboard: Dashboard
    ) -> Response[bytes]:
        """Serve a script, a style or an image."""
        file = dashboard.get(f"assets/{name}")
        if file is None:
            raise NotFoundException
        return _response(request, file, {"Cache-Control": IMMUTABLE})

    @get(["/", "/{view:path}"], operation_id="getDashboard", **access(PUBLIC))
    async def get_page(
        self, request: AnyRequest, dashboard: Dashboard
    ) -> Response[bytes] | Response[str]:
        """Serve the page, which shows the view that the path names."""
        page = dashboard.get(PAGE)
        if page is None:
            return _not_built()
        headers = {"Cache-Control": ASK_AGAIN, "Content-Security-Policy": POLICY}
        return _response(request, page, headers)


def _response(request: AnyRequest, file: BuiltFile, headers: dict[str, str]) -> Response[bytes]:
    """The file in a coding that the client accepts, or 304 if it has that already."""
    representation = file.representation_for(request.headers.get("accept-encoding", ""))
    headers |= {"ETag": representation.etag, "Vary": "Accept-Encoding"}
    if matches_if_none_match(representation.etag, request.headers.get("if-none-match")):
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if representation.coding is not None:
        headers["Content-Encoding"] = representation.coding
    return Response(representation.content, media_type=file.media_type, headers=headers)


def _not_built() -> Response[str]:
    return Response(
        NOT_BUILT,
        status_code=HTTPStatus.SERVICE_UNAVAILABLE,
        media_type=MediaType.HTML,
        headers={"Cache-Control": "no-store", "Content-Security-Policy": NOT_BUILT_POLICY},
    )
