"""From files to arrays: every format, truncation, limits, and what is told of a bad file."""

import struct
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image_pipeline.imaging.decode import decode_image, decoder_version
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import DecodePath, ImageError, Reason
from image_pipeline_tests.support.decoding import rejection_of
from image_pipeline_tests.support.scenes import ENCODERS, difference, encoded, photograph, scene, to_image, write

# Pillow tells of each oddity that it meets in the header.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SQUASH = InputSpec(64, 64, ResizeMode.SQUASH, Interpolation.BICUBIC)
IN_ROWS = (".jpg", ".png")
"""The endings whose files, if they are cut off, are a part of a picture; these TIFFs, in one strip, are not."""
SHORTEST = InputSpec(32, 32, ResizeMode.SHORTEST, Interpolation.BICUBIC)


rejection = partial(rejection_of, SQUASH)


@pytest.mark.parametrize("ending", ENCODERS)
def test_every_format_gives_the_picture_that_went_in(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path, f"a{ending}", ENCODERS[ending](scene()))
    expected = np.asarray(scene().resize((64, 64), Image.Resampling.BICUBIC)).transpose(2, 0, 1)

    decoded = decode_image(path, [SQUASH, SHORTEST])

    assert [array.shape for array in decoded.arrays] == [(3, 64, 64), (3, 32, 32)]
    assert all(array.dtype == np.uint8 and array.flags.c_contiguous for array in decoded.arrays)
    assert (decoded.width, decoded.height) == (96, 64)
    assert difference(decoded.arrays[0], expected) < 4


@pytest.mark.parametrize("ending", ENCODERS)
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.97])
def test_a_file_that_was_cut_off_is_rejected(tmp_path: Path, ending: str, kept: float) -> None:
    content = ENCODERS[ending](photograph(200, 150))
    path = write(tmp_path, f"a{ending}", content[: int(len(content) * kept)])

    if ending in IN_ROWS and kept > 0.6:
        assert decode_image(path, [SQUASH]).damaged is not None
    else:
        assert rejection(path).reason is Reason.TRUNCATED


def test_a_scaled_jpeg_without_its_end_is_rejected(tmp_path: Path) -> None:
    content = encoded(photograph(1600, 1200), "JPEG")
    path = write(tmp_path, "a.jpg", content)
    assert decode_image(path, [SQUASH]).decode_path is DecodePath.SCALED

    for missing in (3, 40, len(content) // 4):
        assert decode_image(write(tmp_path, "b.jpg", content[:-missing]), [SQUASH]).damaged is not None
    assert rejection(write(tmp_path, "b.jpg", content[: len(content) // 3])).reason is Reason.TRUNCATED


def test_bytes_behind_the_picture_do_no_harm(tmp_path: Path) -> None:
    for ending in (".jpg", ".png", ".webp", ".gif", ".bmp", ".heic", ".avif"):
        path = write(tmp_path, f"a{ending}", ENCODERS[ending](scene()) + bytes(range(256)) * 20)

        assert decode_image(path, [SQUASH]).width == 96


def test_a_picture_of_one_colour_is_a_picture(tmp_path: Path) -> None:
    path = write(tmp_path, "black.png", encoded(Image.new("RGB", (50, 40)), "PNG"))

    assert decode_image(path, [SQUASH]).arrays[0].max() == 0


def test_only_the_first_frame_of_an_animation_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "green")]
    for name, image_format in (("a.gif", "GIF"), ("a.webp", "WEBP"), ("a.png", "PNG"), ("a.tif", "TIFF")):
        content = encoded(frames[0], image_format, save_all=True, append_images=frames[1:])

        red, green, blue = decode_image(write(tmp_path, name, content), [SQUASH]).arrays[0].mean(axis=(1, 2))

        assert red > 240 and green < 15 and blue < 15


def test_a_large_jpeg_is_scaled_while_it_is_decoded_and_hardly_differs(tmp_path: Path) -> None:
    picture = photograph(2000, 1500)
    jpeg = write(tmp_path, "a.jpg", encoded(picture, "JPEG", quality=95))
    spec = InputSpec(224, 224, ResizeMode.SHORTEST, Interpolation.BICUBIC)
    with Image.open(jpeg) as image:
        plain = image.resize((298, 224), Image.Resampling.BICUBIC).crop((37, 0, 261, 224))

    decoded = decode_image(jpeg, [spec])

    assert decoded.decode_path is DecodePath.SCALED
    assert (decoded.width, decoded.height) == (2000, 1500)
    assert difference(decoded.arrays[0], np.asarray(plain).transpose(2, 0, 1)) < 1.5


def test_a_small_jpeg_is_not_scaled(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jpg", encoded(photograph(240, 180), "JPEG"))
    spec = InputSpec(224, 224, ResizeMode.SQUASH, Interpolation.BICUBIC)
    with Image.open(path) as image:
        expected = np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC)).transpose(2, 0, 1)

    decoded = decode_image(path, [spec])

    assert decoded.decode_path is DecodePath.FULL
    np.testing.assert_array_equal(decoded.arrays[0], expected)


def test_the_thumbnail_is_a_small_webp_of_the_whole_picture(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jpg", encoded(photograph(1600, 1200), "JPEG"))

    thumbnail = decode_image(path, [SQUASH]).thumbnail

    assert thumbnail is not None
    with Image.open(write(tmp_path, "t.webp", thumbnail)) as image:
        assert image.format == "WEBP"
        assert image.size == (320, 240)
    assert decode_image(path, [SQUASH], thumbnail=False).thumbnail is None


def test_a_large_thumbnail_is_as_sharp_as_its_size(tmp_path: Path) -> None:
    picture = photograph(2400, 1600)
    path = write(tmp_path, "a.jpg", encoded(picture, "JPEG", quality=95))

    decoded = decode_image(path, [], side=1024)

    assert decoded.thumbnail is not None
    with Image.open(write(tmp_path, "t.webp", decoded.thumbnail)) as image:
        assert image.size == (1024, 683)
        expected = picture.resize(image.size, Image.Resampling.LANCZOS)
        assert np.abs(np.asarray(image, float) - np.asarray(expected, float)).mean() < 6


def test_the_thumbnail_of_a_small_picture_keeps_its_size(tmp_path: Path) -> None:
    for size in ((96, 64), (1, 3000)):
        thumbnail = decode_image(write(tmp_path, "a.png", encoded(Image.new("RGB", size), "PNG")), []).thumbnail
        assert thumbnail is not None
        with Image.open(write(tmp_path, "t.webp", thumbnail)) as image:
            assert image.size == (min(size[0], 320), min(size[1], 320))


@pytest.mark.parametrize("ending", ENCODERS)
def test_more_pixels_than_allowed_are_rejected_from_the_header(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path, f"a{ending}", ENCODERS[ending](scene()))

    failure = rejection(path, DecodeLimits(pixels=96 * 64 - 1))

    assert failure.reason is Reason.TOO_MANY_PIXELS
    assert "6,144" in failure.message
    assert decode_image(path, [SQUASH], DecodeLimits(pixels=96 * 64)).width == 96


def test_headers_of_bombs_are_enough_to_reject_them(tmp_path: Path) -> None:
    png = bytearray(ENCODERS[".png"](scene()))
    png[16:24] = struct.pack(">LL", 60_000, 60_000)
    png[29:33] = struct.pack(">L", zlib.crc32(png[12:29]))
    webp = b"RIFF" + struct.pack("<L", 22) + b"WEBPVP8L" + struct.pack("<LBL", 9, 0x2F, 0x0FFFFFFF) + bytes(4)
    gif = bytearray(ENCODERS[".gif"](Image.new("RGB", (1, 1))))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)

    for name, content in (("a.png", bytes(png)), ("a.webp", webp), ("a.gif", bytes(gif))):
        assert rejection(write(tmp_path, name, content)).reason is Reason.TOO_MANY_PIXELS


def test_damage_inside_a_file_is_told_with_the_librarys_words(tmp_path: Path) -> None:
    content = bytearray(ENCODERS[".png"](photograph(100, 80)))
    content[len(content) // 2 : len(content) // 2 + 200] = bytes(200)

    failure = rejection(write(tmp_path, "a.png", bytes(content)))

    assert failure.reason is Reason.CORRUPT
    assert failure.message


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".gif", ".bmp", ".tif", ".deflate.tif", ".avif"])
def test_no_damage_lets_another_error_out(tmp_path: Path, ending: str) -> None:
    content = ENCODERS[ending](scene())
    generator = np.random.default_rng(3)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(generator.integers(1, 6)):
            # The headers are where decoders go wrong.
            damaged[int(generator.integers(0, min(len(damaged), 400)))] = int(generator.integers(0, 256))
        path = write(tmp_path, f"a{ending}", bytes(damaged))
        try:
            assert decode_image(path, [SQUASH], DecodeLimits(pixels=1_000_000)).arrays[0].shape == (3, 64, 64)
        except ImageError as error:
            assert error.message


def test_a_file_that_cannot_be_read_is_told_apart_from_a_bad_one(tmp_path: Path) -> None:
    assert rejection(tmp_path / "gone.jpg").reason is Reason.UNREADABLE
    assert rejection(tmp_path).reason is Reason.UNREADABLE


def test_names_of_any_bytes(tmp_path: Path) -> None:
    directory = bytes(tmp_path)
    for name in (b"\xff\xfe.jpg", "ünï \n code.jpg".encode(), b"-rf.jpg"):
        path = directory + b"/" + name
        with open(path, "wb") as file:
            file.write(ENCODERS[".jpg"](scene()))

        assert decode_image(path, [SQUASH]).width == 96


def test_the_arrays_are_the_picture_the_right_way_round(tmp_path: Path) -> None:
    image = to_image(decode_image(write(tmp_path, "a.png", ENCODERS[".png"](scene())), [SQUASH]).arrays[0])

    assert image.getpixel((14, 20)) == (210, 30, 30)
    assert image.getpixel((56, 40)) == (20, 40, 200)


def test_the_version_names_what_decodes() -> None:
    assert all(name in decoder_version() for name in ("decode-", "pillow-", "pillow-heif-", "rawpy-"))
