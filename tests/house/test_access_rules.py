"""Every action that is audited, or that a page or door asks leave for, has a rule; and every rule has an action."""

import ast
from collections.abc import Iterator
from pathlib import Path

from dashboard.navigation import PAGES
from messaging.access import OWN, ROLE_WORDS, ROLES, RULES
from messaging.audit import SEAL

ROOT = Path(__file__).parents[2]
PACKAGES = ("messaging", "dashboard", "pipelines")
BY_ITSELF = {SEAL}  # what no person does
RECORDERS = {  # the functions that audit, and which of their arguments is the action
    "audit.record": 2,
    "looked": 3,
    "_do": 0,
}
HANDED_ON = {"action"}  # inside a recorder: its callers say which
WRITTEN = {  # actions that are put together: which they can become
    ("messaging/planner/steps.py", "campaign.{target}"): {
        f"campaign.{state}" for state in ("approved", "running", "paused", "stopped")
    },
    ("messaging/cli/reviewing.py", "consent.review.{decision}"): {
        "consent.review.confirm",
        "consent.review.lift",
    },
    ("messaging/desk/follow_ups.py", "follow_up.{settled_as}"): {"follow_up.kept", "follow_up.dropped"},
    ("messaging/desk/requests.py", "request.{closed_as}"): {"request.done", "request.refused"},
    ("messaging/identity_decisions/record.py", "identity.{kind}"): {"identity.merge", "identity.split"},
}
ASKED = {"require", "may"}


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield path.relative_to(ROOT).as_posix(), ast.unparse(node.func), node


def audited() -> dict[str, str]:
    """Give each action that is audited, with a file that does."""
    found: dict[str, str] = {}
    for file, name, call in calls():
        place = RECORDERS.get(name)
        if place is None or (name == "_do" and file != "messaging/cli/outboxes.py"):
            continue
        given = next((each.value for each in call.keywords if each.arg == "action"), None)
        action = call.args[place] if given is None else given
        if isinstance(action, ast.Constant):
            found[str(action.value)] = file
        elif not (isinstance(action, ast.Name) and action.id in HANDED_ON):
            written = ast.unparse(action)[2:-1]
            assert (file, written) in WRITTEN, f"{file} audits {written}: say in WRITTEN what that can be"
            found |= dict.fromkeys(WRITTEN[file, written], file)
    return found


def asked() -> dict[str, str]:
    """Give each action that leave is asked for by its name, with a file that does."""
    found = dict.fromkeys((action for _, _, action in PAGES), "dashboard/navigation.py")
    for file, name, call in calls():
        if name.rpartition(".")[2] not in ASKED or len(call.args) < 2:
            continue
        if isinstance(call.args[1], ast.Constant) and "." in str(
            call.args[1].value
        ):  # there are other requires
            found[str(call.args[1].value)] = file
    return found


def verbs() -> set[str]:
    """Give what the buttons of a campaign do."""
    from dashboard.components.actions import DONE

    return {f"campaign.{verb}" for verb in DONE}


def test_every_action_that_is_audited_has_a_rule() -> None:
    found = audited()
    assert {"campaign.plan", "customer.look", "keys.revoke", "message.discard"} <= set(found)  # it looks
    ruled = set(RULES) | {word for rule in RULES.values() for word in rule.audited} | BY_ITSELF | OWN
    assert {action: file for action, file in found.items() if action not in ruled} == {}


def test_the_audit_is_written_to_by_its_full_name_so_that_nothing_is_overlooked() -> None:
    imported = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        if (node.module == "messaging.audit" and any(each.name == "record" for each in node.names))
        or any(each.name == "audit" and each.asname for each in node.names)
    ]
    assert imported == []


def test_every_action_that_leave_is_asked_for_has_a_rule() -> None:
    assert {action: file for action, file in asked().items() if action not in RULES} == {}


def test_every_button_of_a_campaign_has_a_rule() -> None:
    assert verbs() - set(RULES) == set()


def test_every_rule_is_of_an_action_that_exists_and_every_word_of_the_audit_is_written_somewhere() -> None:
    found = set(audited())
    there = found | set(asked()) | verbs()
    assert {action for action, rule in RULES.items() if action not in there and not rule.audited} == set()
    assert {word for rule in RULES.values() for word in rule.audited} - found == set()


def test_the_roles_and_what_each_may_do_are_told_as_they_are() -> None:
    told = (ROOT / "docs" / "app_access.md").read_text()
    for role, words in ROLE_WORDS.items():
        assert f"| {role} | {words} |" in told
    for action, rule in RULES.items():
        marks = " | ".join("yes" if role in rule.roles else "" for role in ROLES)
        assert f"| `{action}` | {marks} |".replace("|  |", "| |").replace("|  |", "| |") in told
    assert told.count("| `") == len(RULES)
