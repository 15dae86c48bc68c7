"""Who may do what, and who sees which personal data: the roles of colleagues, a rule for each action, and masks.

An action is a noun and a verb, such as `campaign.launch`, and the only rule that names it says who may. What no rule
names nobody may: `require` refuses it, and a house test finds it before. A person can have several roles, and may what
any of them may. What the roles of the command line's `--actor` are is not asked: who has a shell here has the files.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from data_contracts.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

Role = Literal["marketer", "agent", "engineer", "privacy", "admin", "viewer"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
ROLE_WORDS: Final[Mapping[Role, str]] = {  # what each is there for, in one line
    "marketer": "Writes to customers: segments, templates, campaigns and their approval.",
    "agent": "Answers one customer at a time, and sees how to reach them.",
    "engineer": "Keeps the data and the sending right, and sees no customer's name or address.",
    "privacy": "Answers for consents, and for what people ask us to do with their data.",
    "admin": "May do everything, and says who else may.",
    "viewer": "Reads figures and plans, and changes nothing.",
}
_PLURAL: Final[Mapping[Role, str]] = {
    "marketer": "marketers",
    "agent": "agents",
    "engineer": "engineers",
    "privacy": "the privacy team",
    "admin": "admins",
    "viewer": "viewers",
}


@dataclass(frozen=True)
class Rule:
    """Who may do an action. `told` completes "may not ..."; `audited` are the words that the audit keeps of it."""

    told: str
    roles: frozenset[Role]
    audited: tuple[str, ...] = ()


def _rule(told: str, *roles: Role, audited: tuple[str, ...] = ()) -> Rule:
    return Rule(told, frozenset(roles) | {"admin"}, audited)


RULES: Final[Mapping[str, Rule]] = {
    "figures.look": _rule("look at the company's figures", *ROLES),
    # campaigns: written, planned, approved and watched by those who answer for what they say
    "feedback.look": _rule("look at what customers say of us", *ROLES),
    "campaign.look": _rule(
        "look at a campaign's people", "marketer", "agent", "engineer", "privacy", "viewer"
    ),
    "campaign.save": _rule("change a campaign", "marketer"),
    "campaign.plan": _rule("plan a campaign", "marketer"),
    "campaign.approve": _rule(
        "approve a campaign", "marketer", audited=("campaign.approval", "campaign.approved")
    ),
    "campaign.approve_standing": _rule(
        "approve a campaign once and for all",
        "marketer",
        audited=("campaign.standing_approval", "campaign.listen"),
    ),
    "campaign.withdraw_standing": _rule(
        "withdraw a standing approval", "marketer", "engineer", audited=("campaign.standing_withdrawn",)
    ),
    "campaign.launch": _rule("launch a campaign", "marketer", audited=("campaign.running",)),
    # whoever sees harm may end it; to go on is for those who launch
    "campaign.pause": _rule(
        "pause a campaign", "marketer", "agent", "engineer", "privacy", audited=("campaign.paused",)
    ),
    "campaign.resume": _rule(
        "let a campaign go on", "marketer", audited=("campaign.running", "campaign.resume_anyway")
    ),
    "campaign.stop": _rule(
        "stop a campaign", "marketer", "engineer", "privacy", audited=("campaign.stopped",)
    ),
    # what campaigns are made of
    "segment.look": _rule("look at a segment", *ROLES),
    "segment.save": _rule("change a segment", "marketer"),
    "segment.export": _rule("export a segment's people", "marketer", "privacy"),
    "segment.preview": _rule("look at a segment's people", "marketer", "agent", "engineer", "privacy"),
    "segment.changes": _rule("look at who entered a segment", "marketer", "agent", "engineer", "privacy"),
    "list.upload": _rule("upload a list of people", "marketer"),
    "list.remove": _rule("remove a list of people", "marketer", "privacy"),
    "coupons.import": _rule("import coupons", "marketer"),
    "template.preview": _rule("preview a message as a customer", "marketer", "agent"),
    "template.look": _rule("look at a template", *ROLES),
    "template.save": _rule("change a template", "marketer"),
    "template.send_test": _rule("send a test message", "marketer"),
    "template.rollback": _rule("take a template back", "marketer"),
    # one customer
    "customer.search": _rule("search for customers", "marketer", "agent", "engineer", "privacy", "viewer"),
    "customer.look": _rule("look at a customer", "marketer", "agent", "engineer", "privacy", "viewer"),
    "customer.why": _rule(
        "look at why a customer was written to", "marketer", "agent", "engineer", "privacy"
    ),
    "customer.write": _rule("write to a customer", "agent"),
    "note.write": _rule("note something on a customer", "marketer", "agent", "privacy"),
    "note.remove": _rule("remove a note", "agent", "privacy"),
    "follow_up.promise": _rule("promise a customer something", "marketer", "agent", "privacy"),
    "follow_up.kept": _rule("say that a promise was kept", "marketer", "agent", "privacy"),
    "follow_up.dropped": _rule("drop a promise", "marketer", "agent", "privacy"),
    "identity.look": _rule("look at why records are one person", "agent", "engineer", "privacy"),
    "identity.merge": _rule("say that two records are one person", "agent", "engineer", "privacy"),
    "identity.split": _rule("say that two records are two people", "agent", "engineer", "privacy"),
    "identity.withdraw": _rule("withdraw a decision about identity", "agent", "engineer", "privacy"),
    "identity.import": _rule("import decisions about identity", "engineer"),
    "identity.export": _rule("export decisions about identity", "engineer"),
    # consents
    "consent.look": _rule("look at somebody's consents", "marketer", "agent", "privacy"),
    "consent.revoke": _rule("record that somebody says no", "agent", "privacy"),
    "consent.import": _rule("import consents", "privacy"),
    "request.look": _rule("look at what people ask us to do with their data", "privacy"),
    "request.take": _rule("write down what somebody asks us to do with their data", "agent", "privacy"),
    "request.extend": _rule("take the longer time for what somebody asked", "privacy"),
    "request.done": _rule("say that what somebody asked was done", "privacy"),
    "request.refused": _rule("refuse what somebody asked", "privacy"),
    "consent.review.list": _rule("look at doubtful consents", "agent", "privacy"),
    "consent.review.confirm": _rule("confirm a doubtful consent", "agent", "privacy"),
    "consent.review.lift": _rule("lift a doubtful consent", "agent", "privacy"),
    "consent.complaint.list": _rule("look at complaints", "agent", "engineer", "privacy"),
    "consent.complaint.settle": _rule("settle a complaint", "agent", "privacy"),
    # messages, and the machine that sends them
    "message.look": _rule("look at a message", "marketer", "agent", "engineer", "privacy"),
    "message.review": _rule("look at messages of unknown fate", "marketer", "engineer"),
    "message.decide": _rule("say what became of a message", "marketer", "engineer"),
    "message.retry": _rule("send a message again", "engineer"),
    "message.discard": _rule("discard a message", "marketer", "engineer"),
    "settings.look": _rule("look at the settings", "marketer", "engineer", "privacy"),
    "brand.save": _rule("change the colour and the logo that readers see", "marketer"),
    "channel.test": _rule("test a channel's connection", "engineer"),
    "keys.create": _rule("make a key", "engineer"),
    "keys.revoke": _rule("revoke a key", "engineer"),
    "notifications.snooze": _rule("snooze a notification", "engineer"),
    # the data itself
    "health.look": _rule("look at the health of the data", "engineer", "privacy", "marketer"),
    "quarantine.replay": _rule("let rows be judged again", "engineer"),
    "build.ask": _rule("ask for a build", "engineer"),
    "file.land": _rule("land a file", "engineer"),
    "demo.clock": _rule("move the demo's clock", *ROLES),
    # colleagues
    "user.invite": _rule("invite a colleague"),
    "user.renew": _rule("give a colleague a new link"),
    "user.role": _rule("change a colleague's roles"),
    "user.disable": _rule("end a colleague's account"),
}


@dataclass(frozen=True)
class Person:
    """A colleague who is signed in; the name is what audits keep of them."""

    user_id: str
    name: str
    roles: frozenset[Role]


def parse_roles(names: Iterable[str]) -> frozenset[Role]:
    """Read the names of roles. Raises UsageError for one that there is not, and for none at all."""
    asked = set(names)
    found = frozenset(role for role in ROLES if role in asked)
    if unknown := sorted(asked - found):
        raise UsageError(f"{unknown[0]!r} is no role.", f"The roles are {', '.join(ROLES)}.")
    if not found:
        raise UsageError("No role was named.", f"Name at least one of {', '.join(ROLES)}.")
    return found


def may(person: Person, action: str) -> bool:
    """Say whether somebody may do an action; what no rule names nobody may."""
    rule = RULES.get(action)
    return rule is not None and not rule.roles.isdisjoint(person.roles)


def require(person: Person, action: str) -> None:
    """Refuse an action to whom it is not for: raises RefusedError, a sentence that says whom to ask."""
    if may(person, action):
        return
    if (rule := RULES.get(action)) is None:
        raise RefusedError(
            f"No rule says who may do {action!r}.", "Nobody may until messaging.access has one."
        )
    theirs = " and ".join(role for role in ROLES if role in person.roles)
    article = "An" if theirs.startswith(("a", "e")) else "A"
    who = f"{article} {theirs}" if person.roles else "Somebody without a role"
    raise RefusedError(
        f"{who} may not {rule.told}: that is for {_listed(rule.roles)}.",
        "Ask one of them to do it, or an admin for the role.",
    )


OWN: Final = frozenset({"user.join", "user.sign_in", "user.sign_in_refused", "user.sign_out"})  # of oneself
WhoActs = Callable[["Connection"], Person | None]


@dataclass
class _Process:
    """Whether people act in this process, as in the app's, and how to learn who does so now."""

    who_acts: WhoActs | None = None


_process = _Process()


def identify_by(who_acts: WhoActs) -> None:
    """Tell how to learn who acts at the moment; from now on nothing is recorded of them that they may not do.

    `who_acts` gives None where nobody does, as in work that this process does by itself.
    """
    _process.who_acts = who_acts


def require_recorded(connection: "Connection", action: str) -> None:
    """Refuse what whoever acts may not do: the audit asks this in the transaction of every action that it keeps.

    A page that forgot to ask can therefore offer an action, but not do it. Raises RefusedError.
    """
    if action in OWN or _process.who_acts is None or (person := _process.who_acts(connection)) is None:
        return
    names = [name for name, rule in RULES.items() if action in rule.audited] or [action]
    if not any(may(person, name) for name in names):
        require(person, names[0])


def _listed(roles: Iterable[Role]) -> str:
    words = [_PLURAL[role] for role in ROLES if role in roles]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


HIDDEN: Final = "•••"
TOLD_DIGITS, FEWEST_DIGITS = (
    2,
    7,
)  # two digits help to tell numbers apart; a shorter number would be given away
_INITIAL: Final = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Sight:
    """Which personal data somebody sees. Caches of anything that has been masked take it as part of their key."""

    names: bool
    contacts: bool
    wrote: bool  # what customers and we wrote to one another: it holds names and addresses, too

    def name(self, value: str | None) -> str | None:
        """Give a name, or its initials; an address or a number that stands in a name's place is masked as what it is."""
        if not value:
            return value
        if "@" in value:
            return self.email(value)
        if value.lstrip("+").replace(" ", "").isdigit():
            return self.phone(value)
        if self.names:
            return value
        initials = [found.group() for word in value.split() if (found := _INITIAL.search(word))]
        return " ".join(f"{letter.upper()}." for letter in initials[:3]) or HIDDEN

    def email(self, value: str | None) -> str | None:
        """Give an address, or its first letter and top-level domain: a domain of one's own is a name."""
        if self.contacts or not value:
            return value
        local, at, domain = value.rpartition("@")
        if not at or not local or "." not in domain:
            return HIDDEN
        top = domain.rpartition(".")[2]
        return f"{local[0]}{HIDDEN}@{HIDDEN}.{top}" if local[0].isalnum() and top.isalpha() else HIDDEN

    def phone(self, value: str | None) -> str | None:
        """Give a number, or its last two digits."""
        if self.contacts or not value:
            return value
        digits = [letter for letter in value if letter.isdigit()]
        return f"{HIDDEN} {''.join(digits[-TOLD_DIGITS:])}" if len(digits) >= FEWEST_DIGITS else HIDDEN

    def identifier(self, kind: str, value: str) -> str:
        """Give what somebody is known by; of any kind but addresses and numbers nothing is told."""
        if self.contacts:
            return value
        masked = {"email": self.email, "phone": self.phone}.get(kind)
        return (masked(value) if masked else None) or HIDDEN

    def text(self, value: str | None) -> str | None:
        """Give what somebody wrote, or that it is hidden."""
        return value if self.wrote or not value else HIDDEN


_SIGHTS: Final[Mapping[Role, Sight]] = {
    "agent": Sight(names=True, contacts=True, wrote=True),
    "privacy": Sight(names=True, contacts=True, wrote=True),
    "admin": Sight(names=True, contacts=True, wrote=True),
    "marketer": Sight(names=True, contacts=False, wrote=True),
    "engineer": Sight(names=False, contacts=False, wrote=False),
    "viewer": Sight(names=False, contacts=False, wrote=False),
}


def sight(person: Person) -> Sight:
    """Say what somebody sees: whatever any of their roles does, and without a role nothing."""
    theirs = [_SIGHTS[role] for role in person.roles]
    return Sight(
        names=any(each.names for each in theirs),
        contacts=any(each.contacts for each in theirs),
        wrote=any(each.wrote for each in theirs),
    )
