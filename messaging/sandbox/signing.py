"""Sign webhooks as Twilio does, from its description and the standard library alone.

Never from the `twilio` package: the receiver verifies with that one, and a library that checks itself proves
nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urldefrag


def signature(token: str, url: str, params: Mapping[str, str]) -> str:
    """Give X-Twilio-Signature: base64 of HMAC-SHA1 over the full URL followed by every sorted name and value.

    The URL's fragment, which holds connection overrides, is not part of what is requested, nor of what is signed.

    See https://www.twilio.com/docs/usage/security#validating-requests
    """
    text = urldefrag(url).url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
