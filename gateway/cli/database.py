"""`gateway database`: make it, bring it up to date, copy it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.desk import load_settings, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import complain, say, say_json, size

app = Noun("The database: upgrade and backup.")


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A database with the schema of this version."""

    revision: str
    before: str | None  # null: it was empty


@app.verb("upgrade", "gateway database upgrade")
def upgrade(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Make the database, or bring its schema to this version. Stop `gateway serve` first."""
    loaded = load_settings(ctx)
    from storage import migrate
    from storage.schema import schema_revision

    database = migrate.open_or_make(loaded.settings)
    try:
        before = schema_revision(database)
        migrate.upgrade(database)
        done = Upgraded(migrate.newest_revision(), before)
    finally:
        database.close()
    if as_json:
        say_json(done)
    elif done.before == done.revision:
        say(f"The database has schema {done.revision}; there was nothing to do.")
    else:
        say(f"The database has schema {done.revision} now.")


@app.verb("backup", "gateway database backup /backup/gateway-today")
def backup(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder that does not exist yet.")],
    as_json: AsJson = False,
) -> None:
    """Copy database, blobs and key file into a new folder, while the gateway runs."""
    with open_desk(ctx) as desk:
        from storage.backup import back_up

        made = back_up(desk.database, desk.settings, path.absolute())
    if made.database is None:
        complain(
            "note: PostgreSQL is not copied here. Before each backup of the blobs run: "
            f"pg_dump --format=custom --file {made.path}.dump DATABASE_URL"
        )
    if as_json:
        say_json({**_words(made.path, made.database, made.key_file), "blobs": made.blobs, "bytes": made.bytes})
        return
    say(f"{made.path}: {size(made.bytes)}, {made.blobs} blobs" + (", the database" if made.database else ""))
    if made.key_file:
        say(f"It holds the key file ({made.key_file.name}): keep it as safe as the passwords that it opens.")


def _words(path: Path, database: Path | None, key_file: Path | None) -> dict[str, str | None]:
    return {
        "path": str(path),
        "database": str(database) if database else None,
        "key_file": str(key_file) if key_file else None,
    }
