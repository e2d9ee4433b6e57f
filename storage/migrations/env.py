"""Alembic's way in: it always gets an open connection from `storage.migrate`."""

from alembic import context

from storage.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    # The words to search are a table of the engine's own kind, not a model.
    include_name=lambda name, kind, _parents: not (kind == "table" and (name or "").startswith("message_words")),
)
with context.begin_transaction():
    context.run_migrations()
