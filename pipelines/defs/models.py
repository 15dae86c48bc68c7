"""The dbt models as assets, in three parts: what identity reads, what reads identity, and what reads scores."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
)

from data_contracts.errors import BuildError
from data_contracts.sentences import counted
from pipelines.defs.basis import dbt_variables
from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.defs.session import BuildSession
from pipelines.warehouse.connection import has_table, open_warehouse
from pipelines.warehouse.dbt_runner import NodeResult, relations_of_records, run_dbt
from pipelines.warehouse.increment import Increment, cut, find_people
from pipelines.warehouse.parts import count_rows, parts_of
from pipelines.warehouse.records import model_rows

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # dagster-dbt imports a retired package
    from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

UNIQUE_ID = "dagster_dbt/unique_id"
ASSETS = {"model", "seed", "snapshot"}
PARTS = ("before_identity", "after_identity", "after_scoring")


class Names(DagsterDbtTranslator):
    """Names a model `rapport/<model>`, a source's table `rapport/<source>/<table>`; groups by layer."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        """Name one resource."""
        if dbt_resource_props["resource_type"] == "source":
            return key(dbt_resource_props["source_name"], dbt_resource_props["name"])
        return key(dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Group by schema: staging, intermediate, marts."""
        return str(dbt_resource_props["schema"])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Say what a model is for; its SQL is in the repository."""
        return str(dbt_resource_props.get("description") or "")


def model_assets(manifest: Path) -> tuple[AssetsDefinition, AssetsDefinition, AssetsDefinition]:
    """Make the assets of each part from the project's manifest."""
    before, facts, marts = (_part(manifest, tag) for tag in PARTS)
    return before, facts, marts


def _part(manifest: Path, tag: str) -> AssetsDefinition:
    @dbt_assets(
        manifest=manifest,
        select=f"tag:{tag}",
        name=f"dbt_{tag}",
        dagster_dbt_translator=Names(),
        required_resource_keys={"build"},
    )
    def part(context: AssetExecutionContext) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        session = session_of(context)
        names = [path[-1] for path in sorted(asset.path for asset in context.selected_asset_keys)]
        select = names if context.is_subset else [f"tag:{tag}"]
        with session.stage(f"dbt {tag}") as stage:
            if tag == "after_identity" and session.increment.is_part:
                session.increment = _pick_out(session, manifest)
            results = run_dbt(
                session.settings,
                select=select,
                as_of=session.as_of.isoformat(),
                full=session.full,
                variables=dbt_variables(session.settings)
                | {"part": session.increment.is_part, "lots": _lots(session)},
            )
            counts = model_rows(session.settings.build_path)
            stage.rows = sum(counts.get(result.name, 0) for result in results if result.kind in ASSETS)
            if not session.increment.is_part:  # else what ran reads the slice of a part
                session.compiled |= {
                    result.unique_id: result.compiled for result in results if result.compiled
                }
            yield from _events(context, results, counts)
            _require(results)

    return part


def _lots(session: BuildSession) -> int:
    """Say in how many lots of people a model of all records is made, so that it fits into bounded memory."""
    if session.increment.is_part or not session.settings.build_path.exists():
        return 1
    with open_warehouse(session.settings.build_path) as connection:
        known = has_table(connection, "identity", "identity_map")
        return parts_of(count_rows(connection, "identity.identity_map")) if known else 1


def _pick_out(session: BuildSession, manifest: Path) -> Increment:
    """Find the people whose view is built anew, and lay out what theirs is made of."""
    with open_warehouse(session.settings.build_path) as connection:
        found = find_people(connection)
        if found.is_part:
            cut(connection, relations_of_records(manifest))
    return found


def _events(
    context: AssetExecutionContext, results: list[NodeResult], counts: Mapping[str, int]
) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
    keys = {spec.metadata[UNIQUE_ID]: spec.key for spec in context.assets_def.specs}
    checks = {spec.metadata[UNIQUE_ID]: spec for spec in context.assets_def.check_specs}
    for result in results:
        if result.kind in ASSETS and result.status == "success":
            rows = {"dagster/row_count": counts[result.name]} if result.name in counts else {}
            yield MaterializeResult(keys[result.unique_id], metadata={"seconds": result.seconds, **rows})
        elif result.unique_id in checks and checks[result.unique_id].key in context.selected_asset_check_keys:
            yield _check(checks[result.unique_id], result)


def _check(spec: AssetCheckSpec, result: NodeResult) -> AssetCheckResult:
    return AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=result.status == "pass",
        severity=AssetCheckSeverity.WARN if result.status == "warn" else AssetCheckSeverity.ERROR,
        metadata={"failing_rows": result.failures},
    )


def _require(results: list[NodeResult]) -> None:
    broken = [result for result in results if result.failed]
    if broken:
        first = broken[0]
        what = counted(first.failures, "row") if first.kind == "test" else first.message
        raise BuildError(
            f"{len(broken)} of {len(results)} models and tests failed; {first.kind} {first.name}: {what}.",
            f"Nothing was published. Look at it with `dbt build --select {first.name}` or in build.duckdb.",
        )
