"""PNM, TGA and PCX, in all the forms that programs write."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import ImageError, Reason
from image_pipeline_tests.support.scenes import difference, encoded, scene, write

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)


def pixels(path: Path) -> np.ndarray:
    """The picture as decoded at its own size, uint8 `[64, 96, 3]`."""
    return decode_image(path, [SPEC]).arrays[0].transpose(1, 2, 0)


def reason(path: Path, limits: DecodeLimits | None = None) -> Reason:
    with pytest.raises(ImageError) as caught:
        decode_image(path, [SPEC], limits)
    return caught.value.reason


def plain_ppm(picture: Image.Image) -> bytes:
    """With its values in decimal digits, and comments between them."""
    values = np.asarray(picture).reshape(-1)
    return b"P3\n# drawn by hand\n96 # wide\n64\n255\n" + b" ".join(b"%d" % value for value in values) + b"\n"


def deep_ppm(picture: Image.Image) -> bytes:
    return b"P6 96 64 65535\n" + (np.asarray(picture).astype(">u2") * 257).tobytes()


def lower_left_tga(picture: Image.Image) -> bytes:
    """As version 1 of the format has it: rows from below, and no footer."""
    header = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 96, 64, 24, 0)
    return header + np.asarray(picture)[::-1, :, ::-1].tobytes()


FILES = {
    "binary PPM": encoded(scene(), "PPM"),
    "plain PPM": plain_ppm(scene()),
    "deep PPM": deep_ppm(scene()),
    "TGA": encoded(scene(), "TGA"),
    "TGA in runs": encoded(scene(), "TGA", compression="tga_rle"),
    "TGA from below": lower_left_tga(scene()),
    "PCX": encoded(scene(), "PCX"),
}


@pytest.mark.parametrize("kind", FILES)
def test_it_is_the_picture_that_went_in(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, "a", FILES[kind])

    assert difference(pixels(path), np.asarray(scene())) < 0.6
    assert (read_metadata(path).width, read_metadata(path).height) == (96, 64)


@pytest.mark.parametrize(("image_format", "modes"), [("PPM", "1 L"), ("TGA", "L P RGBA"), ("PCX", "1 L P")])
def test_other_modes(tmp_path: Path, image_format: str, modes: str) -> None:
    for mode in modes.split():
        picture = scene().quantize(64) if mode == "P" else scene(mode=mode)
        path = write(tmp_path, mode, encoded(picture, image_format))
        assert difference(pixels(path), np.asarray(picture.convert("RGB"))) < 0.6, mode


def test_a_float_pnm(tmp_path: Path) -> None:
    values = np.asarray(scene(mode="L")).astype("<f4")[::-1] / 255

    found = pixels(write(tmp_path, "a.pfm", b"Pf\n96 64\n-1.0\n" + values.tobytes()))

    assert difference(found[..., 0], np.asarray(scene(mode="L"))) < 0.6


def test_a_pcx_that_ends_within_its_palette_is_rejected(tmp_path: Path) -> None:
    """The palette follows the picture. Pillow takes any other bytes for it, or shows the indices as grey levels."""
    for picture in (scene().quantize(64), Image.fromarray(np.full((64, 96), 12, np.uint8))):
        content = encoded(picture, "PCX")
        for missing in (1, 2, 300, 767, 768, 769):
            assert reason(write(tmp_path, "a.pcx", content[:-missing])) is Reason.TRUNCATED, missing

    grey = bytearray(encoded(scene(mode="L"), "PCX")[:-769])
    grey[68:70] = b"\2\0"  # its header says that it is grey, so it needs no palette
    assert difference(pixels(write(tmp_path, "grey.pcx", bytes(grey)))[..., 0], np.asarray(scene(mode="L"))) == 0
    assert pixels(write(tmp_path, "odd.pcx", encoded(scene(mode="L").crop((0, 0, 95, 63)), "PCX"))).any()


@pytest.mark.parametrize("kind", [kind for kind in FILES if "TGA" not in kind])
def test_a_file_that_is_cut_off_is_rejected(tmp_path: Path, kind: str) -> None:
    content = FILES[kind]

    for kept in (0.3, 0.6, 0.97):
        assert reason(write(tmp_path, "a", content[: int(kept * len(content))])) is Reason.TRUNCATED


def test_a_tga_that_is_cut_off_is_no_longer_told_from_other_data(tmp_path: Path) -> None:
    for kind in ("TGA", "TGA in runs", "TGA from below"):
        assert reason(write(tmp_path, "a.tga", FILES[kind][:3000])) is Reason.UNKNOWN_FORMAT


def test_bombs(tmp_path: Path) -> None:
    footer = bytes(8) + b"TRUEVISION-XFILE.\0"
    tga = struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, 65535, 65535, 24, 0) + b"\xff\0\0\0" * 100 + footer
    assert reason(write(tmp_path, "a.tga", tga)) is Reason.TOO_MANY_PIXELS
    assert reason(write(tmp_path, "a.ppm", b"P6 99999999 99999999 255\n" + bytes(100))) is Reason.TOO_MANY_PIXELS
    assert reason(write(tmp_path, "b.ppm", b"P6 10000 10000 255\n" + bytes(100))) is Reason.TRUNCATED
    pcx = bytearray(FILES["PCX"])
    pcx[8:12] = struct.pack("<HH", 65534, 65534)
    assert reason(write(tmp_path, "a.pcx", bytes(pcx))) is Reason.TOO_MANY_PIXELS
    assert reason(write(tmp_path, "b.pcx", FILES["PCX"]), DecodeLimits(pixels=6000)) is Reason.TOO_MANY_PIXELS
