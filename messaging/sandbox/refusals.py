"""The answers by which Twilio's API refuses: a code, an HTTP status and a sentence."""

from dataclasses import dataclass
from typing import Any

_TABLE = {  # code: (HTTP status, sentence); the wording is Twilio's, which may change it at any time
    20001: (400, "The parameter {detail} has a value that is not allowed"),
    20003: (401, "Authenticate"),
    20009: (409, "Cannot delete message because delivery has not been completed."),
    20400: (400, "Bad Request: {detail}"),
    20404: (404, "The requested resource {detail} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "A Url or Twiml parameter is required, or the Url {detail} is not valid."),
    21211: (400, "The 'To' number {detail} is not a valid phone number."),
    21212: (
        400,
        "The 'From' number {detail} is not a valid phone number, shortcode, or alphanumeric sender ID.",
    ),
    21213: (400, "No 'From' number is specified"),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region of the 'To' number: {detail}.",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (
        400,
        "The 'From' phone number {detail} is not a valid, SMS-capable number or short code for your account.",
    ),
    21609: (400, "The 'StatusCallback' URL {detail} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages: {detail}"),
    21612: (400, "The 'To' phone number: {detail}, is not currently reachable using the 'From' phone number"),
    21614: (400, "'To' number is not a valid mobile number: {detail}"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s): {detail}"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21655: (400, "The ContentSid is Invalid"),
    21656: (400, "The ContentVariables Parameter is invalid"),
    21910: (400, "Invalid From and To pair. From and To should be of the same channel"),
    30409: (409, "This message cannot be canceled"),
    35111: (400, "Invalid value of SendAt"),
    35114: (400, "SendAt time must be between 301 seconds and 3024000 seconds (i.e. 35 days) in the future."),
}


@dataclass(frozen=True)
class Refusal:
    """Why a request is not done: Twilio's code, and what the sentence is about."""

    code: int
    detail: str = ""

    @property
    def http_status(self) -> int:
        """Give the HTTP status that goes with the code."""
        return _TABLE[self.code][0]

    def document(self) -> dict[str, Any]:
        """Give the JSON body in Twilio's shape."""
        return {
            "code": self.code,
            "message": _TABLE[self.code][1].format(detail=self.detail),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.http_status,
        }
