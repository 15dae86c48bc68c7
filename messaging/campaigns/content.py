"""Everything that a run says and to whom, as one document with a hash; a run stores it, and approval is of it."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from data_contracts.errors import CampaignError, RefusedError, SegmentError, TemplateError
from data_contracts.model import Contract
from data_contracts.yaml_files import YamlFile
from messaging.campaigns.files import read_campaign
from messaging.campaigns.model import Campaign
from messaging.policy import MessageClass
from messaging.rendering import Compiled, Template, read_template
from messaging.rendering.checking import check_contract
from messaging.rendering.designs import BARE_MJML, Design
from messaging.rendering.templates import OWN_LANGUAGE
from messaging.segments import Segment, read_segment


@dataclass(frozen=True)
class Content:
    """Everything that a run says and to whom, as one document with a hash; approval is of this."""

    campaign: Campaign
    segment: Segment
    templates: dict[str, dict[str, dict[str, Template]]]  # by name, then by channel, then by language
    message_class: MessageClass
    purpose: str
    document: dict[str, Any] = field(repr=False)
    hash: str

    def compiled(self, contract: Contract) -> dict[str, dict[str, dict[str, Compiled]]]:
        """Check every template against the contract of what is known of a customer, and make it ready to render.

        Raises TemplateError with the file and the line of the first thing that is wrong.
        """
        columns = [column.name for column in contract.columns]
        compiled = {
            name: {
                channel: {language: Compiled(template, columns) for language, template in by_language.items()}
                for channel, by_language in by_channel.items()
            }
            for name, by_channel in self.templates.items()
        }
        for found in (
            each for template in _each(self.templates) for each in check_contract(template, contract)
        ):
            raise TemplateError(f"{found.file}, line {found.line}: {found.sentence}", found.mend)
        return compiled

    @property
    def texts(self) -> dict[str, dict[str, dict[str, str]]]:
        """Give the text of each template, by channel and language, as it was read."""
        return {self.campaign.template: self.document["templates"], **self.document.get("variants", {})}

    def with_lists(self, versions: Mapping[str, str]) -> "Content":
        """Give the content with the versions of the uploaded lists that its segment names: they are approved with it."""
        if not versions:
            return self
        document = self.document | {"lists": dict(versions)}
        return replace(self, document=document, hash=content_hash(document))

    def own_language(self, template: str, channel: str) -> str:
        """Name the language that a template falls back to on a channel."""
        offered = self.templates[template][channel]
        return OWN_LANGUAGE if OWN_LANGUAGE in offered else next(iter(offered))


def read_content(document: dict[str, Any], contract: Contract) -> Content:
    """Read a content document, from the library or from a run that stored it."""
    name = document["campaign"]["name"]
    campaign = read_campaign(name, document["campaign"]["text"])
    segment = document["segment"]
    texts_of = {segment["name"]: segment["text"], **document.get("segments", {})}
    texts = {campaign.template: document["templates"], **document.get("variants", {})}
    design = Design(document["layout"], document.get("mjml_layout", BARE_MJML), document.get("assets", {}))
    templates = {
        template: {
            channel: {
                language: read_template(channel, template, language, text, design)
                for language, text in by_language.items()
            }
            for channel, by_language in by_channel.items()
        }
        for template, by_channel in texts.items()
    }
    message_class, purpose = _one_kind(name, templates)
    _check_values(campaign, templates)
    _check_coupon(campaign, templates)
    return Content(
        campaign=campaign,
        segment=read_named_segment(segment["name"], texts_of.__getitem__, contract),
        templates=templates,
        message_class=message_class,
        purpose=purpose,
        document=document,
        hash=content_hash(document),
    )


def content_hash(document: Mapping[str, Any]) -> str:
    """Name a content by its hash (SHA-256, hex)."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _each(templates: dict[str, dict[str, dict[str, Template]]]) -> Iterator[Template]:
    for by_channel in templates.values():
        for by_language in by_channel.values():
            yield from by_language.values()


def _one_kind(name: str, templates: dict[str, dict[str, dict[str, Template]]]) -> tuple[MessageClass, str]:
    """Hold all templates of a campaign to one class and one purpose: consent is asked for that."""
    kinds = {(each.message_class, each.purpose) for each in _each(templates)}
    if len(kinds) != 1:
        words = ", ".join(sorted(f"{message_class} for {purpose}" for message_class, purpose in kinds))
        raise CampaignError(
            f"The templates of campaign {name!r} are of several kinds: {words}.", "Make them one."
        )
    return cast("tuple[MessageClass, str]", kinds.pop())


def _check_values(campaign: Campaign, templates: dict[str, dict[str, dict[str, Template]]]) -> None:
    needed = {name for each in _each(templates) for name in each.needs}
    if missing := sorted(needed - set(campaign.values)):
        raise CampaignError(
            f"Campaign {campaign.name!r} gives no value for {', '.join(missing)}, which its templates need.",
            "Add it under `values:`.",
        )


def _check_coupon(campaign: Campaign, templates: dict[str, dict[str, dict[str, Template]]]) -> None:
    """Hold a campaign with coupons to showing them, and one whose templates show them to having some."""
    shown = [each.file for each in _each(templates) if each.shows_coupon]
    if shown and campaign.coupon is None:
        raise CampaignError(
            f"Campaign {campaign.name!r} has no coupons, which {shown[0]} shows.", "Add `coupon: LIST` to it."
        )
    if campaign.coupon is not None and not shown:
        raise CampaignError(
            f"None of the templates of campaign {campaign.name!r} shows the coupons {campaign.coupon!r}.",
            "Write {{ coupon }} in them, or take `coupon` out of it.",
        )


def read_named_segment(
    name: str, text_of: Callable[[str], str], contract: Contract, above: tuple[str, ...] = ()
) -> Segment:
    """Read a segment and the ones that it names. Raises SegmentError where it stands on itself."""
    if name in above:  # told with the line of the segment that names it
        raise RefusedError(f"it stands on itself: {' -> '.join((*above, name))}.", "Take one of these out.")
    file = YamlFile(
        f"Segment {name!r}", text_of(name), SegmentError, "Check its brackets, quotes and indents."
    )
    return read_segment(
        name,
        file.values,
        contract,
        lambda other: read_named_segment(other, text_of, contract, (*above, name)),
        file=file,
    )
