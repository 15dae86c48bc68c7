"""Find the Chromium that browser tests and pictures are taken with. Rapport itself runs without one."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # Chromium's own sandbox refuses to run as root, as it would in CI
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find_chromium() -> Path | None:
    """Give the Chromium named by RAPPORT_CHROMIUM, or the first on PATH, or None where there is none."""
    named = os.environ.get("RAPPORT_CHROMIUM")
    if named:
        return Path(named) if os.access(named, os.X_OK) else None
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else None
