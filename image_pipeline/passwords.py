"""Addresses as they are shown: without the name and password that they may hold."""

import re

_CREDENTIALS = re.compile(r"(?<=://)[^\s/'\"]*@")


def without_passwords(text: str) -> str:
    """`text` with each URL in it that has a name and password shown without: `http://host:6333`."""
    return _CREDENTIALS.sub("", text)


def without_password(value: str) -> str:
    """`value`, which was meant for one URL, without whatever stands before its host, well-formed or not."""
    scheme, mark, rest = value.partition("://")
    return scheme + mark + rest.rpartition("@")[2] if mark else value.rpartition("@")[2]
