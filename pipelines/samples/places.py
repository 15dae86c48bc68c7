"""Where customers live: cities with their zone, postcodes and the phone numbers set aside for fiction.

A customer's phone is only ever one that a regulator keeps free for film, books and examples, so that no
message can reach a person by mistake:

- GB: Ofcom, "Telephone numbers for drama use" (the geographic ones; the drama mobiles 07700 900xxx fail the
  validity check of libphonenumber, so they are not used)
- US, CA: NANPA, 555-0100 to 555-0199 in any area code
- DE: Bundesnetzagentur, notice 148/2021 ("Drama Numbers")
- FR: ARCEP, decision 2018-0881, section 2.5.12
- SE: PTS, "Telefonnummer för användning i böcker och filmer"
- AU: ACMA, "Phone numbers for use in TV shows, films and creative works"
- IE: ComReg, 020 91x xxxx; libphonenumber calls them invalid, so nobody there can be reached by phone
- ES, PT: no such numbers exist; customers there have none
"""

from typing import NamedTuple

Block = tuple[int, int]  # the first number, as digits of E.164, and how many follow


class Place(NamedTuple):
    """A city: its country, share of customers, time zone, postcode prefixes and reserved phone blocks."""

    country: str
    city: str
    province: str
    zone: str
    weight: float
    postcode: str  # '#' stands for a digit, '@' for a letter
    blocks: tuple[Block, ...]


def _britain(city: str, weight: float, area: str, prefix: str) -> Place:
    return Place("GB", city, "", "Europe/London", weight, f"{area}# #@@", ((int(f"44{prefix}000"), 1000),))


def _america(city: str, where: str, weight: float, postcode: str, codes: str) -> Place:
    province, zone = where.split(" ")
    blocks = tuple((int(f"1{code}5550100"), 100) for code in codes.split())
    return Place(
        "CA" if "@" in postcode else "US", city, province, f"America/{zone}", weight, postcode, blocks
    )


def _europe(country: str, city: str, weight: float, postcode: str, *blocks: Block) -> Place:
    zones = {"DE": "Berlin", "FR": "Paris", "ES": "Madrid", "SE": "Stockholm", "IE": "Dublin", "PT": "Lisbon"}
    return Place(country, city, "", f"Europe/{zones[country]}", weight, postcode, blocks)


def _australia(city: str, province: str, weight: float, postcode: str, *firsts: int) -> Place:
    zone = "Australia/" + {"Hobart": "Hobart", "Geelong": "Melbourne"}.get(city, city)
    return Place("AU", city, province, zone, weight, postcode, tuple((first, 10_000) for first in firsts))


PLACES: tuple[Place, ...] = (
    _britain("London", 12, "SE1", "2079460"),
    _britain("Manchester", 5, "M1", "1614960"),
    _britain("Birmingham", 5, "B1", "1214960"),
    _britain("Leeds", 4, "LS1", "1134960"),
    _britain("Glasgow", 4, "G1", "1414960"),
    _britain("Bristol", 4, "BS1", "1174960"),
    _britain("Edinburgh", 3, "EH1", "1314960"),
    _britain("Liverpool", 3, "L1", "1514960"),
    _britain("Sheffield", 3, "S1", "1144960"),
    _britain("Newcastle upon Tyne", 2, "NE1", "1914980"),
    _britain("Cardiff", 2, "CF1", "2920180"),
    _britain("Belfast", 2, "BT1", "2890180"),
    _britain("Reading", 1.5, "RG1", "1184960"),
    _britain("Leicester", 1.5, "LE1", "1164960"),
    _america("New York", "NY New_York", 3, "100##", "212 646 917 718 347 929 332"),
    _america("Boston", "MA New_York", 1.2, "021##", "617 857 781 508"),
    _america("Miami", "FL New_York", 1, "331##", "305 786 954"),
    _america("Chicago", "IL Chicago", 1.6, "606##", "312 773 872 708"),
    _america("Houston", "TX Chicago", 1.2, "770##", "713 832 281 346"),
    _america("Denver", "CO Denver", 0.8, "802##", "303 720 970"),
    _america("Phoenix", "AZ Phoenix", 0.8, "850##", "602 480 623"),
    _america("Los Angeles", "CA Los_Angeles", 2.4, "900##", "213 310 323 424 818 747 562"),
    _america("San Francisco", "CA Los_Angeles", 1.4, "941##", "415 628 510 650"),
    _america("Seattle", "WA Los_Angeles", 1, "981##", "206 253 425"),
    _america("Toronto", "ON Toronto", 1, "M5V #@#", "416 647 437"),
    _america("Montréal", "QC Toronto", 0.8, "H2X #@#", "514 438 450"),
    _america("Vancouver", "BC Vancouver", 0.6, "V6B #@#", "604 778 236"),
    _europe("DE", "Berlin", 2.6, "101##", (4930_23125_000, 1000), (49_171_39200_00, 100)),
    _europe("DE", "Hamburg", 1.7, "200##", (4940_66969_000, 1000)),
    _europe("DE", "München", 1.7, "803##", (4989_99998_000, 1000)),
    _europe("DE", "Köln", 1.4, "506##", (49221_4710_000, 1000)),
    _europe("DE", "Frankfurt am Main", 1.2, "603##", (4969_90009_000, 1000)),
    _europe("FR", "Paris", 2.6, "750##", (33_199_00_0000, 10_000)),
    _europe("FR", "Lyon", 1.2, "690##", (33_465_71_0000, 10_000)),
    _europe("FR", "Nantes", 0.9, "440##", (33_261_91_0000, 10_000)),
    _europe("FR", "Lille", 0.9, "590##", (33_353_01_0000, 10_000)),
    _europe("FR", "Toulouse", 0.9, "310##", (33_536_49_0000, 10_000)),
    _europe("SE", "Stockholm", 1.6, "111 ##", (46_8_465004_00, 100), (46_70_1740_605, 95)),
    _europe("SE", "Göteborg", 1.1, "411 ##", (46_31_3900_600, 100)),
    _europe("SE", "Malmö", 0.8, "211 ##", (46_40_6280_400, 100)),
    _europe("IE", "Dublin", 2.6, "D0# F###", (353_20_910_0000, 10_000)),
    _europe("IE", "Cork", 1.2, "T12 X###", (353_20_911_0000, 10_000)),
    _europe("ES", "Madrid", 1.6, "280##"),
    _europe("ES", "Valencia", 1, "460##"),
    _europe("PT", "Lisboa", 0.8, "1200-0##"),
    _australia("Sydney", "NSW", 1.6, "20##", 61_2_5550_0000, 61_2_7010_0000),
    _australia("Melbourne", "VIC", 1.3, "30##", 61_3_5550_0000, 61_3_7010_0000),
    _australia("Brisbane", "QLD", 0.8, "40##", 61_7_5550_0000, 61_7_7010_0000),
    _australia("Perth", "WA", 0.6, "60##", 61_8_5550_0000, 61_8_7010_0000),
)
COUNTRIES: tuple[str, ...] = tuple(dict.fromkeys(place.country for place in PLACES))
ZONES: tuple[str, ...] = tuple(dict.fromkeys(place.zone for place in PLACES))
DIAL_DIGITS = {"GB": 2, "US": 1, "CA": 1, "DE": 2, "FR": 2, "ES": 2, "SE": 2, "IE": 3, "AU": 2, "PT": 3}
# The language a household writes in, by country.
LANGUAGES: tuple[str, ...] = ("en", "fr", "de", "es", "pt", "sv")
LANGUAGES_OF: dict[str, tuple[float, ...]] = {
    "GB": (0.95, 0.01, 0.01, 0.01, 0.02, 0.0),
    "US": (0.85, 0.0, 0.0, 0.15, 0.0, 0.0),
    "DE": (0.06, 0.0, 0.94, 0.0, 0.0, 0.0),
    "FR": (0.04, 0.93, 0.0, 0.0, 0.03, 0.0),
    "ES": (0.06, 0.0, 0.02, 0.92, 0.0, 0.0),
    "SE": (0.1, 0.0, 0.0, 0.0, 0.0, 0.9),
    "IE": (1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "AU": (1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "CA": (0.68, 0.32, 0.0, 0.0, 0.0, 0.0),
    "PT": (0.05, 0.0, 0.0, 0.0, 0.95, 0.0),
}
STREETS: dict[str, str] = {
    "GB": "High Street|Station Road|Church Lane|Mill Lane|Victoria Road|Park Avenue|Kings Road|The Green",
    "US": "Main Street|Oak Avenue|Maple Drive|2nd Street|Washington Blvd|Lake Road|Hill Street|Pine Court",
    "CA": "Main Street|Rue Sainte-Catherine|King Street West|Queen Street|Maple Avenue|Rue Saint-Denis",
    "DE": "Hauptstraße|Bahnhofstraße|Gartenweg|Schulstraße|Goetheplatz|Lindenallee|Am Mühlbach|Rosenweg",
    "FR": "rue de la République|avenue Victor-Hugo|rue de l'Église|place du Marché|impasse des Lilas",
    "ES": "Calle Mayor|Avenida de la Constitución|Calle Real|Plaza de España|Calle de la Peña",
    "SE": "Storgatan|Kungsgatan|Skolgatan|Björkvägen|Södra Långgatan|Ängsvägen",
    "IE": "Main Street|Patrick Street|Church Road|O'Connell Street|Strand Road",
    "AU": "George Street|Beach Road|Railway Parade|Victoria Street|Eucalyptus Drive",
    "PT": "Rua da Liberdade|Avenida da República|Rua de São João|Travessa da Conceição",
}
