"""Colours as a person would see them."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from image_pipeline.imaging.decode import decode_image
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline_tests.support.scenes import difference, encoded, scene, wide_gamut_profile, write

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)


def pixels(path: Path) -> np.ndarray:
    """The picture as decoded at its own size, uint8 `[64, 96, 3]`."""
    return decode_image(path, [SPEC]).arrays[0].transpose(1, 2, 0)


def grey() -> np.ndarray:
    return np.asarray(scene(mode="L"))


def as_rgb(levels: np.ndarray) -> np.ndarray:
    return np.repeat(levels[..., None], 3, axis=-1)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    image = scene(mode="RGBA")
    image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))))
    weight = np.asarray(image)[..., 3:] / 255
    expected = np.asarray(image)[..., :3] * weight + 255 * (1 - weight)

    for name, image_format, options in (
        ("a.png", "PNG", {}),
        ("a.webp", "WEBP", {"lossless": True, "exact": True}),
        ("a.tif", "TIFF", {}),
    ):
        found = pixels(write(tmp_path, name, encoded(image, image_format, **options)))
        assert np.abs(found - expected).max() <= 2


def test_grey_with_transparency(tmp_path: Path) -> None:
    image = Image.merge("LA", [scene(mode="L"), Image.new("L", (96, 64), 0)])

    assert pixels(write(tmp_path, "a.png", encoded(image, "PNG"))).min() == 255


def test_a_transparent_palette_colour_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (96, 64), 0)
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.paste(1, (48, 0, 96, 64))

    found = pixels(write(tmp_path, "a.png", encoded(image, "PNG", transparency=0)))

    assert found[10, 10].tolist() == [255, 255, 255]
    assert found[10, 80].tolist() == [0, 0, 200]


def test_a_colour_key_is_white(tmp_path: Path) -> None:
    found = pixels(
        write(tmp_path, "a.png", encoded(Image.new("RGB", (96, 64), "red"), "PNG", transparency=(255, 0, 0)))
    )

    assert found.min() == 255


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    image = Image.fromarray(grey() > 128)

    found = pixels(write(tmp_path, "a.png", encoded(image, "PNG")))

    np.testing.assert_array_equal(found, as_rgb(np.asarray(image.convert("L"))))


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    deep = grey().astype(np.uint16) * 257

    for name, image_format in (("a.png", "PNG"), ("a.tif", "TIFF")):
        found = pixels(write(tmp_path, name, encoded(Image.fromarray(deep), image_format)))
        np.testing.assert_array_equal(found, as_rgb(grey()))


def test_white_is_zero_also_in_sixteen_bits(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", 65535 - grey().astype(np.uint16) * 257, photometric="miniswhite")

    np.testing.assert_array_equal(pixels(tmp_path / "a.tif"), as_rgb(grey()))


@pytest.mark.parametrize("scale", [1 / 255, 1.0, 257.0])
def test_floating_point_is_scaled_to_its_range(tmp_path: Path, scale: float) -> None:
    image = Image.fromarray((grey() * scale).astype(np.float32))

    found = pixels(write(tmp_path, "a.tif", encoded(image, "TIFF")))

    assert difference(found, as_rgb(grey())) < 1


def test_floating_point_of_any_other_range_fills_the_scale(tmp_path: Path) -> None:
    values = grey().astype(np.float32) * 1e6 - 5e7
    values[0, 0] = np.nan
    values[0, 1] = np.inf

    found = pixels(write(tmp_path, "a.tif", encoded(Image.fromarray(values), "TIFF")))

    assert found.min() == 0 and found.max() == 255


def test_cmyk_looks_as_it_prints(tmp_path: Path) -> None:
    expected = np.asarray(scene().convert("CMYK").convert("RGB"))

    for name, image_format in (("a.jpg", "JPEG"), ("a.tif", "TIFF")):
        options = {"quality": 95} if image_format == "JPEG" else {}
        found = pixels(write(tmp_path, name, encoded(scene(mode="CMYK"), image_format, **options)))
        assert difference(found, expected) < 4


def test_lab_becomes_rgb(tmp_path: Path) -> None:
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(scene(), transform)
    assert lab is not None

    assert difference(pixels(write(tmp_path, "a.tif", encoded(lab, "TIFF"))), np.asarray(scene())) < 3


@pytest.mark.parametrize(("name", "image_format"), [("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.tif", "TIFF")])
def test_a_colour_profile_is_applied(tmp_path: Path, name: str, image_format: str) -> None:
    swapped = scene().getchannel(1), scene().getchannel(0), scene().getchannel(2)
    image = Image.merge("RGB", swapped)

    found = pixels(write(tmp_path, name, encoded(image, image_format, icc_profile=wide_gamut_profile())))

    assert difference(found, np.asarray(scene())) < 8  # JPEG at its default quality


def test_a_profile_of_srgb_changes_not_one_bit(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    found = pixels(write(tmp_path, "a.png", encoded(scene(), "PNG", icc_profile=profile)))

    np.testing.assert_array_equal(found, np.asarray(scene()))


def test_a_profile_that_is_broken_or_of_another_kind_is_ignored(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()

    for profile in (b"no profile at all", wide_gamut_profile()[:200], lab):
        found = pixels(write(tmp_path, "a.png", encoded(scene(), "PNG", icc_profile=profile)))
        np.testing.assert_array_equal(found, np.asarray(scene()))
    found = pixels(write(tmp_path, "a.png", encoded(scene(mode="L"), "PNG", icc_profile=wide_gamut_profile())))
    np.testing.assert_array_equal(found, as_rgb(grey()))
