"""Why a BI login cannot be made or changed."""

from core.errors import SensorFlowError


class BIUserError(SensorFlowError):
    """The login cannot be made or changed; the message says why and what to do."""

    code = "bi_user"
