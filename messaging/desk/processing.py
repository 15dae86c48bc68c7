"""The record of processing that GDPR Art. 30 asks for, from the contracts: they say what is held, why and how long."""

from dataclasses import dataclass

from data_contracts.contracts import inbound_contracts, published_contracts
from data_contracts.durations import in_words
from data_contracts.model import Contract

HEAD = """# Record of processing activities

{company}, {address}

Written from the data contracts of this installation. It says what Rapport does with the data; whom else you give it to,
where they are, and how you protect it (GDPR Art. 30(1)(d), (e) and (g)) is for you to add.
"""


@dataclass(frozen=True)
class Processing:
    """One table: what it is for, whose data and which, how long, and who answers for it."""

    name: str
    purpose: str
    usage: str
    personal: tuple[str, ...]  # columns, by their titles
    sensitive: tuple[str, ...]
    retention: str
    owner: str
    is_published: bool


def processing() -> list[Processing]:
    """Give what is processed: the tables that come in, then those that are published."""
    found = [_of(each, is_published=False) for each in inbound_contracts().values()]
    return found + [_of(each, is_published=True) for each in published_contracts().values()]


def written(company: str, address: str) -> str:
    """Write the record as Markdown."""
    parts = [HEAD.format(company=company, address=address or "(RAPPORT_COMPANY_ADDRESS is not set)")]
    for title, is_published in (("What comes in", False), ("What is made of it", True)):
        parts.append(f"## {title}\n")
        parts += [_section(each) for each in processing() if each.is_published == is_published]
    return "\n".join(parts)


def _section(each: Processing) -> str:
    lines = [
        f"### {each.name}\n",
        f"- **For**: {each.purpose} {each.usage}".rstrip(),
        "- **Of whom**: customers, and people who wrote to us",
        f"- **Personal data**: {', '.join(each.personal) or 'none'}",
    ]
    if each.sensitive:
        lines.append(f"- **Of a sensitive kind**: {', '.join(each.sensitive)}")
    lines += [
        f"- **Kept**: {each.retention or 'as long as what it is made of'}",
        f"- **Answers for it**: {each.owner}\n",
    ]
    return "\n".join(lines)


def _of(contract: Contract, *, is_published: bool) -> Processing:
    def titles(kind: str) -> tuple[str, ...]:
        return tuple(each.title or each.name for each in contract.columns if each.classification == kind)

    return Processing(
        contract.name,
        contract.purpose,
        contract.usage,
        titles("personal"),
        titles("sensitive"),
        in_words(contract.retention) if contract.retention else "",
        contract.owner,
        is_published,
    )
