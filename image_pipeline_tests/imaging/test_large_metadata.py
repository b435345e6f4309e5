"""Metadata of any size and shape: a healthy picture stays one, and no file costs the square of its size."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from PIL.PngImagePlugin import PngInfo

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, MetadataTask, WorkerPool
from image_pipeline.imaging.xmp import read_xmp
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import Reason
from image_pipeline_tests.imaging.test_metadata import xmp
from image_pipeline_tests.support.scenes import encoded, scene, wide_gamut_profile, write

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)
MEGABYTE = 1 << 20
BOMB = zlib.compress(bytes(256 * MEGABYTE), 1)


def _history(megabytes: float) -> str:
    """What an editor writes of its own doing, before what it knows of the photograph."""
    step = '<rdf:li stEvt:action="saved" stEvt:instanceID="xmp.iid:{:032x}" stEvt:when="2024-05-01T12:00:00"/>'
    steps = "".join(step.format(number) for number in range(int(megabytes * MEGABYTE / len(step.format(0)))))
    names = 'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/Event#"'
    return f"<xmpMM:History {names}><rdf:Seq>{steps}</rdf:Seq></xmpMM:History>"


def _large_xmp(megabytes: float) -> bytes:
    return xmp(
        f'{_history(megabytes)}<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Sea</rdf:li></rdf:Alt></dc:title>'
    )


def _large_profile(megabytes: float) -> bytes:
    """A profile that turns colours, with a large table that nobody needs."""
    profile = bytearray(wide_gamut_profile())
    profile += np.random.default_rng(1).bytes(int(megabytes * MEGABYTE))
    profile[:4] = struct.pack(">L", len(profile))
    return bytes(profile)


def _chunk(kind: bytes, content: bytes, damage: int = 0) -> bytes:
    checksum = zlib.crc32(kind + content) ^ damage
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", checksum)


def _png_with(*chunks: bytes, behind: bool = False) -> bytes:
    png = encoded(scene(), "PNG")
    at = png.index(b"IEND") - 4 if behind else png.index(b"IDAT") - 4
    return png[:at] + b"".join(chunks) + png[at:]


def _compressed_png(**options: object) -> bytes:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", _large_xmp(3).decode(), zip=True)
    return encoded(scene(), "PNG", pnginfo=info, **options)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.png", lambda: _compressed_png(icc_profile=_large_profile(2))),
        ("b.webp", lambda: encoded(scene(), "WEBP", lossless=True, xmp=_large_xmp(3), icc_profile=_large_profile(2))),
        ("c.tif", lambda: encoded(scene(), "TIFF", tiffinfo={700: _large_xmp(3)}, icc_profile=_large_profile(2))),
        ("d.heic", lambda: encoded(scene(), "HEIF", quality=100, xmp=_large_xmp(3), icc_profile=_large_profile(2))),
        ("e.avif", lambda: encoded(scene(), "AVIF", quality=100, xmp=_large_xmp(3), icc_profile=_large_profile(2))),
        ("f.jpg", lambda: encoded(scene(), "JPEG", quality=98, xmp=_large_xmp(0.05), icc_profile=_large_profile(2))),
    ],
)
def test_a_large_history_and_a_large_profile_are_no_damage(
    name: str, make: Callable[[], bytes], tmp_path: Path
) -> None:
    decoded = decode_image(write(tmp_path, name, make()), [SPEC])
    plain = decode_image(write(tmp_path, "plain.png", encoded(scene(), "PNG")), [SPEC])
    turned = decode_image(write(tmp_path, "t.png", encoded(scene(), "PNG", icc_profile=wide_gamut_profile())), [SPEC])
    assert _apart(decoded.arrays[0], turned.arrays[0]) < _apart(decoded.arrays[0], plain.arrays[0]) / 2, "its colours"
    assert read_metadata(tmp_path / name).title == "Sea"


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize(
    "chunks",
    [
        [_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB)],
        [_chunk(b"zTXt", b"Comment\0\0" + BOMB)],
        [_chunk(b"iCCP", b"ICC\0\0" + BOMB)],
        [_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\n" * (64 * MEGABYTE)))],
        [_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB)] * 30,
        [_chunk(b"tEXt", b"Comment%d\0" % number + b"a" * MEGABYTE) for number in range(70)],
        [_chunk(b"zTXt", b"Comment\0\7what it is packed by nobody knows")],
        [_chunk(b"tEXt", b"Comment\0text", damage=1)],
        [_chunk(b"tEXt", b"transparency\0no colour")],
        [_chunk(b"iTXt", b"")],
    ],
    ids=["xmp", "text", "profile", "exif", "thirty", "seventy", "unknown", "checksum", "transparency", "empty"],
)
@pytest.mark.parametrize("behind", [False, True])
def test_texts_are_no_part_of_a_picture(chunks: list[bytes], behind: bool, tmp_path: Path) -> None:
    limits = DecodeLimits(address_space_bytes=640 * MEGABYTE)
    path = write(tmp_path, "a.png", _png_with(*chunks, behind=behind))
    with WorkerPool(limits, 1) as pool:
        [decoded] = pool.decode([DecodeTask("a", path)])
        [metadata] = pool.read_metadata([MetadataTask("a", path)])
    assert not isinstance(decoded, DecodeFailure), decoded
    assert (metadata.metadata.width, metadata.reason) == (96, None)


@pytest.mark.parametrize("behind", [False, True])
def test_a_texts_orientation_counts(behind: bool, tmp_path: Path) -> None:
    block = Image.Exif()
    block[0x0112] = 6
    content = b"Exif\0\0" + block.tobytes()
    raw = b"\nexif\n%8d\n" % len(content) + content.hex().encode() + b"\n"
    tagged = xmp("", 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"')
    for chunk in (
        _chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)),
        _chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(tagged)),
    ):
        decoded = decode_image(write(tmp_path, "a.png", _png_with(chunk, behind=behind)), [SPEC])
        assert (decoded.width, decoded.height) == (64, 96)
    assert PngImagePlugin.PngStream.__module__ == "PIL.PngImagePlugin", "for others, Pillow is as it was"


def test_a_description_in_a_description_is_of_another_picture() -> None:
    inner = "<rdf:Description><dc:title>pasted in</dc:title><dc:subject>not here</dc:subject></rdf:Description>"
    packet = xmp(f"<xmp:Pasted><rdf:Bag><rdf:li>{inner}</rdf:li></rdf:Bag></xmp:Pasted><dc:title>Sea</dc:title>")
    found = read_xmp(packet).properties
    assert found["dc:title"] == ("Sea",) and "dc:subject" not in found


def test_a_packet_that_is_too_large_tells_what_it_has_told_by_then() -> None:
    end = "<dc:subject>late</dc:subject>"
    for filling in ("<a/>" * 600_000, "<a>" + "b" * (17 * MEGABYTE) + "</a>"):
        found = read_xmp(xmp(f"<dc:title>Sea</dc:title>{filling}{end}")).properties
        assert found["dc:title"] == ("Sea",) and "dc:subject" not in found


def _nested_xmp(depth: int) -> bytes:
    body = "<rdf:Description><dc:subject>" * depth + "</dc:subject></rdf:Description>" * depth
    packet = xmp(f"<dc:title>Sea</dc:title><dc:subject>{body}</dc:subject>")
    return _png_with(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet)))


def _many_exif_segments(count: int) -> bytes:
    jpeg = encoded(scene(), "JPEG", xmp=xmp("<dc:title>Sea</dc:title>"))
    segment = b"\xff\xe1" + struct.pack(">H", 65_002) + b"Exif\0\0" + bytes(64_994)
    return jpeg[:2] + segment * count + jpeg[2:]


def _many_sub_directories(count: int) -> bytes:
    """A TIFF that is a RAW by its version, and names the same sub-directory any number of times."""
    offsets = struct.pack("<L", 8) * count
    entries = [(330, 4, count, 8), (50706, 1, 4, 1)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<L", 8 + len(offsets)) + offsets + directory + bytes(4)


def _boxes_in_boxes(count: int) -> bytes:
    """Each box claims to hold all that follow."""
    meta = b""
    for number in range(count):
        left = (count - number) * 36
        meta += struct.pack(">L", 36) + b"meta" + bytes(4)
        meta += struct.pack(">L", left) + b"iprp" + struct.pack(">L", left) + b"ipco" + bytes(8)
    return struct.pack(">L", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + meta


def _blocks_in_blocks(count: int) -> bytes:
    """A CR3 each of whose directories claims to reach to the end of the file."""
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    block = struct.pack(">L", 32) + b"uuid" + canon + struct.pack(">L", 1 << 30) + b"CMT1"
    moov = block * count
    head = struct.pack(">L", 24) + b"ftypcrx " + bytes(4) + b"crx isom"
    return head + struct.pack(">L", 8 + len(moov)) + b"moov" + moov + bytes(8 * MEGABYTE)


def test_no_file_costs_the_square_of_its_size(tmp_path: Path) -> None:
    """Each took a hundred times as long as the limit here is, or would have; now each takes a fiftieth of it."""
    files = {
        "xmp.png": _nested_xmp(60_000),
        "exif.jpg": _many_exif_segments(1600),
        "directories.dng": _many_sub_directories(1_000_000),
        "boxes.heic": _boxes_in_boxes(4000),
        "blocks.cr3": _blocks_in_blocks(4000),
    }
    paths = [write(tmp_path, name, content) for name, content in files.items()]
    with WorkerPool(DecodeLimits(seconds=15), 2) as pool:
        metadata = {outcome.key: outcome for outcome in pool.read_metadata(MetadataTask(p.name, p) for p in paths)}
        decoded = {outcome.key: outcome for outcome in pool.decode(DecodeTask(p.name, p) for p in paths)}
    assert [outcome.reason for outcome in metadata.values()] == [None] * len(files)
    assert metadata["xmp.png"].metadata.title == metadata["exif.jpg"].metadata.title == "Sea"
    failed = {key: outcome.reason for key, outcome in decoded.items() if isinstance(outcome, DecodeFailure)}
    assert failed.keys() == {"directories.dng", "boxes.heic", "blocks.cr3"}
    assert not {Reason.TIMEOUT, Reason.OUT_OF_MEMORY, Reason.DECODER_CRASHED}.intersection(failed.values())
