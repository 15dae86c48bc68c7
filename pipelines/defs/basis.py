"""What decides a build beside the rows: while it stays as it is, a build may begin from what the last one left."""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pipelines
from messaging.settings import Settings
from pipelines.identity.linking.model import home_model
from pipelines.identity.policy import home_policy
from pipelines.identity.survivorship import dbt_vars
from pipelines.publishing.pointer import read_pointer
from pipelines.scoring.actions.rules import home_actions
from pipelines.scoring.sentiment.policy import home_sentiment_policy
from pipelines.scoring.sentiment.scorer import choose_scorer
from pipelines.settings import home_region, own_domains
from pipelines.warehouse.dbt_runner import project_hash
from pipelines.warehouse.increment import Basis

CODE = ("data_contracts", "messaging", "pipelines")
LIBRARIES = ("duckdb", "phonenumbers")  # of which rows follow, that a newer version may see otherwise


def basis_of(settings: Settings) -> Basis:
    """Name what a build works by that begins now, and the release that stands."""
    home = settings.home
    told = {
        "project": project_hash(),
        "code": _code_hash(),
        "libraries": [version(library) for library in LIBRARIES],
        "currency": settings.currency,
        "own_domains": own_domains(settings),
        "region": home_region(settings),
        "variables": dbt_variables(settings),
        "scorer": choose_scorer(home_sentiment_policy(home)).version,
        "policies": [repr(home_policy(home)), repr(home_model(home)), repr(home_sentiment_policy(home))],
    }
    pointer = read_pointer(settings.releases_dir)
    name = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return Basis(name, pointer.version if pointer else None)


def dbt_variables(settings: Settings) -> dict[str, Any]:
    """Give the variables that the policies of an installation set for the models."""
    survivorship = dbt_vars(home_policy(settings.home).survivorship)
    return survivorship | home_actions(settings.home).to_variables()


@cache
def _code_hash() -> str:
    """Name the content of the program's own files, in 16 hex digits; they do not change while it runs."""
    root = Path(pipelines.__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(path for folder in CODE for path in (root / folder).rglob("*") if path.is_file()):
        if "__pycache__" not in path.parts:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
