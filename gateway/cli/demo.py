"""`gateway demo`: a whole story on one laptop."""

EXAMPLE = "Example: gateway demo"


def demo() -> None:
    """Show five customers, their threads and an answer, in under a minute, without touching your data."""
    from gateway.demo.story import run

    run()
