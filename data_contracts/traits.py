"""Traits: columns of customer_360 that a company adds with one model and one line.

`published/traits.yaml` holds the lines: the column's name, its DuckDB type, its title and words for people, whether it is
personal, and whether each change of it is kept (`history`). The model of the same name in dbt_project/models/traits gives
`customer_id` and the value.
"""

import re
import reprlib
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from data_contracts.errors import ContractError
from data_contracts.model import Column
from data_contracts.yaml_files import read_yaml_file

FILE = Path(__file__).parent / "published" / "traits.yaml"
TYPES = ("VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE")
CLASSIFICATIONS = ("internal", "personal", "sensitive")
KEYS = ("type", "title", "description", "classification", "history")
LONGEST_NAME = 60
# No column or alias can have these names: DuckDB's words of the kinds `reserved` and `type_function` that cannot stand
# alone (duckdb_keywords(), 2.0), and `known`, under which the view's last projection reads all other columns.
_WORDS = """
all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check collate
collation column concurrently constraint create cross default deferrable desc describe distinct do else end except
false fetch for foreign freeze from full glob group having ilike in initially inner intersect into is isnull join known
lambda lateral leading left like limit natural not notnull null offset on only or order outer overlaps pivot
pivot_longer pivot_wider placing positional primary qualify references returning right select semi show similar some
summarize symmetric table tablesample then to trailing true union unique unpack unpivot using variadic verbose when
where window with
"""
RESERVED = frozenset(_WORDS.split())
MEND = "Mend its line ({place}): name: {{type: BOOLEAN, title: ..., description: ..., classification: internal}}."


def read_traits(path: Path = FILE, taken: Collection[str] = ()) -> tuple[Column, ...]:
    """Read the lines in their order; none where there is no file. `taken` are names that the view has already.

    Raises ContractError naming the trait, what is wrong and what is legal.
    """
    if not path.exists():
        return ()
    document = read_yaml_file(path, ContractError, "Write one `name: {...}` a line.")
    lines = {} if document.values is None else document.values
    if not isinstance(lines, dict):
        raise ContractError(f"{path} holds no traits.", "Write one `name: {...}` a line.")
    return tuple(
        _trait(f"{path}, line {document.line((str(name),))}", str(name), line, taken)
        for name, line in lines.items()
    )


def _trait(place: str, name: str, line: Any, taken: Collection[str]) -> Column:
    def need(holds: object, what: str) -> None:
        if not holds:
            raise ContractError(f"The trait {name!r} {what}.", MEND.format(place=place))

    need(
        re.fullmatch(r"[a-z][a-z0-9_]*", name), "has a name that is no column: a to z, digits and _ are legal"
    )
    need(len(name) <= LONGEST_NAME, f"has a name of more than {LONGEST_NAME} characters")
    need(name not in taken, "has the name of a column that customer_360 has already")
    need(name not in RESERVED, "has a name that is a word of SQL; add a word to it, such as its unit")
    need(isinstance(line, dict), "has no type and no words")
    unknown = sorted(map(str, set(line) - set(KEYS)))
    near = get_close_matches(unknown[0], KEYS, 1) if unknown else []
    need(
        not unknown,
        f"has an unknown key {unknown[0] if unknown else ''!r}{f', meant is {near[0]}' if near else ''}",
    )
    kind = str(line.get("type", "")).upper()
    need(kind in TYPES, f"has the type {reprlib.repr(line.get('type'))}; legal are {', '.join(TYPES)}")
    words: dict[str, Any] = {
        key: "" if line.get(key) is None else line[key] for key in ("title", "description")
    }
    for key, written in words.items():
        need(
            isinstance(written, str),
            f"has the {key} {reprlib.repr(written)}, which is no text: put it in quotes",
        )
    need(words["description"].strip(), "has no description")
    classification = line.get("classification", "internal")
    need(
        classification in CLASSIFICATIONS,
        f"has the classification {reprlib.repr(classification)}; legal are {', '.join(CLASSIFICATIONS)}",
    )
    history = line.get("history", False)
    need(isinstance(history, bool), f"has the history {reprlib.repr(history)}; legal are true and false")
    return Column(
        name=name,
        type=kind,
        description=words["description"].strip(),
        required=False,
        classification=classification,
        title=words["title"].strip() or name.replace("_", " ").capitalize(),
        rules=(),
        trait=True,
        history=history,
        profiling=True,  # what it concludes nobody here can know
    )
