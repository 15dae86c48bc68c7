"""The contracts that Rapport ships, by table name.

The files are Open Data Contract Standard 3.1: `inbound/<table>.odcs.yaml` for each canonical source table,
`published/<table>.odcs.yaml` for what a release promises. A company's traits (traits.py) are columns of customer_360.
"""

from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from data_contracts.errors import UsageError
from data_contracts.model import Column, Condition, Contract, Rule, SetRule
from data_contracts.odcs import SUFFIX, read_contract
from data_contracts.traits import read_traits

__all__ = [
    "Column",
    "Condition",
    "Contract",
    "Rule",
    "SetRule",
    "contract_names",
    "find_contract",
    "inbound_contracts",
    "load_contract",
    "published_contract",
    "published_contracts",
]
FOLDER = Path(__file__).parent
VIEW = "customer_360"


def load_contract(table: str) -> Contract:
    """Read the contract of a canonical inbound table. Raises UsageError for a table that we do not know."""
    return _load("inbound", table)


def published_contract(table: str) -> Contract:
    """Read the contract of a table that we publish. Raises UsageError for one that we do not know."""
    return _load("published", table)


def find_contract(name: str) -> Contract:
    """Read a contract by the name of its table, inbound or published, or by the path of its file."""
    path = Path(name)
    if path.is_file():
        return read_contract(path)
    side = "published" if name in contract_names("published") else "inbound"
    return _load(side, name)


def inbound_contracts() -> dict[str, Contract]:
    """Read the contracts of all canonical inbound tables, by name."""
    return {table: load_contract(table) for table in contract_names("inbound")}


def published_contracts() -> dict[str, Contract]:
    """Read the contracts of all published tables, by name."""
    return {table: published_contract(table) for table in contract_names("published")}


def contract_names(side: str) -> tuple[str, ...]:
    """Name the tables that have a contract on one side, `inbound` or `published`."""
    return tuple(sorted(path.name.removesuffix(SUFFIX) for path in (FOLDER / side).glob(f"*{SUFFIX}")))


@cache
def _load(side: str, table: str) -> Contract:
    known = contract_names(side)
    if table not in known:
        near = get_close_matches(table, known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"There is no {side} table {table!r}.", f"{hint}Known are {', '.join(known)}.")
    contract = read_contract(FOLDER / side / f"{table}{SUFFIX}")
    if (side, table) != ("published", VIEW):
        return contract
    traits = read_traits(FOLDER / "published" / "traits.yaml", contract.duckdb_columns())
    return replace(contract, columns=contract.columns + traits)
