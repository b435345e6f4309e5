"""Tensor files: rows written in place, read back in any order."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from image_pipeline.errors import StoreError
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.storage.tensors import (
    TensorFile,
    create_tensor_files,
    new_tensor_files,
    read_tensors,
    release_tensors,
    tensor_path,
)

SQUARE = InputSpec(6, 6, ResizeMode.SQUASH, Interpolation.BICUBIC)
WIDE = InputSpec(3, 5, ResizeMode.SHORTEST, Interpolation.BILINEAR)


def write_row(file: TensorFile, row: int, image: np.ndarray) -> None:
    with file.path.open("r+b") as opened:
        opened.seek(file.row_offset(row))
        opened.write(image.tobytes())


@pytest.mark.parametrize("spec", [SQUARE, WIDE], ids=str)
def test_rows_written_at_their_offsets_are_an_ordinary_array(tmp_path: Path, spec: InputSpec) -> None:
    images = np.random.default_rng(1).integers(0, 256, (7, 3, spec.height, spec.width), np.uint8)
    (file,) = create_tensor_files(tmp_path / "p", [spec, spec], 7)
    for row in (6, 0, 3, 1, 2, 5):
        write_row(file, row, images[row])
    images[4] = 0  # never written
    np.testing.assert_array_equal(np.load(tensor_path(tmp_path / "p", spec)), images)


def test_some_rows_are_read_in_their_order(tmp_path: Path) -> None:
    (file,) = create_tensor_files(tmp_path, [SQUARE], 5)
    for row in range(5):
        write_row(file, row, np.full((3, 6, 6), row, np.uint8))
    tensors = read_tensors(tmp_path, SQUARE, [4, 0, 0, 2])
    assert (len(tensors), tensors.shape, tensors.dtype) == (4, (4, 3, 6, 6), np.uint8)
    assert [image.max() for image in tensors[0:4]] == [4, 0, 0, 2]
    assert tensors[1:3].shape == (2, 3, 6, 6)
    assert tensors[3:99].flatten().tolist() == [2] * 108
    assert tensors[4:].shape == (0, 3, 6, 6)
    batch = tensors[0:1]
    batch[:] = 9
    assert tensors[0:1].max() == 4, "a slice is a copy in memory"


def test_files_take_their_disk_only_as_rows_are_written(tmp_path: Path) -> None:
    large = InputSpec(384, 384, ResizeMode.SQUASH, Interpolation.BICUBIC)
    (file,) = create_tensor_files(tmp_path / "p", [large], 4096)
    assert file.path.stat().st_size == file.row_offset(4096)
    assert file.path.stat().st_blocks * 512 < 1 << 20


def test_no_rows_take_no_directory(tmp_path: Path) -> None:
    assert create_tensor_files(tmp_path / "p" / "run", [WIDE], 0) == []
    assert not (tmp_path / "p").exists()


def test_what_a_killed_process_left_is_deleted_and_what_a_living_one_makes_is_not(tmp_path: Path) -> None:
    program = "import sys, time; from pathlib import Path; from image_pipeline.storage.claims import claim_directory\n"
    program += "claim_directory(Path(sys.argv[1])); print('claimed', flush=True); time.sleep(60)"
    for name in ("killed", "living"):
        process = subprocess.Popen([sys.executable, "-c", program, tmp_path / "p" / name], stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"claimed\n"
        if name == "killed":
            process.kill()
            process.wait()
    with process:
        create_tensor_files(tmp_path / "p" / "own", [SQUARE], 3)
        release_tensors(tmp_path / "p" / "own")
        assert [path.name for path in (tmp_path / "p").iterdir()] == ["living"]
        process.kill()
        process.wait()
    release_tensors(tmp_path / "p" / "own")
    assert not (tmp_path / "p").exists()


def test_tensors_that_are_not_finished_are_given_up(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_tensor_files(tmp_path / "p" / "own", [SQUARE], 3) as [file]:
        assert file.path.exists()
        raise KeyboardInterrupt
    assert not (tmp_path / "p").exists()


def test_released_tensors_say_what_to_do(tmp_path: Path) -> None:
    create_tensor_files(tmp_path / "p", [SQUARE], 3)
    release_tensors(tmp_path / "p")
    release_tensors(tmp_path / "p")
    with pytest.raises(StoreError, match="materialize decoded_tensors"):
        read_tensors(tmp_path / "p", SQUARE, [0])


@pytest.mark.parametrize("size", [0, 20, 200])
def test_a_file_that_was_never_finished_is_as_good_as_released(tmp_path: Path, size: int) -> None:
    (file,) = create_tensor_files(tmp_path / "p", [SQUARE], 3)
    file.path.write_bytes(file.path.read_bytes()[:size])
    with pytest.raises(StoreError, match="materialize decoded_tensors"):
        read_tensors(tmp_path / "p", SQUARE, [0])


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be written.*IMAGE_PIPELINE_HOME"):
        create_tensor_files(tmp_path / "file" / "p", [SQUARE], 1)
