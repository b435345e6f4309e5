"""Keywords, people, place names, titles and descriptions that people gave."""

from html import escape
from pathlib import Path

import pytest
from PIL.PngImagePlugin import PngInfo

from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline_tests.support.scenes import encoded, scene, write
from image_pipeline_tests.support.tagged import bag, exif_block, iptc_block, jpeg, packet

CATEGORIES = escape(
    '<Categories><Category Assigned="0">Nature<Category Assigned="0">Animals<Category Assigned="1">Cat</Category>'
    '</Category></Category><Category Assigned="1">Home</Category></Categories>'
)


def read(directory: Path, content: bytes, name: str = "a.jpg") -> ImageMetadata:
    return read_metadata(write(directory, name, content))


@pytest.mark.parametrize(
    ("body", "keywords"),
    [
        (bag("lr:hierarchicalSubject", "Nature|Animals|Cat"), ("Cat", "Nature/Animals/Cat")),
        (bag("digiKam:TagsList", "Nature/Animals/Cat", kind="Seq"), ("Cat", "Nature/Animals/Cat")),
        (bag("MicrosoftPhoto:LastKeywordXMP", "Nature/Animals/Cat"), ("Cat", "Nature/Animals/Cat")),
        (bag("mediapro:CatalogSets", "Nature|Animals|Cat"), ("Cat", "Nature/Animals/Cat")),
        (f"<acdsee:categories>{CATEGORIES}</acdsee:categories>", ("Cat", "Home", "Nature/Animals/Cat")),
        (bag("acdsee:keywords", "Cat"), ("Cat",)),
        ("<acdsee:categories>&lt;Categories&gt;</acdsee:categories>", ()),
        (bag("lr:hierarchicalSubject", "|", " | Cat |"), ("Cat",)),
        (
            bag("dc:subject", "Cat", "Dog") + bag("lr:hierarchicalSubject", "Cat", "Tips|24/7"),
            ("Cat", "Dog", "24/7", "Tips/24/7"),
        ),
    ],
)
def test_hierarchical_keywords(tmp_path: Path, body: str, keywords: tuple[str, ...]) -> None:
    assert read(tmp_path, jpeg(xmp=packet(body))).keywords == keywords


def test_the_same_path_in_several_vocabularies_counts_once(tmp_path: Path) -> None:
    body = (
        bag("dc:subject", "Cat") + bag("lr:hierarchicalSubject", "Nature|Cat") + bag("digiKam:TagsList", "Nature/Cat")
    )
    content = jpeg(xmp=packet(body), iptc=iptc_block(n25=[b"Cat", b"cats"]))
    assert read(tmp_path, content).keywords == ("Cat", "cats", "Nature/Cat")


def test_the_tags_that_darktable_adds_by_itself_are_no_keywords(tmp_path: Path) -> None:
    subjects = bag("dc:subject", "beach", "darktable", "format", "jpg", "changed")
    paths = bag("lr:hierarchicalSubject", "darktable|format|jpg", "darktable|changed", "places|beach")
    assert read(tmp_path, jpeg(xmp=packet(subjects + paths))).keywords == ("beach", "places/beach")


def test_no_keyword_is_dropped_silently(tmp_path: Path) -> None:
    metadata = read(tmp_path, jpeg(xmp=packet(bag("dc:subject", *map(str, range(1000))))))
    assert metadata.keywords == tuple(map(str, range(1000))) and metadata.keywords_omitted is None
    metadata = read(tmp_path, jpeg(xmp=packet(bag("dc:subject", *map(str, range(2100))))))
    assert len(metadata.keywords) == 2000 and metadata.keywords_omitted == 100


def _region(name: str, kind: str) -> str:
    area = '<mwg-rs:Area xmlns:a="http://ns.adobe.com/xmp/sType/Area#" a:x="0.5" a:y="0.5" a:unit="normalized"/>'
    inner = f"<mwg-rs:Name>{name}</mwg-rs:Name>{kind and f'<mwg-rs:Type>{kind}</mwg-rs:Type>'}{area}"
    return f'<rdf:li rdf:parseType="Resource">{inner}</rdf:li>'


def _mwg(*items: str) -> str:
    listed = f"<mwg-rs:RegionList><rdf:Bag>{''.join(items)}</rdf:Bag></mwg-rs:RegionList>"
    return f'<mwg-rs:Regions rdf:parseType="Resource">{listed}</mwg-rs:Regions>'


@pytest.mark.parametrize(
    ("body", "people"),
    [
        (_mwg(_region("Ann", "Face"), _region("Rex", "Pet"), _region("Bob", ""), _region("", "Face")), ("Ann", "Bob")),
        (_mwg('<rdf:li><rdf:Description mwg-rs:Name="Ann" mwg-rs:Type="Face"/></rdf:li>'), ("Ann",)),
        (_mwg('<rdf:li mwg-rs:Name="Ann" mwg-rs:Type="Face"/>'), ("Ann",)),
        (
            "<mwg-rs:Regions><rdf:Description><mwg-rs:RegionList><rdf:Seq><rdf:li><rdf:Description>"
            "<mwg-rs:Name>Ann</mwg-rs:Name></rdf:Description></rdf:li></rdf:Seq></mwg-rs:RegionList>"
            "</rdf:Description></mwg-rs:Regions>",
            ("Ann",),
        ),
        (
            '<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag><rdf:li MPReg:Rectangle="0,0,1,1"'
            ' MPReg:PersonDisplayName="Ann"/><rdf:li MPReg:Rectangle="0,0,1,1"/></rdf:Bag></MPRI:Regions>'
            "</MP:RegionInfo>",
            ("Ann",),
        ),
        (
            '<acdsee-rs:Regions rdf:parseType="Resource"><acdsee-rs:RegionList><rdf:Bag>'
            '<rdf:li rdf:parseType="Resource"><acdsee-rs:Type>Face</acdsee-rs:Type><acdsee-rs:Name>Ann</acdsee-rs:Name>'
            "</rdf:li></rdf:Bag></acdsee-rs:RegionList></acdsee-rs:Regions>",
            ("Ann",),
        ),
        (bag("Iptc4xmpExt:PersonInImage", "Ann", "Bob") + _mwg(_region("Bob", "Face")), ("Ann", "Bob")),
        (
            '<Iptc4xmpExt:PersonInImageWDetails><rdf:Bag><rdf:li rdf:parseType="Resource"><Iptc4xmpExt:PersonName>'
            '<rdf:Alt><rdf:li xml:lang="x-default">Ann</rdf:li></rdf:Alt></Iptc4xmpExt:PersonName></rdf:li></rdf:Bag>'
            "</Iptc4xmpExt:PersonInImageWDetails>",
            ("Ann",),
        ),
    ],
    ids=["mwg", "description", "attributes", "long form", "microsoft", "acdsee", "iptc", "details"],
)
def test_people(tmp_path: Path, body: str, people: tuple[str, ...]) -> None:
    assert read(tmp_path, jpeg(xmp=packet(body))).people == people


@pytest.mark.parametrize(
    "body",
    [
        "<xmpMM:Pantry><rdf:Bag><rdf:li><rdf:Description xmp:CreateDate='2009-09-09T09:09:09'><dc:title><rdf:Alt>"
        "<rdf:li xml:lang='x-default'>no</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:li></rdf:Bag>"
        "</xmpMM:Pantry>",
        "<xmpMM:Pantry><rdf:Bag><rdf:li rdf:parseType='Resource'><dc:title>no</dc:title><xmp:CreateDate>2009-09-09"
        "</xmp:CreateDate><dc:subject><rdf:Bag><rdf:li>no</rdf:li></rdf:Bag></dc:subject></rdf:li></rdf:Bag>"
        "</xmpMM:Pantry>",
        "<xmpMM:Ingredients><rdf:Bag><rdf:li dc:title='no' photoshop:DateCreated='2009-09-09'/></rdf:Bag>"
        "</xmpMM:Ingredients>",
        _mwg(
            '<rdf:li><rdf:Description mwg-rs:Type="Focus"><mwg-rs:Extensions rdf:parseType="Resource">'
            "<dc:title>no</dc:title><mwg-rs:Name>no</mwg-rs:Name><dc:subject><rdf:Bag><rdf:li>no</rdf:li></rdf:Bag>"
            "</dc:subject></mwg-rs:Extensions></rdf:Description></rdf:li>"
        ),
    ],
    ids=["pantry", "resource", "ingredients", "region"],
)
def test_what_is_nested_says_nothing_of_this_picture(tmp_path: Path, body: str) -> None:
    metadata = read(tmp_path, jpeg(xmp=packet(body)))
    assert (metadata.title, metadata.taken_at, metadata.keywords, metadata.people) == (None, None, (), ())
    both = packet(body + bag("dc:title", "Mine", kind="Alt"), photoshop_DateCreated="2020-01-02")
    metadata = read(tmp_path, jpeg(xmp=both))
    assert (metadata.title, metadata.taken_at) == ("Mine", "2020-01-02")


def test_place_names(tmp_path: Path) -> None:
    metadata = read(tmp_path, jpeg(iptc=iptc_block(n90="München", n95="Bayern", n101="Deutschland")))
    assert (metadata.city, metadata.state, metadata.country) == ("München", "Bayern", "Deutschland")
    xmp = packet(photoshop_City="Roma", photoshop_State="Lazio", photoshop_Country="Italia")
    metadata = read(tmp_path, jpeg(xmp=xmp))
    assert (metadata.city, metadata.state, metadata.country) == ("Roma", "Lazio", "Italia")
    inner = "<Iptc4xmpExt:City>Oslo</Iptc4xmpExt:City><Iptc4xmpExt:CountryName>Norge</Iptc4xmpExt:CountryName>"
    location = f'<rdf:Bag><rdf:li rdf:parseType="Resource">{inner}</rdf:li></rdf:Bag>'
    metadata = read(tmp_path, jpeg(xmp=packet(f"<Iptc4xmpExt:LocationShown>{location}</Iptc4xmpExt:LocationShown>")))
    assert (metadata.city, metadata.state, metadata.country) == ("Oslo", None, "Norge")


@pytest.mark.parametrize(
    ("comment", "description"),
    [
        (b"ASCII\0\0\0Grandma at the lake", "Grandma at the lake"),
        (b"ASCII\0\0\0Grandma\0\0\0\0\0\0", "Grandma"),
        (b"ASCII\0\0\0" + "Zürich".encode(), "Zürich"),
        (b"UNICODE\0" + "Großmutter".encode("utf-16-le"), "Großmutter"),
        (b"UNICODE\0" + "Großmutter".encode("utf-16-be"), "Großmutter"),
        (b"UNICODE\0\xff\xfe" + "祖母".encode("utf-16-le"), "祖母"),
        (b"JIS\0\0\0\0\0" + "東京".encode("iso2022_jp"), "東京"),
        (b"\0\0\0\0\0\0\0\0plain", "plain"),
        (b"Grandma at the lake", "Grandma at the lake"),
        (b"ASCII\0\0\0" + b" " * 40, None),
        (b"ASCII\0\0\0" + bytes(40), None),
        (b"ASCII\0\0\0Screenshot", None),
        (b'ASCII\0\0\0{"sceneMode":"none","zoom":1}', None),
        (b"\x01\x02\x03\x04\x05\x06\x07\x08\x09", None),
        (b"", None),
    ],
)
def test_user_comment(tmp_path: Path, comment: bytes, description: str | None) -> None:
    assert read(tmp_path, jpeg(exif_block(photo={0x9286: comment}))).description == description


@pytest.mark.parametrize(
    "written",
    [
        *(
            "OLYMPUS DIGITAL CAMERA         ",
            "SONY DSC",
            "SAMSUNG",
            "hdr",
            "_cuva",
            "cdv_cuva",
            "oznorWO",
            "btf",
            "rhdr",
        ),
        *("sdr_HDRB", "DCIM/100MEDIA/DJI_0001.JPG", "DCIM\\\\100GOPRO\\\\GOPR0001.JPG", "KODAK Digital Still Camera"),
        *("<Digimax i5, Samsung #1>", "MINOLTA DIGITAL CAMERA", "Exif_JPEG_PICTURE", "DSC_0001.JPG", "default"),
    ],
)
def test_what_cameras_write_is_no_description(tmp_path: Path, written: str) -> None:
    assert read(tmp_path, jpeg(exif_block({0x010E: written}))).description is None
    metadata = read(tmp_path, jpeg(exif_block({0x010E: written}, {0x9286: b"ASCII\0\0\0By the sea"})))
    assert metadata.description == "By the sea", "a person's words are taken instead"


@pytest.mark.parametrize(
    "written", ["By the sea", "Mon", "Nor", "1962", "HDR of the bay", "Sony DSC on the table", "❤"]
)
def test_what_people_write_is_a_description(tmp_path: Path, written: str) -> None:
    body = bag("dc:description", written, kind="Alt")
    assert read(tmp_path, jpeg(xmp=packet(body))).description == written


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("東京タワー".encode("cp932"), "東京タワー"),
        ("日本".encode("cp932"), "日本"),
        ("Zürich".encode("mac_roman"), "Zürich"),
        ("L’été à la plage".encode("mac_roman"), "L’été à la plage"),
        ("Zürich".encode("latin-1"), "Zürich"),
        ("Größe — 5 €".encode("cp1252"), "Größe — 5 €"),
        ("20 °C".encode("latin-1"), "20 °C"),
        ("Zürich".encode(), "Zürich"),
        ("ZÃ¼rich".encode(), "Zürich"),
        ("école".encode("mac_roman"), None),
        ("Привет".encode("cp1251"), None),
        ("北京大学".encode("gb18030"), None),
        ("서울".encode("euc_kr"), None),
        ("Łódź".encode("cp1250"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_text_is_readable_or_left_out(tmp_path: Path, raw: bytes, text: str | None) -> None:
    exif = exif_block({0x010E: raw.ljust(20, b"\0")})
    metadata = read(tmp_path, jpeg(exif, iptc=iptc_block(n25=[raw, b"sea"])))
    assert metadata.description == text
    assert metadata.keywords == ((text, "sea") if text else ("sea",))


def test_the_beginning_of_a_long_text_is_kept(tmp_path: Path) -> None:
    for words in ("sea and sky ", "über und über ", "空と海"):
        metadata = read(tmp_path, encoded(scene(), "TIFF", tiffinfo={0x010E: (words * 100_000).encode()}), "a.tif")
        assert metadata.description == (words * 1000)[:2000].rstrip()


@pytest.mark.parametrize("form", ["tEXt", "zTXt", "iTXt", "packed"])
def test_texts_of_a_png(tmp_path: Path, form: str) -> None:
    info = PngInfo()
    for keyword, text in (("Title", "Evening"), ("Description", "By the sea"), ("Comment", "Created with GIMP")):
        if form in ("iTXt", "packed"):
            info.add_itxt(keyword, text, zip=form == "packed")
        else:
            info.add_text(keyword, text, zip=form == "zTXt")
    metadata = read(tmp_path, encoded(scene(), "PNG", pnginfo=info), "a.png")
    assert (metadata.title, metadata.description) == ("Evening", "By the sea")
