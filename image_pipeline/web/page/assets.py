"""Assets: the modules and styles of the page, Leaflet and the coastlines, read once and kept in memory."""

import gzip
import hashlib
import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_IMPORT = re.compile(r"^import .* from '\./(\w+\.js)'$", re.MULTILINE)
_LEAFLET = ("leaflet.css", "leaflet.js")


@dataclass(frozen=True)
class Asset:
    """A file that browsers load, and its media type."""

    content: bytes
    media_type: str

    @cached_property
    def compressed(self) -> bytes:
        """The content, compressed with gzip."""
        return gzip.compress(self.content, 9, mtime=0)


class Assets:
    """The assets by their paths, such as `main.js` and `leaflet/leaflet.js`.

    `version` changes when any of them does, so that browsers may keep them under an address that has it.
    """

    def __init__(self) -> None:
        found = {**dict(_own()), **dict(_leaflet())}
        self.own = {path: asset for path, asset in found.items() if not path.startswith("leaflet/")}
        self._all = found
        digest = hashlib.sha256()
        for path, asset in sorted(found.items()):
            digest.update(f"{path}\0{len(asset.content)}\0".encode())
            digest.update(asset.content)
        self.version = digest.hexdigest()[:12]

    @cached_property
    def modules(self) -> list[str]:
        """The modules that `main.js` needs before anything is shown: a browser can ask for all of them at once."""
        found = ["main.js"]
        for path in found:
            needed = _IMPORT.findall(self.own[path].content.decode())
            found += [one for one in dict.fromkeys(needed) if one not in found]
        return found[1:]

    def get(self, path: str) -> Asset | None:
        """The asset with this path; None if there is none."""
        return self._all.get(path)


def _own() -> Iterator[tuple[str, Asset]]:
    folder = files("image_pipeline.web").joinpath("static")
    yield from ((one.name, _asset(one.name, one)) for one in folder.iterdir() if one.is_file())


def _leaflet() -> Iterator[tuple[str, Asset]]:
    """Leaflet as the package XStatic-Leaflet has it, without its pictures: the page draws its own marks."""
    installed = importlib.metadata.distribution("XStatic-Leaflet")
    for file in installed.files or ():
        if file.name in _LEAFLET:
            content = file.read_binary()
            yield f"leaflet/{file.name}", Asset(content, _TYPES[PurePosixPath(file.name).suffix])


def _asset(name: str, file: Traversable) -> Asset:
    return Asset(file.read_bytes(), _TYPES[PurePosixPath(name).suffix])
