"""Sidecars are found by their names, and are part of what is listed of their photographs."""

import os
from pathlib import Path

import pytest

from image_pipeline.files.discovery import discover, list_files
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import list_partitions
from image_pipeline.files.sidecars import is_named_in_full, sidecars_of
from image_pipeline.files.status import fingerprint
from image_pipeline_tests.support.scenes import encoded, scene

HERE = Partition("")
LONG = "Screenshot_20220207_102421_com.snapchat.android"


@pytest.mark.parametrize(
    ("photograph", "sidecar"),
    [
        ("IMG_1.jpg", "IMG_1.xmp"),
        ("IMG_1.jpg", "IMG_1.XMP"),
        ("IMG_2.jpg", "IMG_2.jpg.xmp"),
        ("IMG_1.CR2", "IMG_1.CR2.xmp"),
        ("IMG_1.CR2", "IMG_1.cr2.XMP"),
        ("IMG_1", "IMG_1.xmp"),
        ("a.b.jpg", "a.b.xmp"),
        ("IMG_1.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-meta.json"),
        ("IMG_1.jpg", "IMG_1.jpg.s.json"),
        ("IMG_1.jpg", "IMG_1.jpg..json"),
        ("IMG_1(1).jpg", "IMG_1.jpg(1).json"),
        ("IMG_1(1).jpg", "IMG_1(1).jpg.json"),
        ("IMG_1(1).jpg", "IMG_1.jpg.supplemental-metadata(1).json"),
        ("IMG_1(12).jpg", "IMG_1.jpg.suppl(12).json"),
        ("IMG_1-edited.jpg", "IMG_1.jpg.json"),
        ("IMG_1-bearbeitet.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1-edited(1).jpg", "IMG_1.jpg(1).json"),
        ("IMG_1-modifie\u0301.jpg", "IMG_1.jpg.json"),
        (f"{LONG}.jpg", f"{LONG[:46]}.json"),
        (f"{LONG}(2).jpg", f"{LONG[:46]}(2).json"),
        ("Screenshot_20241227_105539_Edge.jpg", "Screenshot_20241227_105539_Edge.jpg.supplement.json"),
        ("D7157814-D2D5-4A62-AFCE-9CF465CB7D66.jpeg", "D7157814-D2D5-4A62-AFCE-9CF465CB7D66.jpeg.supp.json"),
    ],
)
def test_the_names_that_programs_give_to_sidecars(photograph: str, sidecar: str) -> None:
    assert sidecars_of([photograph, "other.jpg"], [sidecar]) == {photograph: (sidecar,)}


@pytest.mark.parametrize(
    ("photographs", "sidecar"),
    [
        (["IMG_1.jpg"], "IMG_10.xmp"),
        (["IMG_1.jpg"], "img_1.xmp"),
        (["IMG_1.jpg"], "IMG_1_01.jpg.xmp"),
        (["IMG_1.jpg"], "IMG_1.jpg(1).json"),
        (["IMG_1(1).jpg"], "IMG_1.jpg.json"),
        (["IMG_1.jpg"], "IMG_1.jpg.supplement-of-mine.json"),
        (["IMG_1.jpg"], "metadata.json"),
        ([f"{LONG}_1.jpg", f"{LONG}_2.jpg"], f"{LONG[:46]}.json"),
    ],
)
def test_names_that_only_resemble_those_of_sidecars(photographs: list[str], sidecar: str) -> None:
    assert sidecars_of(photographs, [sidecar]) == {}


def test_one_sidecar_may_belong_to_a_raw_and_its_jpeg_and_the_best_comes_first() -> None:
    photographs = ["IMG_1.CR2", "IMG_1.JPG"]
    names = ["IMG_1.JPG.json", "IMG_1.xmp", "IMG_1.CR2.xmp"]
    assert sidecars_of(photographs, names) == {
        "IMG_1.CR2": ("IMG_1.CR2.xmp", "IMG_1.xmp"),
        "IMG_1.JPG": ("IMG_1.xmp", "IMG_1.JPG.json"),
    }


def test_an_edited_picture_shares_the_json_of_its_original() -> None:
    json = f"{LONG[:46]}.json"
    assert sidecars_of([f"{LONG}.jpg", f"{LONG}-edited.jpg"], [json]) == {
        f"{LONG}.jpg": (json,),
        f"{LONG}-edited.jpg": (json,),
    }
    assert sidecars_of(["IMG_1.HEIC", "IMG_1-edited.jpg"], ["IMG_1.HEIC.json"]) == {
        "IMG_1.HEIC": ("IMG_1.HEIC.json",),
        "IMG_1-edited.jpg": ("IMG_1.HEIC.json",),
    }


def test_of_two_names_that_differ_in_case_each_has_its_own_sidecar() -> None:
    names = ["IMG.JPG.xmp", "IMG.jpg.xmp"]
    assert sidecars_of(["IMG.JPG", "IMG.jpg"], names) == {"IMG.JPG": (names[0],), "IMG.jpg": (names[1],)}


def test_a_cut_name_that_may_be_that_of_a_video_is_not_used(tmp_path: Path) -> None:
    write_picture(tmp_path / f"{LONG}.jpg")
    (tmp_path / f"{LONG[:46]}.json").write_text("{}")
    assert list_files(tmp_path, HERE)[0].sidecars
    (tmp_path / f"{LONG}2.mp4").write_text("a video")
    assert not list_files(tmp_path, HERE)[0].sidecars


def test_the_sidecar_of_a_raw_is_not_that_of_a_picture_that_was_exported_from_it() -> None:
    assert sidecars_of(["IMG_1.CR2", "IMG_1.CR2.jpg"], ["IMG_1.CR2.xmp"]) == {"IMG_1.CR2": ("IMG_1.CR2.xmp",)}
    assert is_named_in_full("a/IMG_1.CR2", "a/IMG_1.cr2.xmp") and not is_named_in_full("a/IMG_1.CR2", "a/IMG_1.xmp")


def write_picture(path: Path) -> None:
    path.write_bytes(encoded(scene(24, 16), "JPEG"))


def test_a_sidecar_belongs_to_the_listing_of_its_photograph_and_is_no_file_of_its_own(tmp_path: Path) -> None:
    write_picture(tmp_path / "IMG_1.jpg")
    (alone,) = list_files(tmp_path, HERE)
    (tmp_path / "IMG_1.xmp").write_text("<x/>")
    (tmp_path / "IMG_2.xmp").write_text("<x/>")
    (file,) = list_files(tmp_path, HERE)
    assert [sidecar.name for sidecar in file.sidecars] == ["IMG_1.xmp"]
    assert file.sidecars[0].size_bytes == 4
    assert fingerprint([file]) != fingerprint([alone])
    (found,) = discover(tmp_path, HERE, [file], {}).files
    assert found.sidecars == ("IMG_1.xmp",)
    (again,) = discover(tmp_path, HERE, [alone], {found.path: found}).files
    assert again.sidecars == (), "it is gone"


def test_every_change_of_a_sidecar_changes_the_directory(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    seen = [fingerprint(list_files(tmp_path, HERE))]
    sidecar = tmp_path / "a.jpg.xmp"
    for content in ("<x/>", "<y/>", "<longer/>"):
        sidecar.write_text(content)
        seen.append(fingerprint(list_files(tmp_path, HERE)))
    times = sidecar.stat()
    sidecar.write_text("<shorte/>")
    os.utime(sidecar, ns=(times.st_atime_ns, times.st_mtime_ns))
    seen.append(fingerprint(list_files(tmp_path, HERE)))
    sidecar.rename(tmp_path / "a.xmp")
    seen.append(fingerprint(list_files(tmp_path, HERE)))
    assert len(set(seen)) == len(seen)
    (tmp_path / "a.xmp").unlink()
    assert fingerprint(list_files(tmp_path, HERE)) == seen[0]


def test_a_fifo_a_link_and_a_directory_are_no_sidecars(tmp_path: Path) -> None:
    for name in "abc":
        write_picture(tmp_path / f"{name}.jpg")
    before = fingerprint(list_files(tmp_path, HERE))
    os.mkfifo(tmp_path / "a.xmp")
    (tmp_path / "b.xmp").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "c.xmp").mkdir()
    assert fingerprint(list_files(tmp_path, HERE)) == before


def test_the_parts_of_a_large_directory_list_the_same_as_the_whole(tmp_path: Path) -> None:
    names = [f"{LONG}{number}.jpg" for number in range(4)] + ["a.jpg", "b.cr2", "b.jpg"]
    for name in names:
        write_picture(tmp_path / name)
    for name in (f"{LONG[:46]}.json", "a.xmp", "b.xmp", "b.jpg.xmp"):
        (tmp_path / name).write_text("<x/>")
    whole = list_partitions([("", list_files(tmp_path, HERE))], 2, ())
    assert len(whole) > 1
    for key, partition in whole.items():
        assert fingerprint(list_files(tmp_path, Partition.from_key(key))) == partition.fingerprint
