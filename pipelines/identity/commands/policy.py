"""`rapport identity policy`: which rules hold here, and whether a file of rules can be used."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from messaging.cli.options import AsJson

if TYPE_CHECKING:
    from pipelines.identity.policy import IdentifierPolicy, Policy

FILE = "A policy file to try; the one that holds here by default."


def policy(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help=FILE, show_default=False)] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say which policy holds, and what it says of each kind of identifier; a file that is wrong is refused."""
    from data_contracts.yaml_files import home_rules_file
    from messaging.settings import read_settings
    from messaging.terminal import emit
    from pipelines.identity.policy import SHIPPED, load_policy

    home = read_settings().home
    own, path = home / SHIPPED.name, file or home_rules_file(home, SHIPPED)
    followed = load_policy(path)
    document = {
        "file": str(path),
        "holds": file is None,
        "is_shipped": path == SHIPPED,
        "fingerprint": followed.fingerprint,
        "policy": followed.model_dump(mode="json"),
    }
    emit(document, as_json=as_json, human=lambda: _tell(followed, path, own, tried=file is not None))


def _tell(policy: "Policy", path: Path, own: Path, *, tried: bool) -> None:
    from messaging.terminal import plain, say

    if tried:
        say(plain(f"{path} can be used: as {own} it holds from the next build on."))
    elif path == own:
        say(plain(f"{path} holds, instead of the policy that Rapport brings."))
    else:
        say(plain(f"The policy that Rapport brings holds: {path}. A copy as {own} takes its place."))
    for name in policy.by_priority():
        say(plain(f"  {policy.identifiers[name].priority}  {name:<13} {_rules(policy.identifiers[name])}"))
    listed = len(policy.blocked)
    if listed:
        say(f"{listed} listed {'value proves' if listed == 1 else 'values prove'} nothing.")
    say("People whom no key ties are scored." if policy.probabilistic.enabled else "Nobody is scored.")


def _rules(rules: "IdentifierPolicy") -> str:
    """Say what a type of identifier may do, in a line."""
    if not rules.links:
        return "ties nobody"
    said = ["ties records" if rules.names_a_person else "ties records, and makes nobody a customer"]
    if rules.per_person:
        said.append(f"at most {rules.per_person} a person{', of each source' if rules.per_source else ''}")
    if rules.beside:
        others = " or ".join(f"{most} {name}" for name, most in rules.beside.items())
        said.append(f"proves nothing beside more than {others}")
    if rules.reuse_after_days:
        said.append(f"another's after {rules.reuse_after_days} silent days")
    return "; ".join(said)
