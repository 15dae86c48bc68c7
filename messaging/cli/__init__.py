"""The commands of this package; what they need is imported when they run, so that `--help` stays quick."""

from messaging.cli.app import app

__all__ = ["app"]
