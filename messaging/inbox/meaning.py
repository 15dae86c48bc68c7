"""What a message means to us: a command, or an opt-out in somebody's own words. Pure."""

from messaging.addresses import country_of
from messaging.inbox.keywords import Keyword, keyword_of, read_keywords
from messaging.inbox.mails import own_subject, without_signature
from messaging.inbox.messages import Heard, Inbound
from messaging.inbox.opt_outs import OptOut, read_opt_out

MOST_SHOWN = 200  # characters of a STOP with what stands below it


def command_in(heard: Heard, *, asked: bool) -> Keyword | None:
    """Give the command that a message is: by our words, or by the provider's, whose YES needs our question too."""
    inbound = heard.inbound
    if inbound.automatic:
        return None
    country = country_of(heard.address)
    ours = keyword_of(inbound.body, channel=heard.channel, country=country, asked=asked)
    if ours is None and heard.channel == "email" and _stops(inbound, country):
        return "stop"
    if ours is None and inbound.opt_out == "start" and read_keywords().is_yes(inbound.body):
        return None
    return ours or inbound.opt_out


def opt_out_in(inbound: Inbound) -> OptOut | None:
    """Read an opt-out in somebody's own words, in a mail's subject too."""
    return read_opt_out(inbound.body) or (
        read_opt_out(subject) if (subject := own_subject(inbound)) else None
    )


def stop_as_words(inbound: Inbound) -> OptOut:
    """Give a STOP as what it is on the review list: found by no rule, but by its word."""
    said = inbound.body.strip() or own_subject(inbound)
    return OptOut("und", "keyword", said[:MOST_SHOWN], "channel", read_keywords().file.as_of)


def opt_out_of_program(inbound: Inbound, channel: str, address: str) -> OptOut | None:
    """Read an opt-out in what a program wrote, or seems to have written: a STOP, or one in words."""
    country = country_of(address)
    is_stop = keyword_of(inbound.body, channel=channel, country=country) == "stop"
    if is_stop or (channel == "email" and _stops(inbound, country)):
        return stop_as_words(inbound)
    return opt_out_in(inbound)


def _stops(inbound: Inbound, country: str | None) -> bool:
    """Say whether a mail is a STOP by its subject, or by its first line over nothing but a name or a signature."""
    said = [without_signature(inbound.body), own_subject(inbound)]
    return any(keyword_of(each, channel="email", country=country) == "stop" for each in said if each)
