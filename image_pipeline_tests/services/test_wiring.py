"""The settings decide which objects the library is made of."""

from pathlib import Path

from image_pipeline.collection.connection import address_of
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.rows import Stage
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import load_settings


def test_what_is_asked_for_first_makes_the_store(tmp_path: Path) -> None:
    wiring = Wiring(load_settings(home=tmp_path / "store", models="demo"))
    address_of(wiring.settings)
    assert not (tmp_path / "store").exists()
    assert wiring.ledger.entries() == {}
    assert (tmp_path / "store" / "store.json").is_file()


def test_a_file_may_hang_for_longer_than_it_may_compute(tmp_path: Path) -> None:
    given = {"decode_seconds": 60, "decode_memory": 1 << 30, "decode_pixels": 10**6}
    assert Wiring(load_settings(home=tmp_path, **given)).limits == DecodeLimits(60, 1 << 30, 10**6, 600)
    assert Wiring(load_settings(home=tmp_path, decode_seconds=1)).limits.wall_seconds == 300


def test_points_say_which_versions_made_them(tmp_path: Path) -> None:
    wiring = Wiring(load_settings(home=tmp_path / "store", models="bundled:embedder,none"))
    provenance = wiring.provenance("run-1", "2026-11-21T08:00:00+00:00")
    assert (provenance.run_id, provenance.at) == ("run-1", "2026-11-21T08:00:00+00:00")
    assert provenance.versions[Stage.EMBEDDINGS].startswith("embedding bundled:embedder@")
    assert Stage.CAPTIONS not in provenance.versions, "captions are switched off"
