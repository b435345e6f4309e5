"""Colour spaces that a file names by numbers: PQ, HLG, P3 and BT.2020 look like the same picture in sRGB."""

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from image_pipeline.imaging.colour_space import BT_2020 as BT_2020_PRIMARIES
from image_pipeline.imaging.colour_space import ColourSpace, Transfer, of_code_points, srgb_of
from image_pipeline.imaging.decode import decode_image
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline_tests.support.scenes import difference, encoded, scene, wide_gamut_profile, write
from image_pipeline_tests.support.wide_colours import (
    BT_709,
    BT_2020,
    ENCODERS,
    HLG,
    LINEAR,
    P3,
    PQ,
    SRGB,
    coded,
    png,
)

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)


def pixels(path: Path) -> np.ndarray:
    """The picture as decoded at its own size, uint8 `[64, 96, 3]`."""
    return decode_image(path, [SPEC]).arrays[0].transpose(1, 2, 0)


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize(
    ("primaries", "transfer"), [(BT_2020, PQ), (BT_2020, HLG), (P3, SRGB), (P3, PQ), (BT_709, HLG)]
)
def test_a_picture_looks_like_the_same_one_in_srgb(tmp_path: Path, kind: str, primaries: int, transfer: int) -> None:
    path = write(tmp_path, "a", ENCODERS[kind](scene(), primaries, transfer))

    found = pixels(path)

    assert difference(found, np.asarray(scene())) < 3
    for x, y in ((20, 20), (85, 40), (50, 10), (10, 60)):
        np.testing.assert_allclose(found[y, x].astype(int), np.asarray(scene())[y, x], atol=10)


def test_the_thumbnail_has_the_same_colours(tmp_path: Path) -> None:
    thumbnail = decode_image(write(tmp_path, "a.png", png(scene(), BT_2020, PQ)), [SPEC]).thumbnail

    assert thumbnail is not None
    with Image.open(write(tmp_path, "t.webp", thumbnail)) as image:
        assert difference(np.asarray(image.convert("RGB")), np.asarray(scene())) < 4


def test_code_points_that_mean_srgb_change_nothing(tmp_path: Path) -> None:
    for primaries, transfer in ((BT_709, SRGB), (BT_709, 1), (2, 2), (200, 200)):
        assert of_code_points(primaries, transfer) is None
    whole = pixels(write(tmp_path, "a.png", encoded(scene(), "PNG")))
    np.testing.assert_array_equal(pixels(write(tmp_path, "b.png", png(scene(), BT_709, SRGB))), whole)


def test_in_a_png_code_points_go_before_a_profile(tmp_path: Path) -> None:
    found = pixels(write(tmp_path, "a.png", png(scene(), P3, SRGB, profile=wide_gamut_profile())))

    assert difference(found, np.asarray(scene())) < 2


def test_in_heic_a_profile_goes_before_code_points(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"color_primaries": BT_2020, "transfer_characteristics": PQ, "save_nclx_profile": True}
    content = encoded(scene(), "HEIF", quality=95, icc_profile=srgb, **options)

    assert difference(pixels(write(tmp_path, "a.heic", content)), np.asarray(scene())) < 3


def test_highlights_keep_their_order_and_their_hue() -> None:
    """Values brighter than white are brought into range together: none becomes darker than a dimmer one."""
    ramp = Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2))
    bright = np.rint(coded(ramp, BT_2020, PQ, brighter=4.0) * 255).astype(np.uint8)

    found = srgb_of(bright, ColourSpace(BT_2020_PRIMARIES, Transfer.PQ)).astype(int)

    assert (np.diff(found[0, :, 0]) >= 0).all()
    assert found[0, -1].tolist() == [255, 255, 255]
    assert len(np.unique(found[0, 128:, 0])) > 15, "the highlights are told apart"
    orange = np.rint(coded(Image.new("RGB", (1, 1), (255, 128, 0)), BT_2020, PQ, brighter=4.0) * 255).astype(np.uint8)
    red, green, blue = srgb_of(orange, ColourSpace(BT_2020_PRIMARIES, Transfer.PQ))[0, 0].astype(int)
    assert red > green + 80 > blue + 80


def test_every_value_of_every_colour_space_gives_a_picture() -> None:
    levels = np.stack(np.meshgrid(*[np.arange(0, 256, 17, np.uint8)] * 3), axis=-1).reshape(64, 64, 3)
    for primaries in range(24):
        for transfer in range(20):
            space = of_code_points(primaries, transfer)
            if space is not None:
                found = srgb_of(levels, space)
                assert found.dtype == np.uint8 and found.shape == levels.shape


def test_jpeg_xl_names_its_colours_in_its_header(tmp_path: Path) -> None:
    linear = np.rint(coded(scene(), BT_709, LINEAR) * 65535).astype(np.uint16)
    content = bytes(imagecodecs.jpegxl_encode(linear, lossless=True))

    assert difference(pixels(write(tmp_path, "a.jxl", content)), np.asarray(scene())) < 1
