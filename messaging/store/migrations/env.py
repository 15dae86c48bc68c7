"""Alembic's entry: runs in the transaction that `messaging.store.schema.upgrade` gives it."""  # noqa: INP001 - a script, loaded by path

from alembic import context

from messaging.store import (  # noqa: F401 - of the metadata
    tables_consent,
    tables_delivery,
    tables_notifications,
    tables_receiver,
    tables_segments,
)
from messaging.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
