"""The OpenAPI document and Swagger UI, from files of this installation only."""

from functools import cache
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from litestar import MediaType, Request, Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, Reference, SecurityScheme
from litestar.params import FromPath
from litestar.response import Redirect

from api.auth.access import AUTHENTICATED, BEARER, SESSION_COOKIE, access
from api.auth.cookies import SESSION_COOKIE_NAME
from api.auth.errors import NotSignedInError
from api.http.error_handlers import on_sensorflow_error
from api.http.problem_details import Problem
from api.openapi.page_policy import policy_of

PATH = "/docs"
MEDIA_TYPES = {"js": "text/javascript", "css": "text/css"}

AssetName = Literal["swagger_bundle.js", "swagger_preset.js", "swagger_style.css"]


@cache
def asset(name: AssetName) -> bytes:
    """A file of Swagger UI; importing the package that contains it would take 35 MB for good."""
    return Path(str(distribution("offapi").locate_file(f"offapi/{name}"))).read_bytes()


@get(
    "/assets/{name:str}",
    operation_id="getReferenceAsset",
    **access(AUTHENTICATED),
)
async def get_reference_asset(name: FromPath[AssetName]) -> Response[bytes]:
    """Serve a file of Swagger UI."""
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    headers = {"Cache-Control": "private, max-age=86400"}
    return Response(asset(name), media_type=media_type, headers=headers)


def redirect_to_sign_in(
    request: Request[Any, Any, Any], error: NotSignedInError
) -> Response[Problem] | Redirect:
    """Redirect a browser to the sign-in, which leads back; other clients get the error."""
    if "text/html" not in request.headers.get("accept", ""):
        return on_sensorflow_error(request, error)
    location = f"/auth/login?next={quote(request.url.path)}"
    return Redirect(location, status_code=303, headers={"Cache-Control": "no-store"})


def set_policy(response: Response[Any]) -> Response[Any]:
    """Give a page its Content-Security-Policy."""
    if response.media_type == MediaType.HTML:
        response.headers["Content-Security-Policy"] = policy_of(response.content)
    return response


def reference_config() -> OpenAPIConfig:
    """Litestar's configuration for the OpenAPI document and its page at /docs."""
    schemes: dict[str, SecurityScheme | Reference] = {
        BEARER: SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
        SESSION_COOKIE: SecurityScheme(
            type="apiKey", name=SESSION_COOKIE_NAME, security_scheme_in="cookie"
        ),
    }
    return OpenAPIConfig(
        title="Sensor Flow",
        version=version("sensorflow"),
        description="Time series of sensors: readings in, rollups out.",
        components=Components(security_schemes=schemes),
        render_plugins=[_swagger_ui(), JsonRenderPlugin()],
        openapi_router=Router(
            PATH,
            route_handlers=[get_reference_asset],
            opt={"access": AUTHENTICATED},
            after_request=set_policy,
            exception_handlers={NotSignedInError: redirect_to_sign_in},
            include_in_schema=False,
        ),
    )


def _swagger_ui() -> SwaggerRenderPlugin:
    assets = f"{PATH}/assets"
    return SwaggerRenderPlugin(
        path="/",
        js_url=f"{assets}/swagger_bundle.js",
        css_url=f"{assets}/swagger_style.css",
        standalone_preset_js_url=f"{assets}/swagger_preset.js",
        favicon="",
    )
