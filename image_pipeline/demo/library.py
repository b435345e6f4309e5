"""The demo library: some 300 scenes in nested directories, in many formats, with copies and broken files."""

import os
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

from image_pipeline.demo.dng import write_dng
from image_pipeline.demo.drawing import draw
from image_pipeline.demo.exif import exif_of
from image_pipeline.demo.scenes import Colour, Scene, Shape, Thing, all_scenes, caption, is_held_out, random_scene
from image_pipeline.errors import LibraryError, SettingsError

SEED = 2026
_ASKED_FOR = 8
_MARK = ".image-pipeline-demo"  # hidden, so that it is not ingested

_SIZES = ((384, 288), (288, 384), (320, 240), (240, 320), (288, 288))

Writer = Callable[[Path, Image.Image, np.random.Generator], None]


@dataclass(frozen=True)
class DemoLibrary:
    """The library that was drawn: the caption of each scene, and the broken files, by path relative to `root`."""

    root: Path
    captions: dict[str, str]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class _Directory:
    """A directory of `scenes` pictures; `writers`, each a file name extension and a function, write them in turn."""

    path: str
    scenes: int
    writers: tuple[tuple[str, Writer], ...]


def _jpeg(path: Path, picture: Image.Image, rng: np.random.Generator) -> None:
    stored, exif = exif_of(picture, rng)
    stored.save(path, "JPEG", quality=int(rng.integers(70, 96)), exif=exif, progressive=bool(rng.random() < 0.3))


def _plain(image_format: str) -> Writer:
    def write(path: Path, picture: Image.Image, rng: np.random.Generator) -> None:
        picture.save(path, image_format)

    return write


def _gif(path: Path, picture: Image.Image, rng: np.random.Generator) -> None:
    picture.quantize(64).save(path, "GIF")


def _heic(path: Path, picture: Image.Image, rng: np.random.Generator) -> None:
    pillow_heif.from_pillow(picture).save(path, quality=80, enc_params={"preset": "ultrafast"})


def _avif(path: Path, picture: Image.Image, rng: np.random.Generator) -> None:
    picture.save(path, "AVIF", quality=80, speed=10)


def _raw(preview: bool) -> Writer:
    def write(path: Path, picture: Image.Image, rng: np.random.Generator) -> None:
        write_dng(path, picture, preview=preview)

    return write


_JPEG = (".jpg", _jpeg)
_PNG = (".png", _plain("PNG"))
_WEBP = (".webp", _plain("WEBP"))
_TIFF = (".tif", _plain("TIFF"))

_DIRECTORIES = (
    _Directory("2023/winter", 30, (_JPEG,)),
    _Directory("2023/summer trip/beach", 36, (_JPEG, (".JPG", _jpeg))),
    _Directory("2023/summer trip/mountains", 30, (_JPEG, _PNG)),
    _Directory("2024/trip", 36, (_JPEG,)),
    _Directory("2024/trip/raw", 12, ((".dng", _raw(preview=True)), (".dng", _raw(preview=False)))),
    _Directory("2024/日本, 春", 24, (_JPEG, _WEBP)),
    _Directory("family/birthday", 30, (_JPEG,)),
    _Directory("family/Zoë & Björn", 24, (_JPEG, _PNG)),
    _Directory("phone/camera [1]", 24, ((".heic", _heic), _JPEG, (".avif", _avif), _JPEG)),
    _Directory("scans/1985", 20, (_TIFF, (".bmp", _plain("BMP")))),
    _Directory("web/exports", 24, (_WEBP, _PNG, (".gif", _gif))),
    _Directory("web/animated", 10, ((".gif", _gif),)),
)

_BROKEN = (
    *("web/downloads/empty.jpg", "web/downloads/truncated.jpg", "web/downloads/page not found.jpg"),
    *("web/downloads/bomb.png", "2024/trip/raw/cut off.dng"),
)

_COPIES = (("2024/trip", "family/birthday/best of", 4), ("phone/camera [1]", "2023/winter", 2))


def make_library(root: Path, seed: int = SEED) -> DemoLibrary:
    """Draw the library into the folder `root`; the same `seed` draws the same scenes.

    The scenes are held out from the training of the demo models, and no two are alike. Raises SettingsError if `root`
    holds files that are not a demo library's, or has a link in place of one of its folders or files; LibraryError if it
    cannot be written.
    """
    try:
        _claim(root)
        with tempfile.TemporaryDirectory(prefix=f"{_MARK}-", dir=root) as making:
            return _draw(_Canvas(root, Path(making)), seed)
    except OSError as error:
        raise LibraryError(
            f"The demo library cannot be drawn in {root} ({error.strerror}): give a new, writable folder on a disk "
            "with free space."
        ) from error


def _claim(root: Path) -> None:
    """Mark `root` as a demo library, whose files may be overwritten.

    A demo library that was drawn before there were marks is recognised by its files. Raises SettingsError if `root`
    holds anything else.
    """
    root.mkdir(parents=True, exist_ok=True)
    mark = root / _MARK
    _refuse_links(root)
    if not mark.exists() and any(root.iterdir()) and not all((root / path).is_file() for path in _paths()):
        raise SettingsError(f"The folder {root} is not empty and is not a demo library: give a new folder.")
    mark.write_text("Drawn by image-pipeline demo-library, which may overwrite it.\n")


def _refuse_links(root: Path) -> None:
    """Raise SettingsError if a folder or file of the library is a link."""
    copies = [copy for _, copy in _copies(_paths())]
    for path in (_MARK, *_paths(), *copies, *_BROKEN):
        for part in (Path(path), *Path(path).parents[:-1]):
            if (root / part).is_symlink():
                raise SettingsError(f"{root / part} is a link, and its target would be overwritten: give a new folder.")


@dataclass(frozen=True)
class _Canvas:
    """The folder `root` of the library, and a folder in it, `making`, for the file that is being written."""

    root: Path
    making: Path

    @contextmanager
    def file(self, path: str) -> Iterator[Path]:
        """A temporary file to write, which replaces `path` (relative to the root) at the end of the block.

        An existing file is replaced, not overwritten: it may be a hard link to a file elsewhere.
        """
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.making / Path(path).name
        yield unfinished
        os.replace(unfinished, self.root / path)


def _paths() -> list[str]:
    """The paths of the scenes, without their copies."""
    paths: list[str] = []
    for directory in _DIRECTORIES:
        for number in range(directory.scenes):
            ending, _ = directory.writers[number % len(directory.writers)]
            paths.append(f"{directory.path}/IMG_{len(paths) + 1:04d}{ending}")
    return paths


def _draw(canvas: _Canvas, seed: int) -> DemoLibrary:
    rng = np.random.default_rng(seed)
    paths = _paths()
    captions: dict[str, str] = {}
    drawn: set[Scene] = set()
    asked_for = [scene for scene in all_scenes() if is_held_out(scene) and _is_asked_for(scene)]
    first = [asked_for[index] for index in rng.permutation(len(asked_for))[:_ASKED_FOR]]
    for directory in _DIRECTORIES:
        for number in range(directory.scenes):
            scene = first.pop() if first and number % 5 == 2 else _new_scene(drawn, rng)
            drawn.add(scene)
            _, write = directory.writers[number % len(directory.writers)]
            path = paths[len(captions)]
            with canvas.file(path) as file:
                write(file, draw(scene, _SIZES[rng.integers(len(_SIZES))], rng), rng)
            captions[path] = caption(scene)
    captions |= _copy(canvas, captions)
    _write_broken(canvas, next(iter(captions)))
    return DemoLibrary(canvas.root, captions, _BROKEN)


def _is_asked_for(scene: Scene) -> bool:
    """Whether `make demo` and the README search for this scene."""
    return Thing(Shape.CIRCLE, Colour.RED) in scene.things and scene.background is Colour.BLUE


def _new_scene(drawn: set[Scene], rng: np.random.Generator) -> Scene:
    while True:
        scene = random_scene(rng, held_out=True)
        if scene not in drawn and not _is_asked_for(scene):
            return scene


def _copies(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The path of each scene that has a copy, and the path of the copy."""
    for source, target, count in _COPIES:
        for path in [path for path in paths if Path(path).parent == Path(source)][:count]:
            yield path, f"{target}/{Path(path).stem} copy{Path(path).suffix}"


def _copy(canvas: _Canvas, captions: dict[str, str]) -> dict[str, str]:
    copies = {}
    for path, copy in _copies(list(captions)):
        with canvas.file(copy) as file:
            shutil.copyfile(canvas.root / path, file)
        copies[copy] = captions[path]
    return copies


def _write_broken(canvas: _Canvas, whole: str) -> None:
    content = (canvas.root / whole).read_bytes()
    broken = (
        b"",
        content[: len(content) // 2],
        b"<!doctype html><title>404</title><h1>Not found</h1>\n",
        _png_bomb(40_000),
        _dng_cut_off(),
    )
    for path, data in zip(_BROKEN, broken, strict=True):
        with canvas.file(path) as file:
            file.write_bytes(data)


def _png_bomb(side: int) -> bytes:
    """A PNG of a few bytes that declares `side` × `side` pixels (W3C PNG, section 11.2.1)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def _dng_cut_off() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "whole.dng"
        write_dng(path, Image.new("RGB", (320, 240), "navy"), preview=False)
        content = path.read_bytes()
    # keep the directory of tags, which is at the end of the file: without it, the file is not recognised as a RAW
    pixels = content[8 : 8 + 320 * 240]
    return content[:8] + pixels + content[8 + 2 * 320 * 240 :]
