"""File records: everything that is known of one file, from the collection and the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.replaced import again_if_replaced
from image_pipeline.schema.payload import PATH, PIXELS, SHA256
from image_pipeline.services.wiring import Wiring
from image_pipeline.storage.history import FileEvent
from image_pipeline.storage.ledger import QuarantinedFile


@dataclass(frozen=True)
class FileRecord:
    """What is known of the file `path`.

    `payload` is that of its point, None if it has none; `thumbnail` an absolute path, None if there is no such file.
    `identical` are other files with the same bytes, `same_pixels` those with the same picture but other bytes.
    `has_metadata` is False if the file is a point although its metadata could not be read. `history` has the oldest
    event first.
    """

    path: str
    payload: Mapping[str, Any] | None
    thumbnail: Path | None
    quarantine: QuarantinedFile | None
    has_metadata: bool
    identical: Sequence[str]
    same_pixels: Sequence[str]
    history: Sequence[FileEvent]


def read_record(wiring: Wiring, names: Iterable[str], address: QdrantAddress | None = None) -> FileRecord | None:
    """The record of the first of `names` (possible names of one file in the store) that is known; None if none is.

    Loads no model. `address` is that of Qdrant, by default that of `wiring`. Raises CollectionError if Qdrant refuses,
    ServiceUnavailableError if it does not answer.
    """
    ledger = wiring.ledger
    quarantine = {file.path: file for file in ledger.quarantine()}
    for name in dict.fromkeys(names):
        history = ledger.history(name)
        if history or name in quarantine:
            return _record(wiring, name, quarantine, history, address or wiring.address)
    return None


def _record(
    wiring: Wiring,
    name: str,
    quarantine: Mapping[str, QuarantinedFile],
    history: Sequence[FileEvent],
    address: QdrantAddress,
) -> FileRecord:
    entry = quarantine.get(name)
    sha256 = history[-1].sha256 if entry is None else entry.sha256
    payload, copies = again_if_replaced(lambda: _ask_qdrant(wiring, name, sha256, address))
    if payload is not None:
        sha256 = payload.get(SHA256.name)
    broken = {path: sha256 for path, file in quarantine.items() if sha256 is not None and file.sha256 == sha256}
    others = {path: content for path, content in {**broken, **copies}.items() if path != name}
    thumbnail = None if sha256 is None else wiring.store.thumbnail_file(sha256).absolute()
    return FileRecord(
        path=name,
        payload=payload,
        thumbnail=thumbnail if thumbnail is not None and thumbnail.is_file() else None,
        quarantine=entry,
        has_metadata=payload is None or name not in {file.path for file in wiring.ledger.without_metadata()},
        identical=sorted(path for path, content in others.items() if content == sha256),
        same_pixels=sorted(path for path, content in others.items() if content != sha256),
        history=history,
    )


def _ask_qdrant(
    wiring: Wiring, name: str, sha256: str | None, address: QdrantAddress
) -> tuple[Mapping[str, Any] | None, dict[str, str]]:
    """The payload of a file's point, and the sha256 of each file with the same picture, by path."""
    if not address.exists:
        return None, {}
    with address.connect(wiring.settings.collection) as qdrant:
        version = qdrant.alias_target()
        if version is None:
            return None, {}
        points = qdrant.points(version)
        payload = points.payload(name)
        pixels = None
        if payload is not None:
            sha256, pixels = payload.get(SHA256.name), payload.get(PIXELS.name)
        same = points.same_picture(sha256, pixels)
        return payload, {str(one[PATH.name]): str(one[SHA256.name]) for one in same}
