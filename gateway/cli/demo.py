"""`gateway demo`: a whole story on one laptop."""

from gateway.cli.noun import Noun

app = Noun()


@app.verb("demo", "gateway demo")
def demo() -> None:
    """Show five customers, their threads and an answer, in under a minute, without touching your data."""
    from gateway.demo.story import run

    run()
