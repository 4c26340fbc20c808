"""Nobody uses the schema public by being anybody: logins of BI tools see only the schema bi.

The API, the worker and the rollups' owner have USAGE of their own. Where the migrating role does
not own the schema, PostgreSQL changes nothing and warns.
"""

from migrations.statements import execute_all

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    execute_all(("REVOKE USAGE ON SCHEMA public FROM public",))


def downgrade() -> None:
    execute_all(("GRANT USAGE ON SCHEMA public TO public",))
