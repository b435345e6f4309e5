"""A partition: the image files directly in one directory, or one part of them if the directory is very large.

The key of a partition is its directory's path, relative to the library root (`.` for the root itself), followed by
`#KofN` for part K of N. Characters that would break a key (on the Dagster page, in a shell, in a range `a...b`) are
percent-encoded, so that every directory name has a unique key, and plain names stay readable.
"""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from image_pipeline.errors import SettingsError
from image_pipeline.files.names import from_text, to_text

ROOT = "."

_PART = re.compile(r"#(\d{1,9})of(\d{1,9})$", re.ASCII)
# The characters escaped in a key. They are spelled out, since keys are stored, and `unicodedata` changes with Python.
_ESCAPED = re.compile(
    # "," separates keys, "[", "]", "*" and "..." are range syntax, "#" begins the part; the rest is special in a shell
    r"""[%,#\[\]*"'`\\|<>?$]"""
    # invisible: control and format characters, unusual spaces, separators, surrogates, private and tag characters
    "|[\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\uf8ff"
    "\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
    # a space at the edge of a name, a leading dash, a third dot
    r"|(?<![^/]) | (?![^/])|\A-|(?<=\.\.)\."
)


def _encode(text: str) -> str:
    return _ESCAPED.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text)


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
        """The partition of a key. Raises SettingsError if `key` is not a valid partition key."""
        match = _PART.search(key)
        part, parts = (int(match[1]), int(match[2])) if match else (0, 1)
        encoded = key[: match.start()] if match else key
        try:
            directory = "" if encoded == ROOT else unquote_to_bytes(encoded).decode()
        except UnicodeError:
            directory = ""
        partition = cls(directory, part, parts)
        if partition.key != key or parts & (parts - 1) or part >= parts or not partition._is_below_the_root():
            raise SettingsError(f"{key!r} is not a partition key; `image-pipeline scan` prints those of the library.")
        return partition

    @classmethod
    def is_key(cls, key: str) -> bool:
        """Whether `key` is a valid partition key; a person may have registered other keys in Dagster."""
        try:
            cls.from_key(key)
        except SettingsError:
            return False
        return True

    def _is_below_the_root(self) -> bool:
        """Whether the directory is a valid path below the root: a key must not lead out of the library."""
        if "\0" in self.directory or directory_text(self.os_directory) != self.directory:
            return False
        return self.directory == "" or not {"", ".", ".."}.intersection(self.directory.split("/"))

    @property
    def os_directory(self) -> str:
        """The directory for Python's `os` functions, relative to the library root."""
        return from_text(self.directory) or "."

    def holds(self, name: str) -> bool:
        """Whether a file of the directory, given by its name as text, belongs to this part."""
        return part_of(name, self.parts) == self.part

    def path_of(self, name: str) -> str:
        """The path of a file in the directory, as text, relative to the library root."""
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
    """The partitions of a directory with `files` image files; their number is a power of two.

    On average, a part has at most `partition_size` files: a hash of its name assigns each file to a part, so that an
    added file moves no other. A directory that once had `parts_before` parts keeps that number when it shrinks.
    """
    parts = parts_before
    while files > parts * partition_size:
        parts *= 2
    return [Partition(directory, part, parts) for part in range(parts)]


def directory_text(relative: str) -> str:
    """The text of a directory that is given for Python's `os` functions, relative to the library root."""
    return "" if relative == "." else to_text(relative)


def part_of(name: str, parts: int) -> int:
    """The part, of `parts` (a power of two), that a file belongs to, by a hash of its name."""
    if parts == 1:
        return 0
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) & (parts - 1)
