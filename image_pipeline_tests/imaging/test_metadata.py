"""What files say of their photographs."""

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from image_pipeline.imaging.metadata import metadata_version, read_metadata
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.scenes import ENCODERS, encoded, exif, scene, write
from image_pipeline_tests.support.tagged import bag, exif_block, jpeg, packet

# Pillow tells of each oddity that it meets in the header.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "HEIF": ".heic", "AVIF": ".avif"}


def camera_exif() -> bytes:
    block = Image.Exif()
    block[0x010E] = "Ein H__gel"
    block[0x010F] = "Testmaker\0\0\0"
    block[0x0110] = "Model  7 "
    block[0x0132] = "2025:01:01 00:00:00"
    block[0x4746] = 4
    photo = block.get_ifd(0x8769)
    photo[0x9003] = "2023:07:14 18:22:05"
    photo[0x9291] = "250"
    photo[0x9011] = "+02:00"
    photo[0xA434] = "50mm f/1.8"
    photo[0x8827] = 400
    photo[0x829A] = 1 / 250
    photo[0x829D] = 2.8
    photo[0x920A] = 50.0
    gps = block.get_ifd(0x8825)
    gps[1], gps[2] = "S", (33.0, 51.0, 31.32)
    gps[3], gps[4] = "E", (151.0, 12.0, 51.12)
    gps[5], gps[6] = b"\1", 12.5
    # Pillow writes ASCII alone; cameras write UTF-8.
    return block.tobytes().replace(b"H__gel", "Hügel".encode())


def xmp(body: str, attributes: str = "") -> bytes:
    return f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
    <x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
     xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" {attributes}>
    {body}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


WORDS = xmp(
    """<dc:title><rdf:Alt><rdf:li xml:lang="de">Abend</rdf:li><rdf:li xml:lang="x-default">Evening</rdf:li></rdf:Alt>
    </dc:title><dc:description><rdf:Alt><rdf:li xml:lang="x-default">By the sea</rdf:li></rdf:Alt></dc:description>
    <dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>sunset</rdf:li></rdf:Bag></dc:subject>""",
    'xmp:Rating="5" exif:GPSLatitude="51,30.5N" exif:GPSLongitude="0,7.5W"'
    ' photoshop:DateCreated="2020-02-03T04:05:06Z"',
)


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_tells_the_same(tmp_path: Path, image_format: str) -> None:
    content = encoded(scene(), image_format, exif=camera_exif())
    if image_format == "TIFF":  # the block is written anew
        content = content.replace(b"H??gel", "Hügel".encode())
    path = write(tmp_path, f"a{FORMATS[image_format]}", content)

    assert read_metadata(path) == ImageMetadata(
        width=96,
        height=64,
        orientation=1,
        taken_at="2023-07-14T18:22:05.25+02:00",
        taken_from="original",
        taken_precision="second",
        camera_make="Testmaker",
        camera_model="Model 7",
        lens="50mm f/1.8",
        iso=400,
        exposure_s=0.004,
        f_number=2.8,
        focal_length_mm=50.0,
        latitude=-33.8587,
        longitude=151.2142,
        altitude_m=-12.5,
        description="Ein Hügel",
        rating=4,
    )


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_tells_its_words(tmp_path: Path, image_format: str) -> None:
    if image_format == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", WORDS.decode())
        content = encoded(scene(), "PNG", pnginfo=info)
    elif image_format == "TIFF":
        content = encoded(scene(), "TIFF", tiffinfo={700: WORDS})
    else:
        content = encoded(scene(), image_format, xmp=WORDS)

    metadata = read_metadata(write(tmp_path, f"a{FORMATS[image_format]}", content))

    assert metadata.title == "Evening"
    assert metadata.description == "By the sea"
    assert metadata.keywords == ("sea", "sunset")
    assert metadata.rating == 5
    assert metadata.taken_at == "2020-02-03T04:05:06Z"
    assert (metadata.latitude, metadata.longitude) == (51.5083333, -0.125)


def test_a_raw_tells_its_camera_and_its_size(tmp_path: Path) -> None:
    metadata = read_metadata(write(tmp_path, "a.dng", dng(scene(480, 320), encoded(scene(240, 160), "JPEG"))))

    assert (metadata.width, metadata.height) == (480, 320)
    assert (metadata.camera_make, metadata.camera_model) == ("Testmaker", "Model D")
    assert metadata.taken_at == "2024-05-06T07:08:09"


def test_an_exposure_is_read_from_exif_then_from_xmp(tmp_path: Path) -> None:
    speeds = bag("exif:ISOSpeedRatings", "400", "800", kind="Seq")
    numbers = {"exif_ExposureTime": "1/250", "exif_FNumber": "28/10", "exif_FocalLength": "50/1"}
    own = exif_block(photo={0x829A: 1 / 60, 0x829D: 0.0, 0x8827: 100})

    metadata = read_metadata(write(tmp_path, "a.jpg", jpeg(xmp=packet(speeds, **numbers, aux_Lens="50mm f/1.8"))))
    newer = read_metadata(write(tmp_path, "b.jpg", jpeg(xmp=packet(speeds, exifEX_PhotographicSensitivity="6400"))))
    both = read_metadata(write(tmp_path, "c.jpg", jpeg(own, packet(speeds, **numbers))))
    first = read_metadata(write(tmp_path, "e.jpg", jpeg(exif_block({0x829A: 1 / 60, 0x8827: 100, 0xA434: "50mm"}))))
    absurd = {"exif_ExposureTime": "1/0", "exif_FNumber": "-4/1", "exif_FocalLength": "9" * 5000}
    neither = read_metadata(write(tmp_path, "d.jpg", jpeg(xmp=packet(**absurd))))

    assert (metadata.exposure_s, metadata.f_number, metadata.focal_length_mm) == (0.004, 2.8, 50.0)
    assert (metadata.iso, metadata.lens) == (400, "50mm f/1.8")
    assert newer.iso == 6400
    assert (both.iso, both.exposure_s, both.f_number, both.focal_length_mm) == (100, 0.01666667, 2.8, 50.0)
    assert (first.exposure_s, first.iso, first.lens) == (0.01666667, 100, "50mm"), "from the first directory"
    assert (neither.exposure_s, neither.f_number, neither.focal_length_mm) == (None, None, None)


def test_iptc_words(tmp_path: Path) -> None:
    def record(number: int, value: bytes) -> bytes:
        return struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value

    iptc = record(5, b"Harbour") + record(120, "Évora".encode()) + record(25, b"boat") + record(25, b"pier")
    iptc += record(55, b"19990703") + record(60, b"101112+0100")
    resource = b"8BIM" + struct.pack(">HHL", 0x0404, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    segment = b"Photoshop 3.0\0" + resource
    content = encoded(scene(), "JPEG")
    content = content[:2] + struct.pack(">HH", 0xFFED, len(segment) + 2) + segment + content[2:]

    metadata = read_metadata(write(tmp_path, "a.jpg", content))

    assert (metadata.title, metadata.description) == ("Harbour", "Évora")
    assert metadata.keywords == ("boat", "pier")
    assert metadata.taken_at == "1999-07-03T10:11:12+01:00"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2021:02:03 04:05:06", "2021-02-03T04:05:06"),
        ("2021-02-03 04:05:06", "2021-02-03T04:05:06"),
        ("2021:02:03 04:05:06\0\0", "2021-02-03T04:05:06"),
        ("0000:00:00 00:00:00", None),
        ("2021:13:03 04:05:06", None),
        ("2017:08:21 15:08:70", None),
        ("9999:12:31 23:59:59", None),
        ("    :  :     :  :  ", None),
    ],
)
def test_dates_that_cannot_be_are_dropped(tmp_path: Path, written: str, told: str | None) -> None:
    path = write(tmp_path, "a.jpg", encoded(scene(), "JPEG", exif=exif(t36867=written, t306=written)))

    assert read_metadata(path).taken_at == told


def test_the_time_of_the_last_change_is_the_last_resort(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jpg", encoded(scene(), "JPEG", exif=exif(t306="2021:02:03 04:05:06")))

    assert read_metadata(path).taken_at == "2021-02-03T04:05:06"


@pytest.mark.parametrize(
    ("latitude", "longitude", "reference"),
    [
        ((999.0, 0.0, 0.0), (10.0, 0.0, 0.0), "N"),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "N"),
        ((10.0, 0.0, 0.0), (10.0, 0.0, 0.0), "?"),
        ((90.0, 30.0, 0.0), (10.0, 0.0, 0.0), "N"),
    ],
    ids=["beyond the pole", "no fix", "no hemisphere", "just beyond the pole"],
)
def test_places_that_cannot_be_are_dropped(tmp_path: Path, latitude: object, longitude: object, reference: str) -> None:
    block = Image.Exif()
    gps = block.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = reference, latitude, "E", longitude
    path = write(tmp_path, "a.jpg", encoded(scene(), "JPEG", exif=block.tobytes()))

    metadata = read_metadata(path)

    assert (metadata.latitude, metadata.longitude) == (None, None)
    assert metadata.width == 96


def test_numbers_that_cannot_be_are_dropped(tmp_path: Path) -> None:
    block = Image.Exif()
    block[0x4746] = 99
    photo = block.get_ifd(0x8769)
    photo[0x8827] = 2_000_000_000
    photo[0x829A] = IFDRational(31_337, 1)
    photo[0x829D] = 0.0
    photo[0x920A] = 4e9
    # A fraction whose denominator is zero, as Pillow would not write it.
    content = block.tobytes().replace(struct.pack(">LL", 31_337, 1), struct.pack(">LL", 31_337, 0))
    path = write(tmp_path, "a.jpg", encoded(scene(), "JPEG", exif=content))

    metadata = read_metadata(path)

    assert (metadata.iso, metadata.exposure_s, metadata.f_number) == (None, None, None)
    assert (metadata.focal_length_mm, metadata.rating) == (None, None)


def test_texts_are_cleaned_and_bounded(tmp_path: Path) -> None:
    block = exif(t271="Ca\x01non\0junk", t272="\0\0\0\0", t270="word " * 5000)
    path = write(tmp_path, "a.jpg", encoded(scene(), "JPEG", exif=block))

    metadata = read_metadata(path)

    assert metadata.camera_make == "Canon"
    assert metadata.camera_model is None
    assert metadata.description is not None and len(metadata.description) <= 2000


def test_xml_that_declares_entities_is_not_expanded(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + WORDS.replace(b"Evening", b"&b;")
    path = write(tmp_path, "a.jpg", encoded(scene(), "JPEG", xmp=bomb, exif=camera_exif()))

    metadata = read_metadata(path)

    assert metadata.title is None
    assert metadata.camera_make == "Testmaker"


def test_a_file_without_anything_to_tell(tmp_path: Path) -> None:
    assert read_metadata(tmp_path / "gone.jpg").is_empty
    assert read_metadata(write(tmp_path, "a.jpg", b"")).is_empty
    assert read_metadata(write(tmp_path, "b.jpg", b"hello")).is_empty
    assert not read_metadata(write(tmp_path, "c.png", ENCODERS[".png"](scene()))).is_empty


def test_the_version_names_what_reads() -> None:
    assert all(name in metadata_version() for name in ("metadata-", "pillow-", "pillow-heif-", "rawpy-"))


CARRIERS = [
    (ending, encoded(scene(24, 16), image_format, exif=camera_exif(), **({} if ending == ".tif" else {"xmp": WORDS})))
    for image_format, ending in FORMATS.items()
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_raise(tmp_path: Path, data: st.DataObject) -> None:
    ending, content = data.draw(st.sampled_from(CARRIERS))
    damaged = bytearray(content)
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=12)):
        damaged[at] = value
    end = data.draw(st.one_of(st.none(), st.integers(0, len(content))))

    metadata = read_metadata(write(tmp_path, f"a{ending}", bytes(damaged[:end])))

    assert metadata.latitude is None or -90 <= metadata.latitude <= 90
    assert metadata.iso is None or metadata.iso > 0


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(block=st.binary(max_size=400), order=st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_no_exif_block_raises(tmp_path: Path, block: bytes, order: bytes) -> None:
    metadata = read_metadata(write(tmp_path, "a.webp", encoded(scene(8, 8), "WEBP", exif=b"Exif\0\0" + order + block)))

    assert (metadata.width, metadata.height) == (8, 8)
