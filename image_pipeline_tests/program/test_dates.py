"""Dates in the real program: a day is the photographer's, a name counts for its own file, a partial date is found."""

from pathlib import Path

from image_pipeline_tests.support.scenes import encoded, scene, write
from image_pipeline_tests.support.shell import Shell
from image_pipeline_tests.support.tagged import exif_block, iptc_block, jpeg


def _photographed(at: str, offset: str) -> bytes:
    return jpeg(exif_block(photo={0x9003: at, 0x9011: offset}))


def test_a_day_is_the_photographers(shell: Shell) -> None:
    library = shell.home / "Photos"
    library.mkdir()
    write(library, "jst_morning.jpg", _photographed("2025:09:11 08:59:00", "+09:00"))
    write(library, "pacific_evening.jpg", _photographed("2025:09:10 20:30:00", "-07:00"))
    write(library, "grandma.jpg", jpeg(iptc=iptc_block(n55="19650700")))
    plain = encoded(scene(), "JPEG")
    write(library, "IMG-20220103-WA0007.jpg", plain)
    write(library, "2011-07-19 11.36.39.jpg", plain)
    shell.json("ingest", str(library))

    def found(*dates: str) -> set[str]:
        hits = shell.json("search", "red", *dates)
        return {Path(path).name for hit in hits for path in (hit["path"], *hit["copies"])}

    assert found("--after", "2025-09-11", "--before", "2025-09-12") == {"jst_morning.jpg"}
    assert found("--after", "2025-09-10", "--before", "2025-09-11") == {"pacific_evening.jpg"}
    assert found("--after", "2025-09-11T00:00Z") == {"pacific_evening.jpg"}, "with an offset, the moment counts"
    assert found("--after", "1965-07-20", "--before", "1965-07-21") == {"grandma.jpg"}
    assert found("--after", "2022", "--before", "2023") == {"IMG-20220103-WA0007.jpg"}
    assert found("--after", "2011-07", "--before", "2011-08") == {"2011-07-19 11.36.39.jpg"}
