"""Embedded metadata blocks are found where formats and programs keep them."""

import struct
import zlib
from pathlib import Path

from image_pipeline.imaging.metadata import read_metadata
from image_pipeline_tests.imaging.test_metadata import WORDS, camera_exif
from image_pipeline_tests.support.photoshop import photoshop, resource
from image_pipeline_tests.support.scenes import encoded, exif, scene, write
from image_pipeline_tests.support.tagged import cr3, iptc_block, jpeg, raf, with_profiles


def test_canon_cr3_keeps_its_blocks_in_boxes(tmp_path: Path) -> None:
    content = cr3(exif(t271="Canon", t272="EOS T"), exif(t34855=800))

    metadata = read_metadata(write(tmp_path, "a.cr3", content))

    assert (metadata.camera_make, metadata.camera_model, metadata.iso) == ("Canon", "EOS T", 800)


def test_fujifilm_raf_keeps_its_blocks_in_its_preview(tmp_path: Path) -> None:
    metadata = read_metadata(write(tmp_path, "a.raf", raf(jpeg(camera_exif()))))

    assert metadata.lens == "50mm f/1.8"


def test_a_png_may_tell_behind_its_pixels(tmp_path: Path) -> None:
    content = encoded(scene(), "PNG")
    data = b"eXIf" + camera_exif()[6:]
    chunk = struct.pack(">L", len(data) - 4) + data + struct.pack(">L", zlib.crc32(data))

    metadata = read_metadata(write(tmp_path, "a.png", content[:-12] + chunk + content[-12:]))

    assert metadata.camera_make == "Testmaker"


def test_xmp_that_a_tiff_declares_as_undefined_bytes_is_read(tmp_path: Path) -> None:
    content, length = encoded(scene(), "TIFF", tiffinfo={700: WORDS}), len(WORDS)
    declared = content.replace(struct.pack("<HHL", 700, 1, length), struct.pack("<HHL", 700, 7, length))

    assert declared != content
    assert read_metadata(write(tmp_path, "a.tif", declared)).keywords == ("sea", "sunset")


def test_iptc_of_photoshop_and_imagemagick_is_read(tmp_path: Path) -> None:
    records = iptc_block(n5="Harbour", n25=["boat", "pier"], n55="19990703")
    files = {
        "a.psd": photoshop(scene(), resources={1028: records}),
        "a.png": with_profiles(scene(), iptc=resource(1028, records)),
        "b.png": with_profiles(scene(), iptc=records),
    }

    for name, content in files.items():
        metadata = read_metadata(write(tmp_path, name, content))
        found = metadata.title, metadata.keywords, metadata.taken_at
        assert found == ("Harbour", ("boat", "pier"), "1999-07-03"), name
