"""DAGSTER_HOME of an installation: RAPPORT_HOME/dagster, with our dagster.yaml in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance

from messaging.settings import Settings

HOME_VARIABLE = "DAGSTER_HOME"
CONFIG = Path(__file__).with_name("dagster.yaml")


def prepare_dagster_home(settings: Settings) -> Path:
    """Give the absolute DAGSTER_HOME, made and filled where it is new; an own dagster.yaml stays."""
    home = settings.dagster_dir.absolute()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / CONFIG.name).exists():
        shutil.copyfile(CONFIG, home / CONFIG.name)
    return home


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Open the installation's Dagster instance; its runs show in the UI beside the daemon's.

    DAGSTER_HOME is set for as long as it is open: dagster.yaml refers to it.
    """
    home = str(prepare_dagster_home(settings))
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = home
    try:
        with DagsterInstance.from_config(home) as instance:
            yield instance
    finally:
        if before is None:
            os.environ.pop(HOME_VARIABLE, None)
        else:
            os.environ[HOME_VARIABLE] = before
