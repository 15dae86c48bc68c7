"""Contracts as checks: a red one stops the build, so that what stands published stays as it was."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import duckdb
from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    multi_asset_check,
)

from data_contracts.contracts import inbound_contracts, published_contracts
from data_contracts.errors import ContractBrokenError
from data_contracts.model import Contract
from pipelines.defs.contract_status import record_states
from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.defs.session import BuildSession
from pipelines.landing.manifest import Landing, list_landings
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.promises import judge_table
from pipelines.warehouse.records import (
    ContractState,
    FailedRule,
    TableSum,
    count_people,
    prepare_records,
    purchases_close,
    read_verdict,
    table_sums,
    write_verdict,
)

INTACT = "landed_files_intact"
PUBLISHED = "customer_360"


@multi_asset_check(
    name="inbound_contracts",
    specs=[
        AssetCheckSpec("contract", asset=key("landing", table), blocking=True, description=contract.purpose)
        for table, contract in inbound_contracts().items()
    ],
    required_resource_keys={"build"},
    can_subset=True,
)
def inbound_checks(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
    """Judge every landed table, before anything is derived from it."""
    session = session_of(context)
    with session.stage("inbound contracts") as stage:
        states = judge_landed(session)
        stage.rows = sum(state.rows_checked for state in states)
        settle(session, states)
    yield from _asked(context, [check_result(state, "landing") for state in states])


@multi_asset_check(
    name="published_contracts",
    specs=[
        AssetCheckSpec("contract", asset=key(table), blocking=True, description=contract.purpose)
        for table, contract in published_contracts().items()
    ],
    required_resource_keys={"build"},
    can_subset=True,
)
def published_checks(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
    """Judge what we are about to publish, and whether every row that came in is in it."""
    session = session_of(context)
    with session.stage("published contracts") as stage:
        states = judge_marts(session)
        stage.rows = sum(state.rows_checked for state in states)
        settle(session, states)
    yield from _asked(context, [check_result(state) for state in states])


def judge_landed(session: BuildSession) -> list[ContractState]:
    """Give the verdict on each landed table, judged again where something changed."""
    landings = list_landings(session.settings)
    with open_warehouse(session.settings.build_path) as connection:
        prepare_records(connection)
        return [
            _judge_landed(
                session, connection, contract, [landing for landing in landings if landing.table == table]
            )
            for table, contract in inbound_contracts().items()
        ]


def judge_marts(session: BuildSession) -> list[ContractState]:
    """Give the verdict on each published table that has a contract, and on the sums."""
    now = session.clock.now()
    with open_warehouse(session.settings.build_path) as connection:
        prepare_records(connection)
        states = [
            judge_table(connection, "marts", contract, now) for contract in published_contracts().values()
        ]
        session.sums = table_sums(connection, inbound_contracts())
        session.people = count_people(connection)
        still_open = _open_sums(connection, session.sums)
        states = [_with(state, still_open) if state.table == PUBLISHED else state for state in states]
        for state in states:
            write_verdict(connection, session.build_id, state)
    return states


def settle(session: BuildSession, states: Sequence[ContractState]) -> None:
    """Tell the store, and keep the sentence that a person is told when something is red."""
    record_states(session.store, states)
    session.contracts.extend(states)
    red = [state for state in states if state.state == "red"]
    if red:
        session.failure = ContractBrokenError(
            f"The contract of {red[0].table} is red: {_worst(red[0])}"
            + (f" ({len(red) - 1} more tables are red)." if len(red) > 1 else "."),
            "Nothing was published; the last release stands.",
        )


def check_result(state: ContractState, *folder: str) -> AssetCheckResult:
    """Give a verdict as Dagster keeps it: rules and counts, no rows."""
    return AssetCheckResult(
        asset_key=key(*folder, state.table),
        check_name="contract",
        passed=state.state == "green",
        severity=AssetCheckSeverity.ERROR if state.state == "red" else AssetCheckSeverity.WARN,
        metadata={
            "rows_checked": state.rows_checked,
            "rows_quarantined": state.rows_quarantined,
            **{f"rule/{rule.rule}": rule.failed for rule in state.failed},
        },
    )


def _asked(
    context: AssetCheckExecutionContext, results: Sequence[AssetCheckResult]
) -> Iterator[AssetCheckResult]:
    """Leave out the checks that a run of a few assets did not ask for."""
    wanted = {(asked.asset_key, asked.name) for asked in context.selected_asset_check_keys}
    return (result for result in results if (result.asset_key, result.check_name) in wanted)


def _judge_landed(
    session: BuildSession,
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    landings: Sequence[Landing],
) -> ContractState:
    refused = session.refused.get(contract.name, ())
    judged = _name_of(contract, landings, refused)
    known = read_verdict(connection, contract.name, judged)
    if known:
        return known
    state = _with_quarantine(judge_table(connection, "landing", contract, session.clock.now()), landings)
    state = _with(state, [FailedRule(INTACT, len(refused), "critical")] if refused else [])
    write_verdict(connection, judged, state)
    return state


def _name_of(contract: Contract, landings: Sequence[Landing], refused: Sequence[str]) -> str:
    """Name what is judged: the landed files, their mappings and the contract, not its wording."""
    files = sorted(
        (landing.parquet_sha256, landing.mapping_hash, landing.quarantined) for landing in landings
    )
    return hashlib.sha256(json.dumps([contract.hash, files, sorted(refused)]).encode()).hexdigest()[:16]


def _with_quarantine(state: ContractState, landings: Sequence[Landing]) -> ContractState:
    return replace(state, rows_quarantined=sum(landing.quarantined for landing in landings))


def _open_sums(connection: duckdb.DuckDBPyConnection, sums: Sequence[TableSum]) -> list[FailedRule]:
    names = [f"rows_of_{item.table}_close" for item in sums if not item.closes]
    names += [] if purchases_close(connection) else ["money_of_purchases_closes"]
    return [FailedRule(name, 1, "critical") for name in names]


def _with(state: ContractState, broken: Sequence[FailedRule]) -> ContractState:
    return replace(state, state="red", failed=(*broken, *state.failed)) if broken else state


def _worst(state: ContractState) -> str:
    rules = sorted(state.failed, key=lambda rule: (rule.severity != "critical", -rule.failed))
    return f"rule {rules[0].rule} is broken {rules[0].failed} times" if rules else "it was refused as a whole"
