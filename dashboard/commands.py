"""Our own commands in a process of their own: what only the pipelines can do, the app asks as a person at a shell would.

The app does not import the pipelines, which bring Dagster, dbt and Great Expectations with them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from data_contracts.errors import ServiceError
from messaging.settings import Settings

LONGEST = 600.0  # seconds: a file of a million rows takes a minute
TOLD = 2_000  # letters of what went wrong


def ask(settings: Settings, *words: str) -> dict[str, Any]:
    """Run `rapport WORDS --json` on this home and give its document. Raises ServiceError with what it said instead."""
    command = [str(Path(sys.executable).with_name("rapport")), *words, "--json"]
    home = {"RAPPORT_HOME": str(settings.home.absolute())}
    try:
        done = subprocess.run(  # noqa: S603 - our own program, no shell, and words that are never options
            command,
            env={**os.environ, **home},
            cwd=settings.home,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServiceError(
            f"`rapport {words[0]}` took more than {LONGEST:.0f} seconds.", "Run it in a shell."
        ) from None
    if done.returncode != 0:
        said = done.stderr.strip().removeprefix("rapport: ")[-TOLD:]
        raise ServiceError(said or f"`rapport {words[0]}` ended with code {done.returncode}.")
    document: dict[str, Any] = json.loads(done.stdout)
    return document
