"""What alembic runs: brings the connection that it is given to the newest schema."""

from alembic import context

from edgeproof.history.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table="edgeproof_schema",
    transactional_ddl=True,
)
context.run_migrations()
