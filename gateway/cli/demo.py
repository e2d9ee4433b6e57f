"""`gateway demo`: a whole story on one laptop."""

EXAMPLE = "Example: gateway demo"


def demo() -> None:
    """Show five customers, their threads and an answer, in under a minute, without touching your data."""
    import gateway.demo

    gateway.demo.run()
