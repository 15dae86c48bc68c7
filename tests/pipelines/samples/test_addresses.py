"""Nobody real can be reached by anything in the sample company."""

import re

import numpy as np
import phonenumbers
import pyarrow.compute as pc

from pipelines.samples.arrays import Ints, Streams
from pipelines.samples.noise import Noise
from pipelines.samples.people import make_people
from pipelines.samples.phones import e164
from pipelines.samples.places import COUNTRIES, PLACES
from pipelines.samples.times import START
from pipelines.samples.world import World

# what each regulator keeps free, as digits behind the plus sign; '.' stands for any digit
RESERVED = re.compile(
    r"\+(?:"
    r"44(?:2079460|2890180|2920180|1914980|1(?:13|14|16|17|18|21|31|41|51|61)4960)..."
    r"|1...55501.."
    r"|49(?:3023125|4066969|8999998|2214710|6990009)...|4917139200.."
    r"|33(?:19900|46571|26191|35301|53649)...."
    r"|46(?:8465004|7017406|3139006|4062804).."
    r"|3532091....."
    r"|61[2378](?:5550|7010)...."
    r")"
)
OWN_DOMAIN = re.compile(r"(^|[.@])example\.(com|org|net)$")


def numbers_of(world: World) -> Ints:
    numbers = world.history.people.phones
    return numbers[numbers > 0]


def test_phones_lie_in_ranges_kept_free_for_fiction(world: World) -> None:
    phones = e164(numbers_of(world)).to_pylist()
    assert [phone for phone in phones if not RESERVED.fullmatch(phone)] == []


def test_phones_are_valid_but_for_the_irish_ones(world: World) -> None:
    phones = e164(numbers_of(world)).to_pylist()
    invalid = [phone for phone in phones if not phonenumbers.is_valid_number(phonenumbers.parse(phone))]
    assert all(phone.startswith("+35320") for phone in invalid)
    assert len(invalid) < 0.06 * len(phones)


def test_a_phone_that_changed_no_hands_belongs_to_the_country_of_its_owner(small_world: World) -> None:
    people = small_world.history.people
    phones = people.phones[: len(people)]
    own = (
        np.isin(phones, phones[people.phone_from > START], invert=True)
        & (phones > 0)
        & (phones // 10**9 != 353)
    )
    for number, country in zip(phones[own].tolist(), people.country[own].tolist(), strict=True):
        region = phonenumbers.region_code_for_number(phonenumbers.parse(f"+{number}"))
        assert region == COUNTRIES[country]


def test_a_world_too_big_for_the_reserved_blocks_goes_on_where_no_town_is() -> None:
    crowded = make_people(Streams(1, 0), 20_000, Noise())
    swedes = crowded.country == COUNTRIES.index("SE")
    beyond = crowded.phones[: len(crowded)][swedes] // 10**6 == 441632
    assert beyond.any()
    assert sum(size for place in PLACES if place.country == "SE" for _, size in place.blocks) == 395


def test_addresses_lie_under_example_domains(world: World) -> None:
    for table in world.tables.values():
        for name in {"email", "from_email", "to_email"} & set(table.column_names):
            found = pc.unique(pc.drop_null(table[name])).to_pylist()
            odd = {value for value in found if not OWN_DOMAIN.search(value.lower())}
            assert odd <= {"n/a"}
