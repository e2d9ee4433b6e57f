"""What may stop a mail before it reaches a ticket. A check is `(Case, Desk) -> Verdict | None`."""
