"""Which model reads which column, from the SQL that dbt compiled: column by column, through every `select *`."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, traverse_scope

DIALECT = "duckdb"
Tables = dict[str, list[str]]  # the columns of each table, as `schema.name`


@dataclass(frozen=True, order=True)
class Field:
    """A column of a table, which is named `schema.name`."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.table.rpartition('.')[2]}.{self.column}"


@dataclass(frozen=True)
class Model:
    """A dbt model: the columns that it names, those that it only passes on by a `*`, and what its own are made of.

    `values` is what each of its columns is made of without the keys by which a joined table is looked up.
    """

    table: str
    path: str
    named: frozenset[Field]
    passed: frozenset[Field]
    made_of: Mapping[str, frozenset[Field]] = field(default_factory=dict)
    values: Mapping[str, frozenset[Field]] = field(default_factory=dict)


@dataclass(frozen=True)
class Lineage:
    """All models of the project."""

    models: tuple[Model, ...]

    def users(self, column: Field) -> list[Model]:
        """Give the models that name a column, also where another one passed it on to them by a `*`."""
        found: dict[str, Model] = {}
        for each in self._spread(column, lambda model: model.passed):
            found |= {model.table: model for model in self.models if each in model.named}
        return sorted(found.values(), key=lambda model: model.path)

    def made_from(self, column: Field, schema: str) -> list[Field]:
        """Give the columns of the tables of a schema that are made from a column, on whatever way."""
        spread = self._spread(column, lambda model: model.named | model.passed)
        return sorted(each for each in spread if each.table.startswith(f"{schema}.") and each != column)

    def _spread(self, column: Field, through: Any) -> Iterator[Field]:
        """Follow a column through the models, as far as `through` lets it."""
        seen, waiting = {column}, deque([column])
        while waiting:
            here = waiting.popleft()
            yield here
            for model in self.models:
                if here not in through(model):
                    continue
                for name, origins in model.made_of.items():
                    there = Field(model.table, name)
                    if here in origins and there not in seen:
                        seen.add(there)
                        waiting.append(there)


def read_lineage(manifest: Mapping[str, Any], tables: Tables) -> Lineage:
    """Read the models of a compiled manifest; `tables` gives the columns of what dbt does not make itself."""
    known = dict(tables)
    models = []
    for node in _in_order(manifest):
        table = f"{node['schema']}.{node['alias']}"
        model = _model(node, table, known)
        known[table] = list(model.made_of)
        models.append(model)
    return Lineage(tuple(models))


def _in_order(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the models, each after those that it reads."""
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    done: set[str] = set()

    def visit(key: str) -> Iterator[Mapping[str, Any]]:
        if key in done:
            return
        done.add(key)
        for other in nodes[key]["depends_on"]["nodes"]:
            if other in nodes:
                yield from visit(other)
        yield nodes[key]

    for key in sorted(nodes):
        yield from visit(key)


def _model(node: Mapping[str, Any], table: str, known: Tables) -> Model:
    path = str(node["original_file_path"])
    try:
        raw = parse_one(node["compiled_code"], dialect=DIALECT)
        whole = pushdown_projections(_qualified(raw, known))
        scope = build_scope(whole)
    except SqlglotError:
        return _by_words(node, table, path, known)
    assert scope is not None
    words = {column.name for column in raw.find_all(exp.Column)}
    used = {
        origin for part in traverse_scope(whole) for column in part.columns for origin in _read(part, column)
    }
    named = frozenset(each for each in used if each.column in words)
    tracer = _Tracer()
    origins = {name: tracer.origins(scope, name) for name in _outputs(scope)}
    made_of = {name: frozenset(origin for origin, _ in found) for name, found in origins.items()}
    values = {
        name: frozenset(origin for origin, is_key in found if not is_key) for name, found in origins.items()
    }
    return Model(table, path, named, frozenset(used) - named, made_of, values)


def _qualified(tree: exp.Expr, known: Tables) -> exp.Expr:
    """Write out every `*` and the table of every column."""
    read = {f"{table.db}.{table.name}" for table in tree.find_all(exp.Table)}  # all others cost time only
    schema: dict[str, Any] = {}
    for table, columns in known.items():
        if table not in read:
            continue
        folder, _, name = table.rpartition(".")
        schema.setdefault("c360", {}).setdefault(folder, {})[name] = dict.fromkeys(columns, "VARCHAR")
    return qualify(
        tree.copy(),
        dialect=DIALECT,
        schema=schema,
        validate_qualify_columns=False,
        quote_identifiers=False,
        identify=False,
    )


def _by_words(node: Mapping[str, Any], table: str, path: str, known: Tables) -> Model:
    """Judge a model that sqlglot cannot read by the words in it: rather a name too many than one too few."""
    words = set(node["compiled_code"].replace(".", " ").replace(",", " ").split())
    read = [name for name in known if name.rpartition(".")[2] in node["compiled_code"]]
    named = frozenset(Field(name, column) for name in read for column in known[name] if column in words)
    columns = {*node["columns"], *(each.column for each in named)}
    made_of = {name: frozenset(each for each in named if each.column == name) for name in sorted(columns)}
    return Model(table, path, named, frozenset(), made_of, made_of)


def _outputs(scope: Scope) -> list[str]:
    return [projection.alias_or_name for projection in _selects(scope)]


def _selects(scope: Scope) -> list[exp.Expr]:
    query = scope.expression
    return list(query.selects) if isinstance(query, exp.Query) else []


def _read(scope: Scope, column: exp.Column) -> Iterable[Field]:
    """Give the column of a table that a column of a query stands for; nothing where it is one of another query."""
    source = scope.sources.get(column.table)
    return [_field(source, column.name)] if isinstance(source, exp.Table) else []


Origin = tuple[
    Field, bool
]  # a column of a table, and whether it is only a key by which another one is looked up


class _Tracer:
    """Follows the columns of one query to where they come from; what was found once is not followed again."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], frozenset[Origin]] = {}

    def origins(self, scope: Scope, name: str) -> frozenset[Origin]:
        """Give the columns of tables that a column of a query is made of."""
        key = (id(scope), name)
        if key not in self._found:
            self._found[key] = frozenset()  # a recursive query comes back here, and has nothing to add
            self._found[key] = frozenset(self._of_query(scope, name))
        return self._found[key]

    def _of_query(self, scope: Scope, name: str) -> Iterator[Origin]:
        names = _outputs(scope)
        if scope.set_operation_scopes:
            place = names.index(name) if name in names else -1
            for part in scope.set_operation_scopes:
                outputs = _outputs(part)
                if 0 <= place < len(outputs):
                    yield from self.origins(part, outputs[place])
            return
        for projection in _selects(scope):
            if projection.alias_or_name == name:
                for column in projection.find_all(exp.Column):
                    yield from self._of_column(scope, column)

    def _of_column(self, scope: Scope, column: exp.Column) -> Iterator[Origin]:
        """Follow a column; one of a joined table hangs on what that table is looked up by, too."""
        for place in (scope, *scope.subquery_scopes):
            if place.sources.get(column.table) is None:
                continue
            yield from self._from(place, column)
            for key in _looked_up_by(place, column.table):
                yield from ((origin, True) for origin, _ in self._from(place, key))
            return

    def _from(self, scope: Scope, column: exp.Column) -> Iterator[Origin]:
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table):
            yield _field(source, column.name), False
        elif isinstance(source, Scope):
            yield from self.origins(source, column.name)


def _looked_up_by(scope: Scope, table: str) -> list[exp.Column]:
    """Give the columns of other tables in the condition by which a table is joined."""
    joins = [join for join in scope.expression.args.get("joins") or [] if join.alias_or_name == table]
    conditions = [condition for join in joins if (condition := join.args.get("on")) is not None]
    columns = (column for condition in conditions for column in condition.find_all(exp.Column))
    return [column for column in columns if column.table != table]


def _field(table: exp.Table, column: str) -> Field:
    return Field(f"{table.db}.{table.name}", column)
