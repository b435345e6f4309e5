"""Photoshop's documents: the composite of every depth and colour mode."""

import struct
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.outcome import Reason
from image_pipeline_tests.support.decoding import pixels_of, rejection_of
from image_pipeline_tests.support.photoshop import RAW, RUNS, photoshop
from image_pipeline_tests.support.scenes import difference, encoded, exif, scene, wide_gamut_profile, write

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)
HEADER = 26


pixels = partial(pixels_of, SPEC)


rejection = partial(rejection_of, SPEC)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("compression", [RAW, RUNS])
@pytest.mark.parametrize("depth", [8, 16, 32])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_it_is_the_picture_that_went_in(tmp_path: Path, mode: str, depth: int, compression: int, large: bool) -> None:
    content = photoshop(scene(mode=mode), compression, depth, large)

    assert difference(pixels(write(tmp_path, "a", content)), np.asarray(scene(mode=mode).convert("RGB"))) < 0.5


@pytest.mark.parametrize("compression", [RAW, RUNS])
@pytest.mark.parametrize("mode", ["1", "P", "CMYK"])
def test_other_colour_modes(tmp_path: Path, mode: str, compression: int) -> None:
    picture = scene().quantize(64) if mode == "P" else scene(mode=mode)

    found = pixels(write(tmp_path, "a.psd", photoshop(picture, compression)))

    assert difference(found, np.asarray(picture.convert("RGB"))) < 2


def test_lab_is_converted(tmp_path: Path) -> None:
    lab = np.zeros((64, 96, 3), np.uint8)
    lab[:] = (128, 128 + 40, 128 - 30)
    picture = Image.fromarray(lab)
    content = bytearray(photoshop(picture, RAW))
    content[HEADER - 2 : HEADER] = struct.pack(">H", 9)

    red, green, blue = pixels(write(tmp_path, "a.psd", bytes(content)))[30, 30].astype(int)

    # CIE Lab 50.2, 40, -30 (D50) is a violet
    assert (abs(red - 160) < 12, abs(green - 94) < 12, abs(blue - 170) < 12) == (True, True, True), (red, green, blue)


def test_its_profile_and_metadata_are_read(tmp_path: Path) -> None:
    block = exif(t271="Testmaker").removeprefix(b"Exif\0\0")
    path = write(tmp_path, "a.psd", photoshop(scene(), resources={1039: wide_gamut_profile(), 1058: block}))
    reference = write(tmp_path, "a.png", encoded(scene(), "PNG", icc_profile=wide_gamut_profile()))

    assert difference(pixels(path), pixels(reference)) < 0.5
    assert read_metadata(path).camera_make == "Testmaker"
    assert read_metadata(path).width == 96


def test_one_without_its_composite_is_named_so(tmp_path: Path) -> None:
    found = rejection(write(tmp_path, "a.psd", photoshop(scene(), resources={1057: b"\0\0\0\1\0" + bytes(20)})))

    assert (found.reason, found.message) == (
        Reason.UNSUPPORTED,
        "a Photoshop document that was saved without its composite is not supported",
    )
    assert pixels(write(tmp_path, "b.psd", photoshop(scene(), resources={1057: b"\0\0\0\1\1" + bytes(20)}))).any()


@pytest.mark.parametrize("compression", [RAW, RUNS])
def test_a_file_that_is_cut_off_is_rejected(tmp_path: Path, compression: int) -> None:
    content = photoshop(scene(), compression)

    for kept in (20, 30, len(content) // 4, len(content) // 2, len(content) - 1):
        assert rejection(write(tmp_path, "a.psd", content[:kept])).reason is Reason.TRUNCATED


def test_a_bomb_is_rejected_by_its_header(tmp_path: Path) -> None:
    content = bytearray(photoshop(scene()))
    content[14:22] = struct.pack(">LL", 300_000, 300_000)
    assert rejection(write(tmp_path, "a.psb", bytes(content))).reason is Reason.TOO_MANY_PIXELS

    content[14:22] = struct.pack(">LL", 10_000, 10_000)
    assert rejection(write(tmp_path, "b.psd", bytes(content))).reason is Reason.TRUNCATED


def test_rows_that_unpack_to_more_than_the_picture(tmp_path: Path) -> None:
    """128 bytes for each two: no memory is spent on them."""
    content = bytearray(photoshop(scene(mode="L"), RUNS))
    at = len(content) - sum(struct.unpack(">64H", content[content.index(b"\0\1", HEADER + 12) + 2 :][:128]))
    start = content.index(b"\0\1", HEADER + 12) + 2
    sizes = [200] * 64
    bomb = bytes(content[:start]) + struct.pack(">64H", *sizes) + bytes((0x81, 7)) * 6400
    assert at > start

    assert rejection(write(tmp_path, "a.psd", bomb)).reason is Reason.CORRUPT
    endless = bytes(content[:start]) + struct.pack(">64H", *[65535] * 64) + bytes((0x81, 7)) * 6400
    assert rejection(write(tmp_path, "b.psd", endless)).reason is Reason.CORRUPT


def test_more_channels_than_its_colours_need_are_left_alone(tmp_path: Path) -> None:
    """Alpha channels follow the colours, which Photoshop has already laid on white."""
    picture = scene()
    content = photoshop(picture, RAW)
    with_alpha = content[:12] + struct.pack(">H", 4) + content[14:] + bytes(64 * 96)

    assert difference(pixels(write(tmp_path, "a.psd", with_alpha)), np.asarray(picture)) == 0
