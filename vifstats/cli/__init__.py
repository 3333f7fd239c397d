"""The command ``vifstats``, and the Cox model of a table that it fits."""

from vifstats.cli.command import main

__all__ = ["main"]
