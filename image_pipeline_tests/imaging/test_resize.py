"""The same pixels as open_clip's own transform gives."""

import numpy as np
import open_clip
import pytest
from PIL import Image

from image_pipeline.imaging.resize import fit, resized_size, to_array
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline_tests.support.scenes import photograph

SIZES = [(640, 480), (480, 640), (333, 777), (100, 75), (64, 64), (1000, 21), (517, 518)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", list(Interpolation))
@pytest.mark.parametrize("mode", list(ResizeMode))
@pytest.mark.parametrize("target", [(64, 64), (48, 80)])
@pytest.mark.parametrize("colours", ["RGB", "L"])
def test_bit_for_bit_as_open_clip(
    size: tuple[int, int], interpolation: Interpolation, mode: ResizeMode, target: tuple[int, int], colours: str
) -> None:
    image = photograph(*size).convert(colours)
    spec = InputSpec(*target, mode, interpolation, fill=90)
    if mode is ResizeMode.SHORTEST and _is_cut_first(image, spec):
        pytest.skip("cut out before it is resized: compared in another test")
    transform = open_clip.image_transform(
        target,
        is_train=False,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        resize_mode=mode.value,
        interpolation=interpolation.value,
        fill_color=90,
    )

    ours = to_array(fit(image, spec).convert("RGB"))
    theirs = (transform(image).numpy() * 255).round().astype(np.uint8)

    np.testing.assert_array_equal(ours, theirs)


def test_a_strip_is_cut_before_it_is_resized_and_looks_the_same() -> None:
    spec = InputSpec(32, 32, ResizeMode.SHORTEST, Interpolation.BICUBIC)
    strip = photograph(40, 4000)
    whole = strip.resize(resized_size(*strip.size, spec), Image.Resampling.BICUBIC)
    top = round((whole.height - 32) / 2)

    difference = np.asarray(fit(strip, spec), np.int16) - np.asarray(whole.crop((0, top, 32, top + 32)), np.int16)

    assert np.abs(difference).max() <= 1


def test_a_strip_of_one_pixel_width_needs_no_memory_to_speak_of() -> None:
    spec = InputSpec(224, 224, ResizeMode.SHORTEST, Interpolation.BICUBIC)

    assert fit(Image.new("RGB", (1, 60_000), (200, 10, 10)), spec).size == (224, 224)


def _is_cut_first(image: Image.Image, spec: InputSpec) -> bool:
    width, height = resized_size(*image.size, spec)
    return width * height > 16 * spec.width * spec.height
