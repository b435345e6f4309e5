"""The protocol between the pool and its workers: one JSON array per line, and no pixels.

File names are sent as UTF-8, with each byte that is not UTF-8 as a lone surrogate, whatever the locale of a process.
"""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from image_pipeline.files.open_file import LibraryFile
from image_pipeline.files.status import FileStatus
from image_pipeline.imaging.source_file import AnyPath, ImagePath
from image_pipeline.schema.image_metadata import ImageMetadata, SidecarMetadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.outcome import DecodePath, Reason
from image_pipeline.schema.thumbnail import STORE_SIDE


@dataclass(frozen=True)
class RowTarget:
    """The place where the array for `spec` is written: at byte `offset` of the existing file `path`.

    If `path` is None, the array is not written, and only its digest is wanted.
    """

    path: bytes | None
    offset: int
    spec: InputSpec


@dataclass(frozen=True)
class DecodeRequest:
    """Decode `path`, write one row for each target, and write the thumbnail, of up to `side` pixels, to its path."""

    path: bytes | LibraryFile
    targets: tuple[RowTarget, ...]
    thumbnail: bytes | None
    side: int = STORE_SIDE


@dataclass(frozen=True)
class MetadataRequest:
    """Read the metadata of `path`."""

    path: bytes | LibraryFile


@dataclass(frozen=True)
class SidecarRequest:
    """Read the metadata in the sidecar `path`."""

    path: bytes | LibraryFile


@dataclass(frozen=True)
class Ready:
    """The worker has started."""


@dataclass(frozen=True)
class Decoded:
    """All rows and the thumbnail have been written. `digests` are those of the arrays, in the order of the targets."""

    width: int
    height: int
    decode_path: DecodePath
    damaged: str | None = None
    digests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rejected:
    """The file cannot be decoded."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class NotWritten:
    """The file may be sound, but its rows or thumbnail could not be written."""

    message: str


Request = DecodeRequest | MetadataRequest | SidecarRequest
Reply = Ready | Decoded | Rejected | NotWritten | ImageMetadata | SidecarMetadata


def path_bytes(path: AnyPath) -> bytes:
    """`path` as bytes, as the operating system represents it."""
    return os.fsencode(path)


def as_named(path: ImagePath) -> bytes | LibraryFile:
    """`path` in the form that a request contains."""
    return path if isinstance(path, LibraryFile) else path_bytes(path)


def request_line(request: Request) -> bytes:
    """`request`, encoded as a line."""
    if isinstance(request, MetadataRequest):
        return _line("metadata", {"path": _picture_text(request.path)})
    if isinstance(request, SidecarRequest):
        return _line("sidecar", {"path": _picture_text(request.path)})
    targets = [
        {"path": _optional_text(target.path), "offset": target.offset, "spec": asdict(target.spec)}
        for target in request.targets
    ]
    thumbnail = _optional_text(request.thumbnail)
    content = {"path": _picture_text(request.path), "targets": targets, "thumbnail": thumbnail, "side": request.side}
    return _line("decode", content)


def read_request(line: bytes) -> Request:
    """The request that `line` encodes. Raises ValueError or KeyError if it is not a request."""
    kind, content = _parsed(line)
    if kind == "metadata":
        return MetadataRequest(_picture(content["path"]))
    if kind == "sidecar":
        return SidecarRequest(_picture(content["path"]))
    targets = tuple(
        RowTarget(_optional_bytes(target["path"]), target["offset"], _spec(target["spec"]))
        for target in content["targets"]
    )
    return DecodeRequest(_picture(content["path"]), targets, _optional_bytes(content["thumbnail"]), content["side"])


def reply_line(reply: Reply) -> bytes:
    """`reply`, encoded as a line."""
    return _line(type(reply).__name__, asdict(reply))


def read_reply(line: bytes) -> Reply:
    """The reply that `line` encodes. Raises ValueError, KeyError or TypeError if it is not a reply."""
    kind, content = _parsed(line)
    match kind:
        case "Ready":
            return Ready()
        case "Decoded":
            decode_path, digests = DecodePath(content["decode_path"]), tuple(content["digests"])
            return Decoded(content["width"], content["height"], decode_path, content["damaged"], digests)
        case "Rejected":
            return Rejected(Reason(content["reason"]), content["message"])
        case "NotWritten":
            return NotWritten(content["message"])
        case "ImageMetadata":
            return _metadata(content)
        case "SidecarMetadata":
            return SidecarMetadata(_metadata(content["metadata"]), content["for_ending"])
        case _:
            raise ValueError(f"unknown reply: {kind}")


def _line(kind: str, content: dict[str, Any]) -> bytes:
    return json.dumps([kind, content], separators=(",", ":")).encode("ascii") + b"\n"


def _parsed(line: bytes) -> tuple[str, dict[str, Any]]:
    kind, content = json.loads(line)
    return kind, content


def _metadata(content: dict[str, Any]) -> ImageMetadata:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in content.items()}
    return ImageMetadata(**values)


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


def _optional_text(path: bytes | None) -> str | None:
    return None if path is None else _to_text(path)


def _optional_bytes(path: str | None) -> bytes | None:
    return None if path is None else _to_bytes(path)


def _to_text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _to_bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
