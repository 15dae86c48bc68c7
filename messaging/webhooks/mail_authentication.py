"""Whether a mail's writer is who its From says: a DKIM signature or an SPF pass of the very domain of From.

SendGrid checks both and posts what it found beside the mail: `dkim` as `{@example.com : pass}`, `SPF` as a word about the
domain of the envelope. A pass says nothing about From by itself, for anybody can sign with a domain of their own; so it
counts where its domain is that of From (strict alignment, RFC 7489, 3.1). A subdomain, or the domain above, is somebody
else's as often as not (a hosted site), and nothing is lost where we doubt: a person looks at it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from email.utils import getaddresses

from messaging.addresses import normalise_email

# One signature: `@` its domain `:` what came of it. A post that is of no such shape as a whole is not believed in any part.
_SIGNATURE = r"@([A-Za-z0-9._-]{1,255}) ?: ?([a-z]{1,20})"
_FOUND = re.compile(_SIGNATURE)
_DKIM = re.compile(rf"\{{{_SIGNATURE}(?:, ?{_SIGNATURE}){{0,50}}\}}")
LONGEST = 5000  # characters of what is said of signatures


def proof_of(fields: Mapping[str, str], sender: str, written: Sequence[str]) -> str | None:
    """Give what proves that a mail is from `sender`: dkim or spf; None where nothing does.

    `fields` are those of the post by their names in lower case, `sender` is a normalised address, `written` holds every
    From of the mail as it stands there: where they do not name that one writer alone, nobody knows whom a pass is of.
    """
    if [normalise_email(address) for _, address in _addresses(written)] != [sender]:
        return None
    domain = sender.rpartition("@")[2]
    if domain in _signed_by(fields.get("dkim", "")):
        return "dkim"
    if fields.get("spf", "").strip().lower() == "pass" and _envelope_domain(fields) == domain:
        return "spf"
    return None


def _addresses(written: Sequence[str]) -> list[tuple[str, str]]:
    if len(written) != 1:
        return []
    try:
        return getaddresses([written[0][:2000]])
    except (ValueError, IndexError):
        return []


def _signed_by(told: str) -> set[str]:
    """Give the domains whose signatures all held."""
    told = told.strip()
    if len(told) > LONGEST or not _DKIM.fullmatch(told):
        return set()
    results = [(domain.lower().rstrip("."), result) for domain, result in _FOUND.findall(told)]
    return {domain for domain, result in results if result == "pass"} - {
        domain for domain, result in results if result != "pass"
    }


def _envelope_domain(fields: Mapping[str, str]) -> str | None:
    """Give the domain that SPF was asked about."""
    try:
        envelope = json.loads(fields.get("envelope", ""))
    except (ValueError, RecursionError):
        return None
    given = envelope.get("from") if isinstance(envelope, dict) else None
    address = normalise_email(given) if isinstance(given, str) else None
    return address.rpartition("@")[2] if address else None
