from core.errors import SensorFlowError


class EquipmentNotFoundError(SensorFlowError):
    """No equipment with this id has sent a reading."""

    code = "equipment_not_found"
