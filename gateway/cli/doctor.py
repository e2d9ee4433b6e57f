"""`gateway doctor`: what is wrong with this installation, and what to do about it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from gateway.cli.desk import load_settings
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import say, say_json

if TYPE_CHECKING:
    from gateway.findings import Finding

app = Noun()


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was looked at."""

    ok: bool
    checks: "list[Finding]"


@app.verb("doctor", "gateway doctor")
def doctor(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Check settings, database, folders, ports, certificates and servers. Exit status 1 when something fails."""
    loaded = load_settings(ctx)
    from gateway.doctor import examine
    from gateway.findings import State

    findings = []
    for finding in examine(loaded):
        findings.append(finding)
        if not as_json:
            advice = f" -> {finding.advice}" if finding.advice else ""
            say(f"{finding.state:<4}  {finding.subject}: {finding.text}{advice}")
    failed = any(finding.state is State.FAIL for finding in findings)
    if as_json:
        say_json(Examination(not failed, findings))
    if failed:
        raise typer.Exit(1)
