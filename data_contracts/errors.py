"""Every error that Rapport raises on purpose, in one tree.

RapportError                      anything a person can be told in one sentence
├── UsageError                    the call itself is wrong: an unknown name, options that do not go together (exit 2)
├── SettingsError                 a setting is missing, malformed or unsafe (exit 2)
├── InputError                    a file or record that we were given cannot be taken as it is
│   ├── ContractError             a contract or mapping file is wrong
│   └── BatchRefusedError         a delivery breaks its contract as a whole: nothing of it landed
├── BuildError                    a build could not start or did not finish
│   ├── BuildRunningError         another build holds the lock
│   └── ContractBrokenError       a blocking contract is red: nothing was published
├── ReleaseError                  there is no release to read, or it cannot be read
├── NotFoundError                 no such customer, message, campaign, run or record
├── StoreError                    the operational store is missing, locked, older or newer than this version
│   ├── StoreDeadlockError        two writers were in each other's way; this one's work was rolled back: do it again
│   └── StoreOutdatedError        a newer version upgraded the store while this process ran: it has to end
├── LibraryError                  a segment, template or campaign file is wrong
│   ├── SegmentError
│   ├── TemplateError
│   └── CampaignError
├── TooLateError                  a call was decided upon too long ago to be made: it is decided upon again
├── RefusedError                  a rule forbids what was asked: approving one's own edit, launching what was not approved
└── ServiceError                  a process or address that we need does not answer, or is taken
"""

from typing import ClassVar


class RapportError(Exception):
    """A failure that is told to a person: what was wrong, and what to do about it.

    `message` names the thing and the value; `mend` is an imperative sentence. Neither may carry personal data,
    for both reach logs: name records and customers by id.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message} {self.mend}".strip()


class UsageError(RapportError):
    """The call itself is wrong."""

    exit_code = 2


class SettingsError(RapportError):
    """A setting is missing, malformed or unsafe."""

    exit_code = 2


class InputError(RapportError):
    """A file or record that we were given cannot be taken as it is."""


class ContractError(InputError):
    """A contract or mapping file is wrong."""


class BatchRefusedError(InputError):
    """A delivery breaks its contract as a whole, so nothing of it landed; the refusal stays open until it is mended.

    Where columns are `missing`, `mapping` names the mapping that reads them.
    """

    def __init__(self, message: str, mend: str = "", *, mapping: str = "", missing: str = "") -> None:
        super().__init__(message, mend)
        self.mapping = mapping
        self.missing = missing


class BuildError(RapportError):
    """A build could not start or did not finish; the last release still stands."""


class BuildRunningError(BuildError):
    """Another build holds the lock."""


class ContractBrokenError(BuildError):
    """A blocking contract is red, so nothing was published."""


class ReleaseError(RapportError):
    """There is no release to read, or it cannot be read."""


class NotFoundError(RapportError):
    """No such customer, message, campaign, run or record."""


class StoreError(RapportError):
    """The operational store is missing, locked, older or newer than this version."""


class StoreDeadlockError(StoreError):
    """Two writers were in each other's way (a deadlock, or a serialization failure).

    This one's work was rolled back as a whole, and may be done again.
    """


class StoreOutdatedError(StoreError):
    """A newer version upgraded the store while this process ran: waiting mends nothing, the process has to end."""


class LibraryError(RapportError):
    """A file of the library is wrong."""


class SegmentError(LibraryError):
    """A segment's rules do not hold against the contract of customer_360."""


class TemplateError(LibraryError):
    """A template cannot be saved or rendered."""


class CampaignError(LibraryError):
    """A campaign file is wrong."""


class TooLateError(RapportError):
    """A call was decided upon too long ago to be made: not one message left us, and it is decided upon again."""


class RefusedError(RapportError):
    """A rule forbids what was asked."""


class ServiceError(RapportError):
    """A process or address that we need does not answer, or is taken."""
