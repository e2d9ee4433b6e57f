"""A whole story on one laptop: customers write, tickets appear, an agent answers, a customer answers back.

Everything is real but the people: the daemon with all its parts, SMTP in both directions, the commands. It
runs in a folder of its own that is removed at the end.
"""

from gateway.demo.story import run

__all__ = ["run"]
