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

from data_contracts.contracts import (
    contract_names,
    inbound_contracts,
    load_contract,
    published_contract,
    published_contracts,
)
from data_contracts.errors import ContractBrokenError
from data_contracts.sentences import counted
from pipelines.contracts.page import LATEST
from pipelines.defs.contract_status import record_states
from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.defs.session import BuildSession
from pipelines.landing.manifest import is_whole, list_landings
from pipelines.landing.results import Count, RuleResult, own_result
from pipelines.warehouse.breaking import breaking_files, told_files
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.promises import judge_table
from pipelines.warehouse.records import (
    ContractState,
    TableSum,
    count_people,
    purchases_close,
    table_sums,
    write_contract_results,
)

MARTS = "marts"
WHOLE = "landed_files_whole"
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
        verdict = judge(table, session.settings, session.clock, session.as_of)
        state = ContractState(
            table,
            verdict.rows_checked,
            verdict.rows_quarantined,
            verdict.results,
            verdict.checked_at,
            verdict.rows,
        )
        refused = len(session.refused.get(table, ()))  # the loader hashes every file that it reads
        states.append(_with(state, [_damaged(table, refused)] if refused else []))
    with open_warehouse(session.settings.build_path) as connection:
        write_contract_results(connection, states)
    return states


def judge_marts(session: BuildSession) -> list[ContractState]:
    """Give the verdict on each published table that has a contract, and on the sums."""
    now = session.clock.now()
    with open_warehouse(session.settings.build_path) as connection:
        states = [
            judge_table(connection, MARTS, contract, now, session.as_of)
            for contract in published_contracts().values()
        ]
        session.sums = table_sums(connection, contract_names("inbound"))
        session.people = count_people(connection)
        still_open = _open_sums(connection, session.sums)
        states = [_with(state, still_open) if state.table == PUBLISHED else state for state in states]
        write_contract_results(connection, states)
    return states


def settle(session: BuildSession, states: Sequence[ContractState]) -> None:
    """Tell the store, and keep the sentence that a person is told when something is red."""
    if not session.past:  # what stands is not judged by how a past day was
        record_states(session.settings, session.store, states)
    session.contracts.extend(states)
    red = [state for state in states if state.state == "red"]
    if red:
        session.failure = ContractBrokenError(
            f"The contract of {red[0].table} is red: {_worst(red[0])}"
            + (f" ({len(red) - 1} more tables are red)." if len(red) > 1 else "."),
            f"Nothing was published; the last release stands. {_mend(session, red[0])}".strip()
            + f" Each rule stands on {session.settings.reports_dir / LATEST}.",
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


def _open_sums(connection: duckdb.DuckDBPyConnection, sums: Sequence[TableSum]) -> list[RuleResult]:
    """Say for every landed table whether no row was lost on the way, and for purchases whether the money adds up."""
    owner = published_contract(PUBLISHED).owner
    found = [
        own_result(
            f"rows_of_{item.table}_close",
            f"Every landed row of {item.table.replace('_', ' ')} is in the view, or an older version of one that is.",
            owner,
            Count(item.landed, int(not item.closes)),
        )
        for item in sums
    ]
    closes = purchases_close(connection)
    sentence = "The order lines that we publish are those that landed, to the penny."
    return [*found, own_result("money_of_purchases_closes", sentence, owner, Count(1, int(not closes)))]


def _damaged(table: str, files: int) -> RuleResult:
    sentence = "Every landed file is the one that was written."
    return own_result(WHOLE, sentence, load_contract(table).owner, Count(files, files))


def _with(state: ContractState, more: Sequence[RuleResult]) -> ContractState:
    known = {result.rule for result in more}
    others = [result for result in state.results if result.rule not in known]
    return replace(state, results=(*more, *others))


def _mend(session: BuildSession, state: ContractState) -> str:
    """Say what to do about a red landed table; files are named by their ids, for a file's name may be a person's."""
    if state.table not in contract_names("inbound"):
        return ""
    damaged = [item for item in list_landings(session.settings, state.table) if not is_whole(item)]
    if damaged:
        manifests = ", ".join(str(item.manifest_path) for item in damaged)
        return f"Ingest again what {manifests} names: it takes the damaged file's place."
    if any(rule.set_aside for rule in state.failed):
        return (
            f"Run `rapport quarantine list --table {state.table}`, and ingest those rows again once they are mended;"
            " where the contract is to blame, mend it and run `rapport quarantine replay`."
        )
    if standing := _standing(session, state):
        return standing
    return "Mend those rows where they come from and ingest them again, or mend the contract."


def _standing(session: BuildSession, state: ContractState) -> str:
    """Say which files the rows came in that stand there and break a critical rule, and what replaces them."""
    broken = [rule.rule for rule in state.failed if rule.state == "broken"]
    with open_warehouse(session.settings.build_path, read_only=True) as connection:
        found = breaking_files(connection, load_contract(state.table), broken)
    manifests = {
        (item.source, item.landing_id): str(item.manifest_path)
        for item in list_landings(session.settings, state.table)
    }
    return told_files(found, manifests)


def _worst(state: ContractState) -> str:
    """Name the rule to begin with: a damaged file before all, then what most rows break."""
    rules = sorted(
        state.failed, key=lambda rule: (rule.rule != WHOLE, rule.severity != "critical", -rule.failed)
    )
    if not rules:
        return "it was refused as a whole"
    worst = rules[0]
    if not worst.set_aside:
        return f"rule {worst.rule} is broken {counted(worst.failed, 'time')}"
    return (
        f"{counted(worst.checked, 'row')} checked, {worst.set_aside:,} of them set aside by rule {worst.rule}, which"
        f" {worst.owner or 'nobody'} answers for; it allows {worst.threshold:.1%}"
    )
