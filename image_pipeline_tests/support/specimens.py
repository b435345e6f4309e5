"""A sound file of every format that the tests can make themselves, for mutations to start from."""

import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from image_pipeline.demo.dng import write_dng
from image_pipeline_tests.support import dng_jpeg_xl
from image_pipeline_tests.support.photoshop import RAW, RUNS, photoshop, resource
from image_pipeline_tests.support.scenes import encoded, photograph
from image_pipeline_tests.support.tagged import box, iptc_block, with_profiles

SIZE = (120, 80)
_XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3"
 exif:GPSLatitude="51,30.5N" exif:GPSLongitude="0,7.5W" exif:ExposureTime="1/250">
<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource">
<mwg-rs:Name>Ann</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>
<lr:hierarchicalSubject><rdf:Bag><rdf:li>Nature|Sea</rdf:li></rdf:Bag></lr:hierarchicalSubject>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Evening</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>sunset</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


@cache
def specimens() -> dict[str, bytes]:
    """The content of one file of each kind, by a name with the right ending."""
    picture = photograph(*SIZE)
    return {name: make(picture) for name, make in _MAKERS.items()}


def camera_exif() -> bytes:
    """An EXIF block with all three directories and a value of every type that metadata are read from."""
    block = Image.Exif()
    block[0x010E], block[0x010F], block[0x0110] = "By the sea", "Testmaker", "Model 7"
    block[0x0132], block[0x4746] = "2025:01:01 00:00:00", 4
    photo = block.get_ifd(0x8769)
    photo[0x9003], photo[0x9291], photo[0x9011] = "2023:07:14 18:22:05", "250", "+02:00"
    photo[0xA434], photo[0x8827], photo[0x829A] = "50mm f/1.8", 400, 1 / 250
    photo[0x829D], photo[0x920A] = 2.8, 50.0
    gps = block.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "S", (33.0, 51.0, 31.32), "E", (151.0, 12.0, 51.12)
    gps[5], gps[6], gps[7], gps[29] = b"\1", 12.5, (16.0, 22.0, 5.0), "2023:07:14"
    return block.tobytes()


def interlaced_png(picture: Image.Image) -> bytes:
    """A PNG in the seven passes of Adam7 (PNG specification, section 8), which Pillow reads and does not write."""
    pixels = np.asarray(picture.convert("RGB"))
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in passes
        for row in pixels[top::down, left::across]
        if row.size
    )
    header = struct.pack(">LLBBBBB", *picture.size, 8, 2, 0, 0, 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG file, with its length and its checksum."""
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def run_length_bmp(picture: Image.Image) -> bytes:
    """A palette BMP in runs (BI_RLE8), which Pillow reads and does not write."""
    indexed = picture.quantize(16)
    palette = np.zeros((256, 4), np.uint8)
    colours = np.asarray(indexed.getpalette() or [], np.uint8).reshape(-1, 3)
    palette[: len(colours), :3] = colours[:, ::-1]
    rows = np.asarray(indexed)[::-1]
    runs = b"".join(bytes(byte for index in row for byte in (1, index)) + b"\0\0" for row in rows) + b"\0\1"
    start = 14 + 40 + palette.nbytes
    header = struct.pack("<2sLHHL", b"BM", start + len(runs), 0, 0, start)
    header += struct.pack("<LllHHLLllLL", 40, *picture.size, 1, 8, 1, len(runs), 2835, 2835, 256, 0)
    return header + palette.tobytes() + runs


def _described(image_format: str) -> Callable[[Image.Image], bytes]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return lambda picture: encoded(picture, image_format, exif=camera_exif(), xmp=_XMP, icc_profile=profile)


def _described_png(picture: Image.Image) -> bytes:
    words = PngInfo()
    words.add_itxt("XML:com.adobe.xmp", _XMP.decode(), zip=True)
    words.add_text("Title", "Evening", zip=True)
    words.add_text("Creation Time", "2021:03:04 05:06:07")
    return encoded(picture, "PNG", exif=camera_exif(), pnginfo=words)


def _animated(image_format: str, **options: object) -> Callable[[Image.Image], bytes]:
    def make(picture: Image.Image) -> bytes:
        frames = [picture.rotate(120), picture.rotate(240)]
        return encoded(picture, image_format, save_all=True, append_images=frames, **options)

    return make


def _plain(image_format: str, mode: str = "RGB", **options: object) -> Callable[[Image.Image], bytes]:
    return lambda picture: encoded(picture.convert(mode), image_format, **options)


def _sixteen_bits(image_format: str) -> Callable[[Image.Image], bytes]:
    def make(picture: Image.Image) -> bytes:
        return encoded(Image.fromarray(np.asarray(picture.convert("L"), np.uint16) * 257), image_format)

    return make


def _by_tifffile(**options: object) -> Callable[[Image.Image], bytes]:
    def make(picture: Image.Image) -> bytes:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, np.asarray(picture), photometric="rgb", **options)
        return buffer.getvalue()

    return make


def _dng(preview: bool) -> Callable[[Image.Image], bytes]:
    def make(_: Image.Image) -> bytes:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "a.dng"
            write_dng(path, photograph(480, 320), preview=preview)
            return path.read_bytes()

    return make


_TIFF = camera_exif().removeprefix(b"Exif\0\0")
_IPTC = iptc_block(n5="Harbour", n25=["boat", "pier"], n55="19990703", n60="101112+0100")
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_XMP_IDENTITY = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MAKERS: dict[str, Callable[[Image.Image], bytes]] = {
    "baseline.jpg": _plain("JPEG", quality=90),
    "progressive.jpg": _plain("JPEG", quality=90, progressive=True),
    "restarts.jpg": _plain("JPEG", quality=90, restart_marker_rows=1),
    "described.jpg": _described("JPEG"),
    "grey.jpg": _plain("JPEG", "L"),
    "cmyk.jpg": _plain("JPEG", "CMYK"),
    "plain.png": _plain("PNG"),
    "palette.png": lambda picture: encoded(picture.quantize(64), "PNG"),
    "deep.png": _sixteen_bits("PNG"),
    "interlaced.png": interlaced_png,
    "described.png": _described_png,
    "profiles.png": lambda picture: with_profiles(picture, exif=camera_exif(), xmp=_XMP, iptc=resource(1028, _IPTC)),
    "animated.png": _animated("PNG"),
    "lossy.webp": _plain("WEBP"),
    "lossless.webp": _plain("WEBP", lossless=True),
    "animated.webp": _animated("WEBP"),
    "described.webp": _described("WEBP"),
    "plain.gif": lambda picture: encoded(picture.quantize(64), "GIF"),
    "animated.gif": _animated("GIF"),
    "plain.tif": _plain("TIFF"),
    "lzw.tif": _plain("TIFF", compression="tiff_lzw"),
    "deflate.tif": _plain("TIFF", compression="tiff_adobe_deflate"),
    "packbits.tif": _plain("TIFF", compression="packbits"),
    "jpeg.tif": _plain("TIFF", compression="jpeg"),
    "fax.tif": _plain("TIFF", "1", compression="group4"),
    "described.tif": _plain("TIFF", exif=camera_exif(), tiffinfo={700: _XMP}),
    "pages.tif": _animated("TIFF"),
    "deep.tif": _sixteen_bits("TIFF"),
    "float.tif": _plain("TIFF", "F"),
    "strips.tif": _by_tifffile(rowsperstrip=8),
    "tiled.tif": _by_tifffile(tile=(32, 32)),
    "tiled_deflate.tif": _by_tifffile(tile=(32, 32), compression="zlib"),
    "planar.tif": lambda picture: _planar(picture),
    "big.tif": _by_tifffile(bigtiff=True),
    "motorola.tif": _by_tifffile(byteorder=">"),
    "plain.bmp": _plain("BMP"),
    "palette.bmp": lambda picture: encoded(picture.quantize(64), "BMP"),
    "runs.bmp": run_length_bmp,
    "plain.heic": _plain("HEIF"),
    "described.heic": _described("HEIF"),
    "plain.avif": _plain("AVIF", speed=10),
    "described.avif": _described("AVIF"),
    "lossy.jxl": lambda picture: imagecodecs.jpegxl_encode(np.asarray(picture), distance=1.0),
    "boxed.jxl": lambda picture: imagecodecs.jpegxl_encode(np.asarray(picture), lossless=True, usecontainer=True),
    "described.jxl": lambda picture: _described_jxl(picture, packed=False),
    "packed.jxl": lambda picture: _described_jxl(picture, packed=True),
    "frames.jxl": lambda picture: imagecodecs.jpegxl_encode(np.asarray([picture, picture.rotate(180)])),
    "light.jxl": lambda picture: imagecodecs.jpegxl_encode((np.asarray(picture) / 255).astype(np.float32)),
    "plain.jp2": _plain("JPEG2000"),
    "described.jp2": lambda picture: (
        encoded(picture, "JPEG2000") + box(b"uuid", b"JpgTiffExif->JP2" + _TIFF) + box(b"uuid", _XMP_IDENTITY + _XMP)
    ),
    "tiled.jp2": _plain("JPEG2000", tile_size=(64, 64), quality_mode="dB", quality_layers=[38]),
    "stream.j2k": _plain("JPEG2000", no_jp2=True),
    "plain.psd": lambda picture: photoshop(picture, RAW),
    "runs.psd": lambda picture: photoshop(picture, RUNS),
    "deep.psb": lambda picture: photoshop(picture, RUNS, depth=16, large=True),
    "described.psd": lambda picture: photoshop(picture, resources={1028: _IPTC, 1039: _SRGB, 1058: _TIFF, 1060: _XMP}),
    "palette.psd": lambda picture: photoshop(picture.quantize(64), RAW),
    "plain.ppm": _plain("PPM"),
    "grey.pgm": _plain("PPM", "L"),
    "plain.tga": _plain("TGA"),
    "runs.tga": _plain("TGA", compression="tga_rle"),
    "palette.tga": lambda picture: encoded(picture.quantize(64), "TGA"),
    "plain.pcx": _plain("PCX"),
    "palette.pcx": lambda picture: encoded(picture.quantize(64), "PCX"),
    "half.tif": lambda picture: _of_samples((np.asarray(picture) / 255).astype(np.float16)),
    "deflated_float.tif": lambda picture: _of_samples(
        (np.asarray(picture) / 255).astype(np.float32), compression="zlib", predictor=True
    ),
    "xl.tif": lambda picture: _of_samples(np.asarray(picture), compression="jpegxl", tile=(32, 32)),
    "lab.tif": lambda picture: _of_samples(np.asarray(picture, np.uint16) * 257, photometric="cielab"),
    "deep.jpg": lambda picture: imagecodecs.jpeg8_encode(np.asarray(picture, np.uint16) << 4, 90, bitspersample=12),
    "bare.dng": _dng(preview=False),
    "preview.dng": _dng(preview=True),
    "xl.dng": lambda _: dng_jpeg_xl.dng(),
}


def _of_samples(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **{"photometric": "rgb", **options})
    return buffer.getvalue()


def _described_jxl(picture: Image.Image, packed: bool) -> bytes:
    content = bytes(imagecodecs.jpegxl_encode(np.asarray(picture), lossless=True, usecontainer=True))
    for kind, block in ((b"Exif", bytes(4) + _TIFF), (b"xml ", _XMP)):
        content += box(b"brob", kind + imagecodecs.brotli_encode(block)) if packed else box(kind, block)
    return content


def _planar(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    planes = np.asarray(picture).transpose(2, 0, 1)
    tifffile.imwrite(buffer, planes, photometric="rgb", planarconfig="separate")
    return buffer.getvalue()
