"""A partition: the image files that lie directly in one directory, or, of a very large directory, one part of them.

The key of a partition is its directory's path, relative to the library root (`.` for the root itself), with `#KofN`
behind it for part K of N. Characters that would break a key (on the Dagster page, in a shell, in a range `a...b`) are
percent-encoded, so that every directory name that a file system allows has a key of its own, and plain names stay
plain to the eye.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from image_pipeline.errors import SettingsError
from image_pipeline.files.names import from_text, to_text

ROOT = "."

_PART = re.compile(r"#(\d+)of(\d+)$")
# "," separates keys, "[", "]", "*" and "..." are range syntax, "#" begins the part; the quotes and "\" need care in a shell.
_RESERVED = frozenset("%,#[]*\"'`\\|<>?$")


def _encode(text: str) -> str:
    def escaped(character: str) -> str:
        return "".join(f"%{byte:02X}" for byte in character.encode())

    last = len(text) - 1
    encoded = []
    for index, character in enumerate(text):
        at_edge = index in (0, last) or text[index - 1] == "/" or text[index + 1] == "/"
        if (
            character in _RESERVED
            # control, format, private and unassigned characters, and line separators, cannot be seen
            or unicodedata.category(character)[0] == "C"
            or unicodedata.category(character) in ("Zl", "Zp")
            or (character.isspace() and (at_edge or character != " "))
            or (character == "-" and index == 0)
            or (character == "." and text[max(index - 2, 0) : index] == "..")
        ):
            encoded.append(escaped(character))
        else:
            encoded.append(character)
    return "".join(encoded)


@dataclass(frozen=True, order=True)
class Partition:
    """Part `part` of `parts` (a power of two) of the directory `directory` (text, relative to the library root)."""

    directory: str
    part: int = 0
    parts: int = 1

    @property
    def key(self) -> str:
        """The partition key."""
        key = ROOT if self.directory == "" else _encode(self.directory)
        return key if self.parts == 1 else f"{key}#{self.part}of{self.parts}"

    @classmethod
    def from_key(cls, key: str) -> "Partition":
        """The partition of a key. Raises SettingsError where `key` is not one that `Partition.key` gives."""
        match = _PART.search(key)
        part, parts = (int(match[1]), int(match[2])) if match else (0, 1)
        encoded = key[: match.start()] if match else key
        try:
            directory = "" if encoded == ROOT else unquote_to_bytes(encoded).decode()
        except UnicodeDecodeError:
            directory = ""
        partition = cls(directory, part, parts)
        if partition.key != key or parts & (parts - 1) or part >= parts:
            raise SettingsError(
                f"{key!r} is not a partition key; `image-pipeline scan` prints those of the library."
            )
        return partition

    @property
    def os_directory(self) -> str:
        """The directory for Python's `os` functions, relative to the library root."""
        return from_text(self.directory) or "."

    def holds(self, name: str) -> bool:
        """Whether a file of the directory, by its name as text, belongs to this part."""
        return self.parts == 1 or _name_hash(name) & (self.parts - 1) == self.part

    def path_of(self, name: str) -> str:
        """The path, as text and relative to the library root, of a file in the directory."""
        return f"{self.directory}/{name}" if self.directory else name

    @property
    def ancestors(self) -> "list[Partition]":
        """The partitions that held this one's files before the directory was split, nearest first."""
        found, part, parts = [], self.part, self.parts
        while parts > 1:
            parts //= 2
            part &= parts - 1
            found.append(Partition(self.directory, part, parts))
        return found


def partitions_of(directory: str, files: int, partition_size: int, parts_before: int = 1) -> list[Partition]:
    """The partitions of a directory with `files` image files: a power of two of parts of `partition_size` at most.

    On average, that is: a part is told by a hash of the name, so that an added file moves no other. A directory that
    once had `parts_before` parts keeps them when it shrinks.
    """
    parts = parts_before
    while files > parts * partition_size:
        parts *= 2
    return [Partition(directory, part, parts) for part in range(parts)]


def directory_text(relative: str) -> str:
    """The text of a directory given for Python's `os` functions, relative to the library root."""
    return "" if relative == "." else to_text(relative)


def _name_hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
