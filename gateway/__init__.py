"""The doors and the desk: listener, reading, intake, serve and the command line."""

__version__ = "0.1.0"
