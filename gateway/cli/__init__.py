"""The command line: one noun a file, thin. A command parses, calls the verb of the floor below, and prints.

Start time is a promise: `--help` and usage errors import typer and `config.errors` and nothing else of ours.
So everything that is slow (sqlmodel, storage, pydantic, structlog, dkim, reading) is imported inside the
command that needs it, in every file of this folder.
"""
