"""A library that was ingested, for the commands that show what is known of it."""

import pytest

from image_pipeline_tests.support.environment import own_environment
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.retagging import FORMATS
from image_pipeline_tests.support.scenes import encoded, photograph, scene, write
from image_pipeline_tests.support.tagged import bag, exif_block, iptc_block, jpeg, packet

ODD = "a\x1b[2J\nb\u202e"


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A library that was ingested, with copies, a file in quarantine, and a file that came afterwards."""
    directory = tmp_path_factory.mktemp("known")
    with own_environment():
        pipeline = Pipeline.below(directory)
        root = pipeline.root
        (root / "trip").mkdir()
        (root / ODD).mkdir()
        block = exif_block(
            base={270: "-1+1", 271: "Canon", 272: "Canon EOS R5"}, photo={0x9003: "2024:05:06 07:08:09", 0x829A: 0.004}
        )
        tagged = jpeg(
            block,
            packet(bag("dc:title", "=HYPERLINK(1)", kind="Alt"), xmp_Rating="-1"),
            iptc_block(n25=["cat", "=red"]),
        )
        write(root, "trip/a.jpg", tagged)
        write(root, "same.jpg", tagged)
        plain = photograph(120, 90)
        write(root, "retagged 1.jpg", FORMATS["jpg"](plain, "one"))
        write(root, "retagged 2.jpg", FORMATS["jpg"](plain, "two"))
        write(root, f"{ODD}/{ODD}.jpg", encoded(scene(90, 90), "JPEG"))
        write(root, "grandma.jpg", jpeg(iptc=iptc_block(n55="19650700")))
        write(root, "cut.jpg", encoded(photograph(400, 300), "JPEG")[:2000])
        write(root, "trip/cut too.jpg", encoded(photograph(400, 300), "JPEG")[:2000])
        write(root, "gone.png", encoded(scene(80, 60), "PNG"))
        pipeline.ingest()
        (root / "gone.png").unlink()
        pipeline.ingest(allow_deletions=True)
        write(root, "new.jpg", tagged)
        write(root, "notes.txt", b"to do")
    return pipeline
