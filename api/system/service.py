from msgspec import structs

from api.system.findings import findings_in
from api.system.repository import SystemRepository
from api.system.schemas import System


class SystemService:
    """Says how the system is, and what of it needs attention."""

    def __init__(self, repository: SystemRepository) -> None:
        self._repository = repository

    async def system(self) -> System:
        """The state and the findings. Raises DatabaseUnavailableError and its like."""
        now, state = await self._repository.state()
        return System(as_of=now, findings=findings_in(state, now), **structs.asdict(state))
