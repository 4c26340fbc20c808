from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.auth.access import access
from api.system.schemas import System
from api.system.service import SystemService
from core.scopes import Scope


class SystemController(Controller):
    """The state of the system."""

    tags = ("System",)

    @get(
        "/system",
        operation_id="getSystem",
        summary="The state of ingest, queue, rollups, workers and database",
        **access(Scope.ADMIN),
    )
    async def get_system(self, system: NamedDependency[SkipValidation[SystemService]]) -> System:
        """Respond with the state, and with what of it needs attention."""
        return await system.system()
