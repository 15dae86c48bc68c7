"""E-mail domains in more than one script: bücher.example and xn--bcher-kva.example are one domain (RFC 5890)."""

from typing import TYPE_CHECKING

import idna

if TYPE_CHECKING:
    import duckdb


def ascii_domain(domain: str) -> str:
    """Give a domain as the name servers know it, in lower case; one that cannot be registered stays as it is.

    Labels are mapped as browsers do it (UTS 46): capitals, compositions and full-width letters are the same.
    """
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain


_FOREIGN = """
    SELECT DISTINCT split_part(match_key, '@', 2)
    FROM intermediate.int_identity__identifiers
    WHERE identifier_type = 'email' AND regexp_matches(split_part(match_key, '@', 2), '[^ -~]')
"""


def name_domains(connection: "duckdb.DuckDBPyConnection") -> int:
    """Make the temporary table `email_domains(domain, ascii_domain)` of domains that are not ASCII; count them.

    They are few and cost 20 us each, so they are not remembered from build to build.
    """
    domains = [str(domain) for (domain,) in connection.execute(_FOREIGN).fetchall()]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE email_domains AS SELECT unnest(?::VARCHAR[]) AS domain,"
        " unnest(?::VARCHAR[]) AS ascii_domain",
        [domains, [ascii_domain(domain) for domain in domains]],
    )
    return len(domains)
