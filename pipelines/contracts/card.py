"""A contract as plain data for `rapport contract show --json`."""

from typing import Any

from data_contracts.model import Column, Contract, Rule, SetRule


def contract_document(contract: Contract) -> dict[str, Any]:
    """Give a contract as plain data; durations are ISO 8601, thresholds shares of a batch."""
    return {
        "table": contract.name,
        "version": contract.version,
        "hash": contract.hash,
        "purpose": contract.purpose,
        "usage": contract.usage,
        "limitations": contract.limitations,
        "grain": contract.grain,
        "owner": contract.owner,
        "retention": contract.retention,
        "threshold": contract.quarantine_threshold,
        "columns": [_column(column) for column in contract.columns],
        "rules": [_rule(rule) for rule in contract.table_rules],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "title": column.title,
        "type": column.type,
        "description": column.description,
        "required": column.required,
        "classification": column.classification,
        "retention": column.retention,
        "rules": [_rule(rule) for rule in column.rules],
    }


def _rule(rule: Rule | SetRule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "check": rule.check,
        "columns": list(rule.columns),
        "sentence": rule.sentence,
        "severity": rule.severity,
        "owner": rule.owner,
        "threshold": rule.threshold,
    }
