"""Contracts as checks: a red one stops the build, so that what stands published stays as it was."""

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

from data_contracts.contracts import contract_names, inbound_contracts, published_contracts
from data_contracts.errors import ContractBrokenError, InputError
from pipelines.defs.contract_status import record_states
from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.defs.session import BuildSession
from pipelines.landing.manifest import Landing, list_landings, verify
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.promises import judge_table
from pipelines.warehouse.records import (
    ContractState,
    FailedRule,
    TableSum,
    count_people,
    purchases_close,
    table_sums,
    write_contract_results,
)

MARTS = "marts"
WHOLE = "landed_files_whole"
SHARE = "share_set_aside"
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
    """Give the verdict on each landed table; where nothing changed it is the last one."""
    from pipelines.landing.verdict import judge  # pandas, and Great Expectations where something is new

    states = []
    for table in contract_names("inbound"):
        verdict = judge(table, session.settings, session.clock)
        failed = tuple(FailedRule(rule.rule, rule.failed, rule.severity) for rule in verdict.failed)
        state = ContractState(
            table, verdict.state, verdict.rows_checked, verdict.rows_quarantined, failed, verdict.checked_at
        )
        refused = session.refused.get(table, ())  # the loader hashes every file that it reads
        states.append(_with(state, [FailedRule(WHOLE, len(refused), "critical")] if refused else []))
    with open_warehouse(session.settings.build_path) as connection:
        write_contract_results(connection, states)
    return states


def judge_marts(session: BuildSession) -> list[ContractState]:
    """Give the verdict on each published table that has a contract, and on the sums."""
    now = session.clock.now()
    with open_warehouse(session.settings.build_path) as connection:
        states = [
            judge_table(connection, MARTS, contract, now) for contract in published_contracts().values()
        ]
        session.sums = table_sums(connection, contract_names("inbound"))
        session.people = count_people(connection)
        still_open = _open_sums(connection, session.sums)
        states = [_with(state, still_open) if state.table == PUBLISHED else state for state in states]
        write_contract_results(connection, states)
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
            f"Nothing was published; the last release stands. {_mend(session, red[0])}".strip(),
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


def _open_sums(connection: duckdb.DuckDBPyConnection, sums: Sequence[TableSum]) -> list[FailedRule]:
    names = [f"rows_of_{item.table}_close" for item in sums if not item.closes]
    names += [] if purchases_close(connection) else ["money_of_purchases_closes"]
    return [FailedRule(name, 1, "critical") for name in names]


def _with(state: ContractState, broken: Sequence[FailedRule]) -> ContractState:
    known = {rule.rule for rule in broken}
    others = [rule for rule in state.failed if rule.rule not in known]
    return replace(state, state="red", failed=(*broken, *others)) if broken else state


def _mend(session: BuildSession, state: ContractState) -> str:
    """Say what to do about a red landed table; files are named by their ids, for a file's name may be a person's."""
    if state.table not in contract_names("inbound"):
        return ""
    damaged = [item for item in list_landings(session.settings, state.table) if not _is_whole(item)]
    if damaged:
        manifests = ", ".join(str(item.manifest_path) for item in damaged)
        return f"Delete {manifests} and ingest what it names again."
    if any(rule.rule == SHARE for rule in state.failed):
        return (
            f"Run `rapport quarantine list --table {state.table}`, and ingest those rows again once they are mended;"
            " where the contract is to blame, mend it and run `rapport quarantine replay`."
        )
    return "Mend those rows where they come from and ingest them again, or mend the contract."


def _is_whole(landing: Landing) -> bool:
    try:
        verify(landing)
    except InputError:
        return False
    return True


def _worst(state: ContractState) -> str:
    """Name the rule to begin with: a damaged file before all, then what most rows break."""
    rules = sorted(
        state.failed, key=lambda rule: (rule.rule != WHOLE, rule.severity != "critical", -rule.failed)
    )
    return f"rule {rules[0].rule} is broken {rules[0].failed} times" if rules else "it was refused as a whole"
