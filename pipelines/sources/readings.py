"""Pieces of SQL that read text: decimals of a style, times of a format. What they cannot read becomes NULL."""

from data_contracts.sql import Sql, sql, value

OFFSET = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"


def decimal(text: Sql, sign: str) -> Sql:
    """Read a decimal; NULL where it is none of that style. Signs of currency and of thousands are taken away."""
    rest = sql("try_cast({} AS DECIMAL(25, 9))", _plain_decimal(text, sign))
    if sign == ",":
        return rest
    return sql(
        "coalesce(try_cast({} AS DECIMAL(25, 9)), {})", text, rest
    )  # most are plain: five times as fast


def _plain_decimal(text: Sql, sign: str) -> Sql:
    bare = sql("regexp_replace({}, {}, '', 'g')", text, value("[\\s\u00a0\u202f'£$€]"))
    thousands, point = (",", r"\.") if sign == "." else (r"\.", ",")
    style = (
        rf"[+-]?([0-9]{{1,15}}|[0-9]{{1,3}}({thousands}[0-9]{{3}})+|)({point}[0-9]+)?([eE][+-]?[0-9]{{1,2}})?"
    )
    number = sql("replace({}, ',', '')", bare)
    if sign == ",":
        number = sql("replace(replace({}, '.', ''), ',', '.')", bare)
    return sql("CASE WHEN regexp_full_match({}, {}) THEN {} END", bare, value(style), number)


def reading(text: Sql, form: str, zone: Sql) -> Sql:
    """Read a time in one format, as naive UTC; NULL where the text has another."""
    if form == "unix":
        seconds = sql(
            "CASE WHEN regexp_full_match({}, '[0-9]{{1,11}}') THEN try_cast({} AS BIGINT) END", text, text
        )
        return sql("(to_timestamp({}) AT TIME ZONE 'UTC')", seconds)
    if form == "unix_ms":
        passed = sql(
            "CASE WHEN regexp_full_match({}, '[0-9]{{12,14}}') THEN try_cast({} AS BIGINT) END", text, text
        )
        return sql("make_timestamp_ms({})", passed)
    if form == "iso":
        fixed = sql(
            "regexp_replace({}, {}, {})", text, value(r"([+-][0-9]{2}):?([0-9]{2})$"), value(r"\1:\2")
        )
        tight = sql("regexp_replace({}, {}, {})", fixed, value(r" ([+-][0-9:]+)$"), value(r"\1"))
        zoned = sql("regexp_matches({}, {})", text, value(rf"[0-9]{{2}}:[0-9.:]+ ?{OFFSET}$"))
        aware = sql("(try_cast({} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')", tight)
        looks = sql("regexp_matches({}, {})", text, value("^[0-9]{4}-[0-9]{2}-[0-9]{2}"))
        naive = to_utc(sql("try_cast({} AS TIMESTAMP)", text), zone)
        return sql("CASE WHEN NOT {} THEN NULL WHEN {} THEN {} ELSE {} END", looks, zoned, aware, naive)
    parsed = sql("try_strptime({}, {})", text, value(form))
    return sql("({} AT TIME ZONE 'UTC')", parsed) if "%z" in form else to_utc(parsed, zone)


def to_utc(local: Sql, zone: Sql) -> Sql:
    """Move a local time to UTC. An hour that the clocks skip or repeat is read in winter time, as ICU does."""
    return sql("(timezone({}, {}) AT TIME ZONE 'UTC')", zone, local)


def unreadable(text: Sql) -> Sql:
    """Say that a text could not be read; no column of another type takes that."""
    return sql("'unreadable: ' || {}", text)


def filled(text: Sql) -> Sql:
    """Call empty text missing."""
    return sql("nullif({}, '')", text)
