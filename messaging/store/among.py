"""Whether a column's text is one of many, given as one parameter on either database.

An IN with a parameter for each text costs SQLAlchemy 3 us a text, more than the look-up itself (2026-11-22).
"""

import json
from typing import Any, Self

from sqlalchemy import Boolean, Column, Dialect, String, TypeDecorator, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine


class _Texts(TypeDecorator[list[str]]):
    """Texts as one parameter: an array of PostgreSQL's, JSON for SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Say as what the database takes them."""
        return dialect.type_descriptor(ARRAY(String()) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        """Write them as the database takes them."""
        return value if dialect.name == "postgresql" else json.dumps(value)


class Among(FunctionElement[bool]):
    """A condition: build it with `among`."""

    name = "among"
    inherit_cache = True
    type = Boolean()

    def self_group(self, against: OperatorType | None = None) -> Self:  # noqa: ARG002 - SQLAlchemy's name
        """Stand as it is: `= 1` behind it, as behind other booleans on SQLite, would keep the index from being used."""
        return self


def among(column: Column[Any], name: str) -> Among:
    """Hold a column to the list of texts that a statement is given as its parameter `name`."""
    return Among(column, bindparam(name, type_=_Texts()))


@compiles(Among, "sqlite")
def _for_sqlite(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({texts})))"  # noqa: S608 - names and a parameter


@compiles(Among, "postgresql")
def _for_postgresql(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} = ANY ({texts}))"
