"""The checks that have commands of their own."""

from cli.doctor import auth, database
from cli.doctor.check import Installation, Results


async def check_roles(installation: Installation) -> Results:
    """As `sensorflow doctor database`."""
    for result in await database.run_checks(installation.database):
        yield result


async def check_sign_in(installation: Installation) -> Results:
    """As `sensorflow doctor auth`."""
    for result in await auth.run_checks(installation.api, installation.auth, installation.token):
        yield result
