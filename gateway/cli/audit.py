"""`gateway audit`: is every accepted mail accounted for?"""

import typer

from gateway.cli.desk import open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import complain, facts, say, say_json

app = Noun()
_SHOWN = 20


@app.verb("audit", "gateway audit --json")
def audit(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Prove that every accepted recipient is accounted for, and that no stored mail or file is gone.

    Exit status 1 when something is missing.
    """
    with open_desk(ctx) as desk:
        from storage.audit import audit as check

        found = check(desk.database, desk.blobs)
    if as_json:
        say_json(found)
    else:
        say(f"{found.accepted} recipients accepted, {found.pending} of them not yet filed")
        facts([(str(fate), str(count)) for fate, count in found.fates.items() if count])
        facts([(f"outgoing {state}", str(count)) for state, count in found.outgoing.items() if count])
        for missing in found.missing[:_SHOWN]:
            complain(f"missing: {missing}: {found.why[missing]}")
        say("Everything is accounted for." if found.ok else f"{len(found.missing)} missing.")
    if not found.ok:
        raise typer.Exit(1)
