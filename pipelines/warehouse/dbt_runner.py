"""Run dbt inside this process.

Dagster-dbt's own stream starts a process for each call, which costs 14 to 19 CPU seconds (measured 2026-11-21), and
needs `dbt` on the PATH. The manifest, from which the asset graph is drawn, is written under RAPPORT_HOME and again only
when a file of the project has changed, or dbt itself. Builds run from it too: dbt would parse all files again for each
new `as_of`, because that is a variable, and parsing takes 3 CPU seconds (2026-11-22, 110 files). The names of the traits are
the one variable that is read while files are parsed; all others are while models and tests are compiled. What our
contracts promise is laid over what dbt has parsed (promised.py).
"""

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from data_contracts.contracts import FOLDER as CONTRACTS
from data_contracts.errors import BuildError
from messaging.settings import Settings
from pipelines.redaction import LONGEST, redacted
from pipelines.settings import home_region, own_domains
from pipelines.warehouse.promised import TRAITS, lay_contracts, trait_names

PROJECT = Path(__file__).parents[2] / "dbt_project"
SOURCES = ("models", "macros", "seeds", "tests", "snapshots")
BUILD_DB = "RAPPORT_BUILD_DB"
MEMORY = "RAPPORT_BUILD_MEMORY"
TARGET = "target"
OF_BUILD = "of_build"  # the variable that keeps dbt from making the next build a whole one
PACKED = "partial_parse.msgpack"  # as dbt calls the manifest in the form that it reads itself
HOOK = "operation"  # as dbt calls the kind of what runs before and after all models
FAILED = {"error", "fail", "runtime error"}


@dataclass(frozen=True)
class NodeResult:
    """How one model, seed or test ended: status is success, pass, warn, fail, error or skipped."""

    unique_id: str
    name: str
    kind: str
    status: str
    seconds: float
    failures: int
    message: str
    compiled: str = ""  # a model's SQL as it ran

    @property
    def failed(self) -> bool:
        """Say whether this keeps the build from going on."""
        return self.status in FAILED


def project_hash() -> str:
    """Name the content of the dbt project, what we promise of it, and the dbt that reads it, in 16 hex digits.

    Where the project lies counts too: a parsed seed names its file by the whole path, and a home may be used from another
    checkout.
    """
    digest = hashlib.sha256(f"{version('dbt-core')}\0{PROJECT}".encode())
    paths = [path for folder in SOURCES for path in (PROJECT / folder).rglob("*") if path.is_file()]
    promised = (CONTRACTS / "published").glob("*.yaml")
    for path in sorted([*paths, *PROJECT.glob("*.yml"), *promised]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def manifest_path(settings: Settings) -> Path:
    """Give the manifest of the project as it stands, parsed only where the project has changed."""
    folder = settings.home.absolute() / "dbt" / project_hash()
    if not (folder / "manifest.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in _parsed_manifest(project_hash()).items():
            aside = folder / f"{name}.{os.getpid()}.tmp"
            aside.write_bytes(content)
            aside.replace(folder / name)
        _forget_others(folder)
    return folder / "manifest.json"


def _forget_others(folder: Path) -> None:
    """Remove the manifests of the project as it was before."""
    for other in folder.parent.iterdir():
        if other != folder and (other / "manifest.json").exists() and other.name != TARGET:
            shutil.rmtree(other, ignore_errors=True)


@cache
def _parsed_manifest(_hash: str) -> dict[str, bytes]:
    """Parse the project into the manifest's two forms, by file name; the one that says that both are there is the last.

    Whoever uses many homes in one process, as tests and evaluations do, parses once.
    """
    with TemporaryDirectory(prefix="rapport-dbt-") as folder:
        target = Path(folder)
        manifest = parse_project(target)
        manifest.writable_manifest().write(str(target / "manifest.json"))
        return {PACKED: _packed(manifest), "manifest.json": (target / "manifest.json").read_bytes()}


def relations_of_records(manifest: Path) -> dict[str, str]:
    """Give the schema of each model that is rebuilt by records and that models rebuilt by customers read, by name.

    What identity says of records is not among them: dbt picks that out itself (macros/increment.sql).
    """
    nodes = json.loads(manifest.read_text())["nodes"]
    units = {name: node["config"].get("meta", {}).get("rebuilt_by") for name, node in nodes.items()}
    read = {
        parent
        for name, node in nodes.items()
        if units[name] == "customer"
        for parent in node["depends_on"]["nodes"]
    }
    return {
        nodes[name]["name"]: nodes[name]["schema"]
        for name in read
        if units.get(name) == "record" and "before_identity" in nodes[name]["tags"]
    }


def tables_of_customers(manifest: Path) -> set[str]:
    """Name the published tables of which a part replaces the rows of some customers, and identity's evidence, likewise."""
    nodes = json.loads(manifest.read_text())["nodes"].values()
    found = {
        node["name"]
        for node in nodes
        if node["schema"] == "marts" and node["config"].get("meta", {}).get("rebuilt_by") == "customer"
    }
    return found | {"identity_evidence"}


def parse_project(folder: Path) -> Any:
    """Parse the project, writing under `folder`, into dbt's manifest with our contracts laid over it.

    Raises BuildError where a file of the project, or a trait, is wrong.
    """
    with _environment(folder / "nothing.duckdb"):
        found = _invoke(["parse", "--no-partial-parse"], folder, vars_={})
    lay_contracts(found)
    return found


def _packed(manifest: Any) -> bytes:
    from dbt.parser.manifest import extended_mashumaro_encoder

    packed: bytes = manifest.to_msgpack(extended_mashumaro_encoder)
    return packed


def compiled_manifest(home: Path) -> dict[str, Any]:
    """Give the manifest with the SQL of every model written out, compiled only where the project has changed."""
    folder = home.absolute() / "dbt" / TARGET / "compiled" / project_hash()
    path = folder / "manifest.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        parsed = _parsed_manifest(project_hash())[PACKED]
        with _environment(folder / "nothing.duckdb"):  # not the warehouse: a build may hold its lock
            _invoke(["compile", "--no-introspect", "--no-populate-cache"], folder, vars_={}, parsed=parsed)
        _forget_others(folder)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def draw_models(settings: Settings, compiled: Mapping[str, str]) -> str:
    """Give dbt's page of the project as one HTML file: the graph, and each model's words, columns and SQL.

    `compiled` is the SQL by dbt's id, as a build ran it; the types of columns are those of the warehouse as it stands.
    """
    path = manifest_path(settings)
    manifest = json.loads(path.read_text())
    for key, code in compiled.items():
        manifest["nodes"][key] |= {"compiled_code": code, "compiled": True}
    with TemporaryDirectory(prefix="rapport-dbt-") as folder, _environment(settings.build_path.absolute()):
        target = Path(folder)
        (target / "manifest.json").write_text(json.dumps(manifest))
        parsed = path.with_name(PACKED).read_bytes()
        _invoke(["docs", "generate", "--static", "--no-compile"], target, vars_={}, parsed=parsed)
        return (target / "static_index.html").read_text(encoding="utf-8")


def run_dbt(
    settings: Settings,
    *,
    select: Sequence[str],
    as_of: str,
    full: bool,
    variables: Mapping[str, Any] | None = None,
) -> list[NodeResult]:
    """Build the selected seeds and models and run their tests, each after what it depends on.

    `as_of` is an ISO moment in naive UTC; `variables` are laid over those that the settings give. Unit tests
    belong to the test suite and are not run here. Raises BuildError when dbt itself cannot start; a failed
    model or test is a result.
    """
    arguments = ["build", "--select", *select, "--exclude-resource-type", "unit_test", "--no-write-json"]
    arguments += ["--full-refresh"] if full else []
    # Two models side by side share the memory: where it is bounded, each has all of it in turn. (2026-11-22: at 13
    # million rows `int_profile__statements` ran out of 2.5 GB beside another model; 2.3 are enough for it alone.)
    arguments += ["--threads", "1"] if settings.build_memory_mb else []
    known = {
        OF_BUILD: True,
        "as_of": as_of.replace("T", " "),
        "currency": settings.currency,
        "own_domains": own_domains(settings),
        "default_region": home_region(settings),
    }
    with _environment(settings.build_path.absolute(), settings.build_memory_mb):
        outcome = _invoke(
            arguments,
            settings.home.absolute() / "dbt" / TARGET,
            vars_=known | dict(variables or {}),
            parsed=manifest_path(settings).with_name(PACKED).read_bytes(),
        )
    results = [_node_result(result) for result in outcome.results]
    return [result for result in results if result.kind != HOOK or result.failed]


def _invoke(
    arguments: Sequence[str], target: Path, *, vars_: Mapping[str, Any], parsed: bytes | None = None
) -> Any:
    """Call dbt quietly: what it prints and logs could quote rows. `parsed` is the packed manifest, where there is one."""
    variables = json.dumps({TRAITS: trait_names(PROJECT), **vars_})
    where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target)]
    quiet = [
        "--quiet",
        "--log-level",
        "none",
        "--log-level-file",
        "none",
        "--log-path",
        str(target),
        "--no-print",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dbt's own deprecations; they are not ours to mend
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        try:
            manifest = _unpacked(parsed) if parsed else None
            outcome = dbtRunner(manifest=manifest).invoke([*arguments, *where, *quiet, "--vars", variables])
        finally:
            DuckDBConnectionManager.close_all_connections()  # else the file stays locked, to ourselves too
    if outcome.exception is not None:
        raise BuildError(
            f"dbt could not {arguments[0]} the models: {_said(arguments[0], outcome.exception)}"
        ) from None
    return outcome.result


def _unpacked(packed: bytes) -> Any:
    """Read a manifest afresh for each run, because dbt writes into it."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    manifest = Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    return manifest


def _said(command: str, exception: BaseException) -> str:
    """Give dbt's words: in full about a file of the project, without values about rows."""
    return " ".join(str(exception).split())[:LONGEST] if command == "parse" else redacted(str(exception))


@contextmanager
def _environment(build_path: Path, megabytes: int = 0) -> Iterator[None]:
    """Tell the profile which file to build into and how much memory that may take, for as long as dbt runs."""
    build_path.parent.mkdir(parents=True, exist_ok=True)
    told = {BUILD_DB: str(build_path)} | ({MEMORY: f"{megabytes}MB"} if megabytes else {})
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _node_result(result: Any) -> NodeResult:
    return NodeResult(
        unique_id=result.node.unique_id,
        name=result.node.name,
        kind=str(result.node.resource_type),
        status=str(result.status),
        seconds=float(result.execution_time),
        failures=int(result.failures or 0),
        message=redacted(str(result.message or "")),
        compiled=str(getattr(result.node, "compiled_code", None) or ""),
    )
