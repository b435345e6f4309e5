"""The headers of every answer: what a browser may do with it."""

from starlette.types import Message

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The policy of pages: nothing from another host, and no script or style that is part of a page's own text."""

_PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope"),
        *("hid", "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get", "serial", "usb"),
    )
)

ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with `no-referrer`, browsers send forms with `Origin: null`
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", _PERMISSIONS.encode()),
)
"""Headers of every answer: no other page may frame it, embed it, or keep a handle on its window."""

_UNLESS_GIVEN = ((b"content-security-policy", POLICY.encode()), (b"cache-control", b"no-store"))


def add_headers(message: Message) -> None:
    """Add the headers to the start of an answer; one that has its own policy, or may be kept in a cache, says so."""
    headers = list(message.get("headers", ()))
    given = {name.lower() for name, _ in headers}
    headers += ALWAYS
    headers += [header for header in _UNLESS_GIVEN if header[0] not in given]
    message["headers"] = headers
