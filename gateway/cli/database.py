"""`gateway database`: make it, bring it up to date, copy it, bring a copy back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.desk import load_settings, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import complain, say, say_json, size

app = Noun("The database: upgrade, backup and restore.")


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
    if desk.settings.blob_dir is None:
        complain(f"note: the blobs are in {desk.settings.blobs.url} and were not copied; keep the bucket's versions.")
    if made.key_file:
        say(f"It holds the key file ({made.key_file.name}): keep it as safe as the passwords that it opens.")


@app.verb("restore", "gateway database restore /backup/gateway-today")
def restore(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder that `database backup` made.")],
    as_json: AsJson = False,
) -> None:
    """Put a backup where the settings say; nothing that exists is written over. Stop `gateway serve` first."""
    loaded = load_settings(ctx)
    from storage.restore import restore as bring_back

    done = bring_back(loaded.settings, path.absolute())
    if as_json:
        say_json({**_words(path.absolute(), done.database, done.key_file), "blobs": done.blobs})
        return
    if done.database is None:
        complain("note: PostgreSQL is not restored here. Bring its dump back with pg_restore.")
    said = (
        [str(done.database)] * bool(done.database)
        + [f"{done.blobs} blobs"]
        + [str(done.key_file)] * bool(done.key_file)
    )
    say(f"Restored: {', '.join(said)}.")
    say("Next: `gateway database upgrade` when the backup is of an older version, then `gateway audit`.")


def _words(path: Path, database: Path | None, key_file: Path | None) -> dict[str, str | None]:
    return {
        "path": str(path),
        "database": str(database) if database else None,
        "key_file": str(key_file) if key_file else None,
    }
