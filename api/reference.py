"""The OpenAPI document and the page that shows it, from files of this installation only."""

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Literal

from litestar import Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath

from api.auth.access import BEARER, PUBLIC, access

PATH = "/docs"
MEDIA_TYPES = {"js": "text/javascript", "css": "text/css"}

AssetName = Literal["swagger_bundle.js", "swagger_preset.js", "swagger_style.css"]


@cache
def asset(name: AssetName) -> bytes:
    """A file of Swagger UI."""
    return files("offapi").joinpath(name).read_bytes()


@get(
    "/assets/{name:str}",
    operation_id="getReferenceAsset",
    **access(PUBLIC),
)
async def get_reference_asset(name: FromPath[AssetName]) -> Response[bytes]:
    """Serve a file of Swagger UI."""
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(asset(name), media_type=media_type, headers=headers)


def reference_config() -> OpenAPIConfig:
    """What Litestar needs to document the application at /docs."""
    bearer = SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
    return OpenAPIConfig(
        title="Sensor Flow",
        version=version("sensorflow"),
        description="Time series of sensors: readings in, rollups out.",
        components=Components(security_schemes={BEARER: bearer}),
        render_plugins=[_swagger_ui(), JsonRenderPlugin()],
        openapi_router=Router(
            PATH,
            route_handlers=[get_reference_asset],
            opt={"access": PUBLIC},
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
