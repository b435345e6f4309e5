"""Removal of names and passwords from addresses before they are shown."""

import re

_CREDENTIALS = re.compile(r"(?<=://)[^\s/'\"]*@")


def without_passwords(text: str) -> str:
    """`text` with the name and password removed from each URL in it: `http://host:6333`."""
    return _CREDENTIALS.sub("", text)


def without_password(value: str) -> str:
    """`value`, which was meant to be one URL, without anything before its host, even if it is malformed."""
    scheme, mark, rest = value.partition("://")
    return scheme + mark + rest.rpartition("@")[2] if mark else value.rpartition("@")[2]
