"""Minor units of currencies (ISO 4217, table A.1, 2024): two decimals unless it says otherwise."""

from data_contracts.sql import Sql, joined, sql, value

NONE = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
THREE = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
FOUR = ("CLF", "UYW")


def minor_factor(currency: Sql) -> Sql:
    """Give by how much an amount in `currency` (SQL text, an ISO code) is multiplied to count minor units."""
    cases = (
        sql("WHEN upper({}) IN ({}) THEN {}", currency, joined(", ", map(value, codes)), Sql(str(factor)))
        for codes, factor in ((NONE, 1), (THREE, 1000), (FOUR, 10000))
    )
    return sql("CASE {} ELSE 100 END", joined(" ", cases))
