"""Records of people with the noise that ordinary companies have: kiosks, placeholders, household phones.

The model of a trial of 2026-11-21, in which plain connected components made one "person" of 24,308 (pairwise
precision .0005). Numbers that the trial left open are set so that its anchors come out near what it saw:
precision of plain components below .001 with one "person" of 20,000 and more, of dropping values of more than
50 neighbours about .8 with 50 to 80 people in the largest, of more than 20 about .93 with 4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KINDS = ("external_id", "email", "phone", "device_id")
CARRIED = (0.45, 0.45, 0.3, 0.5)  # chance that a record carries each kind, independently
NONE = -1

RECORDS_A_PERSON = 6
SHAPE = 3.0  # of the gamma distribution of how busy people are: a tenth of them have eleven records and more
VALUES = (1, 2, 2, 3)  # most values of each kind that a person has
ANOTHER = (0.0, 0.2, 0.2, 0.15)  # chance of each value beyond the first
PEOPLE_A_KIOSK = 930
ON_KIOSKS = 0.03  # share of the device ids on records
PLACEHOLDERS = 0.004  # share of the e-mails and phones on records
IN_HOUSEHOLDS = 0.12  # share of people whose first phone is their household's
HOUSEHOLDS = {2: 0.8, 3: 0.15, 4: 0.05}  # how many share one


@dataclass(frozen=True)
class Records:
    """One entry per record: who it is of, and in `keys` a column per kind with a value's number, or NONE."""

    person: NDArray[np.int64]
    keys: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.person)

    def without(self, kind: int, value: int) -> "Records":
        """Give the same records, none of which carries a value."""
        keys = self.keys.copy()
        keys[keys[:, kind] == value, kind] = NONE
        return Records(self.person, keys)


def noisy_records(people: int, seed: int) -> Records:
    """Draw six records a person on average. The last values of a kind are nobody's: kiosks, placeholders."""
    rng = np.random.default_rng(seed)
    busy = rng.gamma(SHAPE, size=people)
    person = rng.choice(people, size=people * RECORDS_A_PERSON, p=busy / busy.sum()).astype(np.int64)
    keys = np.stack([_own_values(rng, person, people, kind) for kind in range(len(KINDS))], axis=1)
    _share_phones(rng, keys, person, people)
    for kind, share, values in ((1, PLACEHOLDERS, 1), (2, PLACEHOLDERS, 1), (3, ON_KIOSKS, _kiosks(people))):
        nobodys = (keys[:, kind] != NONE) & (rng.random(len(person)) < share)
        keys[nobodys, kind] = people * VALUES[kind] + rng.integers(0, values, size=int(nobodys.sum()))
    return Records(person, keys)


def _kiosks(people: int) -> int:
    return max(people // PEOPLE_A_KIOSK, 1)


def _own_values(
    rng: np.random.Generator, person: NDArray[np.int64], people: int, kind: int
) -> NDArray[np.int64]:
    most = VALUES[kind]
    counts = 1 + rng.binomial(most - 1, ANOTHER[kind], size=people)
    value = person * most + (rng.random(len(person)) * counts[person]).astype(np.int64)
    return np.where(rng.random(len(person)) < CARRIED[kind], value, NONE)


def _share_phones(
    rng: np.random.Generator, keys: NDArray[np.int64], person: NDArray[np.int64], people: int
) -> None:
    members = rng.permutation(people)[: int(people * IN_HOUSEHOLDS)]
    sizes = rng.choice(list(HOUSEHOLDS), p=list(HOUSEHOLDS.values()), size=len(members))
    household = np.repeat(np.arange(len(members)), sizes)[: len(members)]
    _, first = np.unique(household, return_index=True)
    owner = np.arange(people)
    owner[members] = members[first[household]]
    phone = keys[:, 2]
    theirs = (phone != NONE) & (phone % VALUES[2] == 0)
    keys[theirs, 2] = owner[person[theirs]] * VALUES[2]
