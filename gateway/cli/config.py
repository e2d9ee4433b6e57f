"""`gateway config`: the settings as they are in force."""

import typer

from gateway.cli.desk import load_settings, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import Json, say, say_json

app = Noun("The settings: gateway.toml with GATEWAY_* laid over it.")


@app.verb("check", "gateway config check")
def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Say whether the settings are right, without touching the database."""
    loaded = load_settings(ctx)
    if as_json:
        say_json({"path": str(loaded.path), "ok": True})
    else:
        say(f"{loaded.path}: the settings are right")


@app.verb("show", "gateway config show")
def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show every setting in force, defaults included; secrets are never shown."""
    loaded = load_settings(ctx)
    # pydantic writes a secret as asterisks.
    settings: Json = loaded.settings.model_dump(mode="json")
    if as_json:
        say_json(settings)
        return
    say(f"# {loaded.path}")
    for key, value in _flat("", settings):
        say(f"{key} = {value}")


@app.verb("rotate-key", "gateway config rotate-key")
def rotate_key(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Sign reply addresses and Message-IDs with a new key from now on; what older keys signed stays good.

    Running processes learn it by themselves. Keys live in the database: make a backup. To make the addresses of one
    ticket worthless: `gateway ticket revoke N`.
    """
    with open_desk(ctx) as desk:
        from storage.installation import rotate_key as rotate

        with desk.writing() as session:
            number = rotate(session)
        if as_json:
            say_json({"key": number})
        else:
            say(f"Key {number} signs from now on; what older keys signed stays good.")


def _flat(name: str, value: Json) -> list[tuple[str, str]]:
    import json

    if isinstance(value, dict):
        return [found for key, part in value.items() for found in _flat(f"{name}.{key}".lstrip("."), part)]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [found for place, part in enumerate(value) for found in _flat(f"{name}[{place}]", part)]
    return [(name, json.dumps(value))]


@app.verb("rotate-secret", "gateway config rotate-secret")
def rotate_secret(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Seal all stored passwords and tokens with a new key, while all runs; the old one goes at the next change."""
    with open_desk(ctx) as desk:
        from config.secrets import Seal
        from storage.sealed import change_key

        count = change_key(desk.database, Seal(desk.settings.key_file))
    if as_json:
        say_json({"sealed": count, "key_file": str(desk.settings.key_file)})
    else:
        say(f"{count} secrets are sealed with a new key. Put {desk.settings.key_file} into the next backup.")
