"""Is this request from Twilio? Only what carries its signature over exactly what we see gets any further."""

from urllib.parse import parse_qsl

from starlette.datastructures import Headers, ImmutableMultiDict
from twilio.request_validator import (  # type: ignore[import-untyped]
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

FORM = "application/x-www-form-urlencoded"
FIELDS = 200  # Twilio sends about thirty

Form = ImmutableMultiDict[str, str]


def read_form(headers: Headers, body: bytes) -> Form | None:
    """Read a form exactly as it came, blank values and repeated names included; None where it is none."""
    if headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        return None
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=FIELDS,
        )
    except ValueError:  # UnicodeError is one
        return None
    return ImmutableMultiDict(pairs)


def is_signed(token: str, url: str, headers: Headers, form: Form) -> bool:
    """Say whether the request was signed with our token; `url` is the public one.

    A missing signature makes the validator raise, and whatever else it trips over is no valid request either.
    """
    given = headers.get(SIGNATURE_HEADER)
    if not given or not token:
        return False
    algorithm = get_signature_algorithm(headers.get(SIGNATURE_SETTINGS_HEADER, ""))
    try:
        return bool(RequestValidator(token).validate(url, form, given, algorithm))
    except (TypeError, ValueError):
        return False
