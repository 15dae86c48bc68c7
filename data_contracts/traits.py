"""Traits: columns of customer_360 that a company adds with one model and one line.

`published/traits.yaml` holds the lines: the column's name, its DuckDB type, its title and words for people, whether it is
personal, and whether each change of it is kept (`history`). The model of the same name in dbt_project/models/traits gives
`customer_id` and the value.
"""

import re
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from data_contracts.errors import ContractError
from data_contracts.model import Column

FILE = Path(__file__).parent / "published" / "traits.yaml"
TYPES = ("VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE")
CLASSIFICATIONS = ("internal", "personal", "sensitive")
KEYS = ("type", "title", "description", "classification", "history")
MEND = "Mend its line in {path}: name: {{type: BOOLEAN, title: ..., description: ..., classification: internal}}."


def read_traits(path: Path = FILE, taken: Collection[str] = ()) -> tuple[Column, ...]:
    """Read the lines in their order; none where there is no file. `taken` are names that the view has already.

    Raises ContractError naming the trait, what is wrong and what is legal.
    """
    if not path.exists():
        return ()
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ContractError(
            f"The traits in {path} cannot be read.", "Write one `name: {...}` a line."
        ) from error
    if not isinstance(document, dict):
        raise ContractError(f"{path} holds no traits.", "Write one `name: {...}` a line.")
    return tuple(_trait(path, str(name), line, taken) for name, line in document.items())


def _trait(path: Path, name: str, line: Any, taken: Collection[str]) -> Column:
    def need(holds: object, what: str) -> None:
        if not holds:
            raise ContractError(f"The trait {name!r} {what}.", MEND.format(path=path))

    need(
        re.fullmatch(r"[a-z][a-z0-9_]*", name), "has a name that is no column: a to z, digits and _ are legal"
    )
    need(name not in taken, "has the name of a column that customer_360 has already")
    need(isinstance(line, dict), "has no type and no words")
    unknown = sorted(map(str, set(line) - set(KEYS)))
    near = get_close_matches(unknown[0], KEYS, 1) if unknown else []
    need(
        not unknown,
        f"has an unknown key {unknown[0] if unknown else ''!r}{f', meant is {near[0]}' if near else ''}",
    )
    kind = str(line.get("type", "")).upper()
    need(kind in TYPES, f"has the type {line.get('type')!r}; legal are {', '.join(TYPES)}")
    need(str(line.get("description") or "").strip(), "has no description")
    classification = line.get("classification", "internal")
    need(
        classification in CLASSIFICATIONS,
        f"has the classification {classification!r}; legal are {', '.join(CLASSIFICATIONS)}",
    )
    history = line.get("history", False)
    need(isinstance(history, bool), f"has the history {history!r}; legal are true and false")
    return Column(
        name=name,
        type=kind,
        description=str(line["description"]).strip(),
        required=False,
        classification=classification,
        title=str(line.get("title") or name.replace("_", " ").capitalize()),
        rules=(),
        trait=True,
        history=history,
    )
