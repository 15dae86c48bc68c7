"""`rapport identity ...`; what a command needs is imported when it runs, so that `--help` stays quick."""

from pipelines.identity.commands.app import app

__all__ = ["app"]
