"""Which scored pairs may be merged at all: a rule about what agrees, whatever the weights add up to.

Weights are sums, and sums can be reached in strange ways: a household's address, postcode and phone outweigh
any first name. So what two people of one household, twins, or a father and his son have in common never
merges, and neither does a name by itself. The rule reads levels of agreement and no weight.
"""

from collections.abc import Mapping
from enum import Enum

from pipelines.identity.linking.comparisons import SWAPPED, UNHEARD, Agreement, Level

EXACT, ROUGH, WEAK, DIFFERENT = Agreement.EXACT, Agreement.ROUGH, Agreement.WEAK, Agreement.DIFFERENT


class Verdict(Enum):
    """What may become of a pair, if it is likely enough."""

    NEVER = 0
    REVIEW = 1  # a person may decide
    MERGE = 2


def verdict(levels: Mapping[str, Level], linking: frozenset[str], *, hand_typed: bool = False) -> Verdict:
    """Judge a pair by the level of each comparison; comparisons that were not made may be missing.

    `linking` are the types of identifiers that tie records by themselves: a pair that shares one of those and
    was left apart was left apart for a reason, so it is no support here. `hand_typed` is for registers that
    clerks key in (the policy's `mistyped`), where a wrong given name or birth date is a mistake and no second
    person: there any two supports may stand for a name, and twins of one address may merge.
    """
    found = {name: levels.get(name, UNHEARD) for name in _READ}
    if hand_typed:
        return _typed_verdict(found, linking)
    if contradicted(found):
        return Verdict.NEVER
    supports = _supports(found, linking)
    if _name_agrees(found):
        return Verdict.MERGE if supports else Verdict.NEVER
    return _near_name(found, supports)


def contradicted(found: Mapping[str, Level]) -> bool:
    """Say that given names or birth dates are two people's: of a household, twins, father and son."""
    return any(found.get(name, UNHEARD).agreement is DIFFERENT for name in ("given_name", "birth_date"))


_READ = (
    "given_name",
    "family_name",
    "birth_date",
    "street",
    "postcode",
    "city",
    "email",
    "phone",
    "external_id",
)


def _name_agrees(found: Mapping[str, Level]) -> bool:
    if found["given_name"] is SWAPPED:
        return True
    return found["given_name"].agreement >= ROUGH and found["family_name"].agreement >= ROUGH


def _supports(found: Mapping[str, Level], linking: frozenset[str]) -> frozenset[str]:
    """Name what agrees beside the name."""
    named_exactly = found["given_name"].agreement is EXACT and found["family_name"].agreement is EXACT
    there = {
        "birth_date": found["birth_date"].agreement >= ROUGH,
        "address": _one_address(found),
        # jon.smith@ and john.smith@ are Jon and John: likeness of mailboxes says more than a name only where
        # the names are the same
        "email": _identifier(found, "email", linking)
        and (named_exactly or found["email"].agreement is EXACT),
        "phone": _identifier(found, "phone", linking),
        "external_id": _identifier(found, "external_id", linking),
    }
    return frozenset(name for name, agrees in there.items() if agrees)


def _one_address(found: Mapping[str, Level]) -> bool:
    """Ask for the house, in one place: each town has a 1 High Street."""
    place = max(found["postcode"].agreement, found["city"].agreement)
    return found["street"].agreement >= ROUGH and place >= ROUGH


def _identifier(found: Mapping[str, Level], name: str, linking: frozenset[str]) -> bool:
    agreement = found[name].agreement
    return agreement is ROUGH or (agreement is EXACT and name not in linking)


def _near_name(found: Mapping[str, Level], supports: frozenset[str]) -> Verdict:
    """Let a person look where the name is half known, alike or, after a wedding, half the same."""
    given, family = found["given_name"].agreement, found["family_name"].agreement
    alike = given >= WEAK and family >= ROUGH and bool(supports)
    half = Agreement.UNKNOWN in (given, family) and max(given, family) >= ROUGH and len(supports) >= 2
    married = given >= ROUGH and found["birth_date"].agreement is EXACT and len(supports) >= 2
    return Verdict.REVIEW if alike or half or married else Verdict.NEVER


def _typed_verdict(found: Mapping[str, Level], linking: frozenset[str]) -> Verdict:
    supports = _supports(found, linking) - {"address"}
    supports |= {"street"} if found["street"].agreement >= WEAK else set()
    supports |= {"place"} if max(found["postcode"].agreement, found["city"].agreement) >= ROUGH else set()
    return Verdict.MERGE if len(supports) >= (1 if _name_agrees(found) else 2) else Verdict.NEVER
