"""The settings of commands that act as the owner of the tables."""

from core.setting_errors import require_valid
from core.settings import DatabaseSettings, MigrateSettings


def owner_settings() -> DatabaseSettings:
    """SENSORFLOW_MIGRATE_DATABASE_URL, or SENSORFLOW_DATABASE_URL where one role does all.

    Raises SettingError.
    """
    require_valid(MigrateSettings)
    owner_url = MigrateSettings().database_url
    overrides = {"url": owner_url} if owner_url else {}
    require_valid(DatabaseSettings, overrides={DatabaseSettings: overrides})
    return DatabaseSettings(url=owner_url) if owner_url else DatabaseSettings()
