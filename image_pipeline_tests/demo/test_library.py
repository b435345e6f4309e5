"""The demo library holds what it says, in files that cameras and programs would write."""

from pathlib import Path

import numpy as np
import pytest
import rawpy

from image_pipeline.demo.dng import write_dng
from image_pipeline.demo.drawing import draw
from image_pipeline.demo.library import DemoLibrary, make_library
from image_pipeline.demo.scenes import all_scenes, caption, is_held_out, random_scene
from image_pipeline.errors import SettingsError
from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.failure import ImageError
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.outcome import DecodePath
from image_pipeline_tests.support.decoys import Snapshot

SPEC = InputSpec(64, 64, ResizeMode.SQUASH, Interpolation.BICUBIC)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> DemoLibrary:
    return make_library(tmp_path_factory.mktemp("demo"))


def test_it_has_some_three_hundred_held_out_scenes_in_a_dozen_directories(library: DemoLibrary) -> None:
    assert 290 <= len(library.captions) <= 320
    assert len({Path(path).parent for path in library.captions}) >= 12
    held_out = {caption(scene) for scene in all_scenes() if is_held_out(scene)}
    assert set(library.captions.values()) <= held_out
    there = {file.relative_to(library.root).as_posix() for file in library.root.rglob("*") if file.is_file()}
    assert {path for path in there if not path.startswith(".")} == {*library.captions, *library.broken}


def test_a_folder_of_somebody_elses_is_not_drawn_over(tmp_path: Path) -> None:
    photograph = tmp_path / "2024/trip/IMG_0100.jpg"
    photograph.parent.mkdir(parents=True)
    photograph.write_bytes(b"mine")
    with pytest.raises(SettingsError, match="is not empty and is not a demo library: give a new folder"):
        make_library(tmp_path)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [photograph]
    assert photograph.read_bytes() == b"mine"


@pytest.mark.parametrize(
    "link", ["2023/winter/IMG_0001.jpg", "web", "2024/trip", "web/downloads/bomb.png", "family/birthday/best of"]
)
def test_nothing_is_drawn_through_a_link(tmp_path: Path, link: str) -> None:
    root, victim = tmp_path / "drawn", tmp_path / "victim"
    (victim / "exports").mkdir(parents=True)
    (victim / "mine.txt").write_text("mine")
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(victim if not Path(link).suffix else victim / "mine.txt")
    (root / ".image-pipeline-demo").touch()
    before = Snapshot.of(tmp_path)
    with pytest.raises(SettingsError, match=f"{link} is a link, and its target would be overwritten"):
        make_library(root)
    assert before.differences() == []


def test_a_file_that_is_one_with_another_is_replaced_and_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_text("mine")
    drawn = tmp_path / "drawn/2023/winter/IMG_0001.jpg"
    drawn.parent.mkdir(parents=True)
    drawn.hardlink_to(tmp_path / "mine.jpg")
    (tmp_path / "drawn/.image-pipeline-demo").touch()
    make_library(tmp_path / "drawn")
    assert (tmp_path / "mine.jpg").read_text() == "mine" != drawn.read_bytes()
    assert not list((tmp_path / "drawn").glob(".image-pipeline-demo-*"))


def test_it_is_drawn_again_over_itself_also_if_it_has_no_mark(library: DemoLibrary) -> None:
    make_library(library.root)
    (library.root / ".image-pipeline-demo").unlink()
    assert make_library(library.root).captions == library.captions


def test_each_scene_can_be_read_and_each_broken_file_cannot(library: DemoLibrary) -> None:
    for path in list(library.captions)[::7]:
        assert decode_image(library.root / path, [SPEC]).arrays[0].shape == (3, 64, 64)
    for path in library.broken:
        with pytest.raises(ImageError):
            decode_image(library.root / path, [SPEC])


def test_its_photographs_know_their_camera_and_date_and_some_their_place(library: DemoLibrary) -> None:
    told = [
        read_metadata(library.root / path)
        for path in library.captions
        if path.startswith("2023/winter/IMG") and "copy" not in path
    ]
    assert all(one.camera_model and one.taken_at and one.lens for one in told)
    assert 0 < sum(one.latitude is not None for one in told) < len(told)
    assert len({one.orientation for one in told}) > 3


@pytest.mark.parametrize(("preview", "way"), [(True, DecodePath.RAW_PREVIEW), (False, DecodePath.RAW_HALF)])
def test_a_dng_is_developed_in_its_colours(tmp_path: Path, preview: bool, way: DecodePath) -> None:
    rng = np.random.default_rng(0)
    picture = draw(random_scene(rng, held_out=True), (320, 240), rng)
    write_dng(tmp_path / "a.dng", picture, preview=preview)
    with rawpy.imread(str(tmp_path / "a.dng")) as raw:
        developed = raw.postprocess(no_auto_bright=True)
    assert np.abs(developed.astype(int) - np.asarray(picture)).mean() < 16, "LibRaw's curve is not quite that of sRGB"
    assert decode_image(tmp_path / "a.dng", [SPEC]).decode_path is way
