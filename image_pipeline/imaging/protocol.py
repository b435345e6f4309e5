"""What the pool and its workers say to each other: one JSON object a line, and no pixels.

File names travel as UTF-8 with each byte that is not as a lone surrogate, whatever the locale of either process.
"""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from image_pipeline.files.open_file import LibraryFile
from image_pipeline.files.status import FileStatus
from image_pipeline.imaging.source_file import AnyPath, ImagePath
from image_pipeline.schema.decode_path import DecodePath
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.reason import Reason


@dataclass(frozen=True)
class RowTarget:
    """Where the array for `spec` is written: at byte `offset` of the file `path`, which exists."""

    path: bytes
    offset: int
    spec: InputSpec


@dataclass(frozen=True)
class DecodeRequest:
    """Decode `path`, write one row for each target, and the thumbnail to its path."""

    path: bytes | LibraryFile
    targets: tuple[RowTarget, ...]
    thumbnail: bytes | None


@dataclass(frozen=True)
class MetadataRequest:
    """Read the metadata of `path`."""

    path: bytes | LibraryFile


@dataclass(frozen=True)
class Ready:
    """The worker has started."""


@dataclass(frozen=True)
class Decoded:
    """All rows, and the thumbnail, are written."""

    width: int
    height: int
    decode_path: DecodePath


@dataclass(frozen=True)
class Rejected:
    """The file cannot be decoded."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class NotWritten:
    """The file may be sound, but what came of it could not be stored."""

    message: str


Request = DecodeRequest | MetadataRequest
Reply = Ready | Decoded | Rejected | NotWritten | ImageMetadata


def path_bytes(path: AnyPath) -> bytes:
    """`path` as the operating system has it."""
    return os.fsencode(path)


def as_named(path: ImagePath) -> bytes | LibraryFile:
    """A picture as a request names it."""
    return path if isinstance(path, LibraryFile) else path_bytes(path)


def request_line(request: Request) -> bytes:
    """`request` as a line."""
    if isinstance(request, MetadataRequest):
        return _line("metadata", {"path": _picture_text(request.path)})
    targets = [
        {"path": _to_text(target.path), "offset": target.offset, "spec": asdict(target.spec)}
        for target in request.targets
    ]
    thumbnail = None if request.thumbnail is None else _to_text(request.thumbnail)
    return _line("decode", {"path": _picture_text(request.path), "targets": targets, "thumbnail": thumbnail})


def read_request(line: bytes) -> Request:
    """The request that a line is. Raises ValueError or KeyError for what is none."""
    kind, content = _parsed(line)
    if kind == "metadata":
        return MetadataRequest(_picture(content["path"]))
    targets = tuple(
        RowTarget(_to_bytes(target["path"]), target["offset"], _spec(target["spec"])) for target in content["targets"]
    )
    thumbnail = content["thumbnail"]
    return DecodeRequest(_picture(content["path"]), targets, None if thumbnail is None else _to_bytes(thumbnail))


def reply_line(reply: Reply) -> bytes:
    """`reply` as a line."""
    return _line(type(reply).__name__, asdict(reply))


def read_reply(line: bytes) -> Reply:
    """The reply that a line is. Raises ValueError, KeyError or TypeError for what is none."""
    kind, content = _parsed(line)
    match kind:
        case "Ready":
            return Ready()
        case "Decoded":
            return Decoded(content["width"], content["height"], DecodePath(content["decode_path"]))
        case "Rejected":
            return Rejected(Reason(content["reason"]), content["message"])
        case "NotWritten":
            return NotWritten(content["message"])
        case "ImageMetadata":
            return ImageMetadata(**{**content, "keywords": tuple(content["keywords"])})
        case _:
            raise ValueError(f"no such reply: {kind}")


def _line(kind: str, content: dict[str, Any]) -> bytes:
    return json.dumps([kind, content], separators=(",", ":")).encode("ascii") + b"\n"


def _parsed(line: bytes) -> tuple[str, dict[str, Any]]:
    kind, content = json.loads(line)
    return kind, content


def _spec(content: dict[str, Any]) -> InputSpec:
    return InputSpec(
        content["height"],
        content["width"],
        ResizeMode(content["resize_mode"]),
        Interpolation(content["interpolation"]),
        content["fill"],
    )


def _picture_text(path: bytes | LibraryFile) -> str | dict[str, Any]:
    if isinstance(path, bytes):
        return _to_text(path)
    names = {"root": _to_text(os.fsencode(path.root)), "path": _to_text(os.fsencode(path.path))}
    return {**names, "status": asdict(path.status)}


def _picture(content: str | dict[str, Any]) -> bytes | LibraryFile:
    if isinstance(content, str):
        return _to_bytes(content)
    root, path = (os.fsdecode(_to_bytes(content[name])) for name in ("root", "path"))
    return LibraryFile(root, path, FileStatus(**content["status"]))


def _to_text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _to_bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
