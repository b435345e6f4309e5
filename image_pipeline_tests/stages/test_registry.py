"""What follows from the declarations of all stages; a store of today is used by later versions."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from image_pipeline.files.discovery import DISCOVERY_VERSION
from image_pipeline.imaging.decode import decoder_version
from image_pipeline.imaging.metadata import metadata_version
from image_pipeline.schema.rows import ContentHash, DecodedContent, Embedding, ImageCaption, MetadataOfImage, Stage
from image_pipeline.settings import DType
from image_pipeline.stages.content_hashes import digest
from image_pipeline.stages.file_facts import file_facts_version
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline.stages.registry import LAST_STAGES, STAGES, TENSOR_STAGES, input_specs, recipe, unseen, versions
from image_pipeline.storage.cache import ContentCache, RowCache

EMBEDDER = "embedding bundled:embedder@cbfae5f6a90c4525d644d3ec9b7be4bd0ff4a464210fdcbc0053222dc7652e2b"
CAPTIONER = "caption bundled:captioner@f43a7e24653b53dc06795cdb49ebc415acf37d2815735066f502c81f5a695432"
INPUT = "64x64-squash-bicubic auto"


@pytest.fixture
def models(tmp_path: Path) -> Inference:
    return load_inference("demo", DType.AUTO, tmp_path)


@pytest.fixture
def embedder(tmp_path: Path) -> Inference:
    return load_inference("bundled:embedder,none", DType.AUTO, tmp_path)


def test_every_stage_is_declared_in_the_file_that_has_its_name() -> None:
    assert list(STAGES) == list(Stage)
    for stage, declaration in STAGES.items():
        assert declaration.stage is stage
        assert all(list(Stage).index(read) < list(Stage).index(stage) for read in declaration.reads)
    assert {Stage.IMAGE_METADATA, Stage.EMBEDDINGS, Stage.CAPTIONS} <= set(LAST_STAGES)
    assert not {Stage.DISCOVERED_FILES, Stage.CONTENT_HASHES, Stage.DECODED_TENSORS} & set(LAST_STAGES)


def test_versions_are_texts_under_which_existing_caches_keep_their_rows(models: Inference) -> None:
    now = versions(models)
    assert now[Stage.EMBEDDINGS] == f"{EMBEDDER} {INPUT}"
    assert now[Stage.CAPTIONS] == f"{CAPTIONER} {INPUT} 20-tokens-1-beam"
    assert now[Stage.DISCOVERED_FILES] == DISCOVERY_VERSION
    assert now[Stage.DECODED_TENSORS] == decoder_version()
    assert now[Stage.IMAGE_METADATA] == f"{metadata_version()} {file_facts_version()}"
    assert Stage.CONTENT_HASHES not in now


def test_two_stages_with_one_version_are_refused(models: Inference, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache keeps the values of all stages under their versions: each would read the values of the other."""
    copied = replace(STAGES[Stage.CAPTIONS], version=STAGES[Stage.EMBEDDINGS].version)
    monkeypatch.setitem(STAGES, Stage.CAPTIONS, copied)
    with pytest.raises(ValueError, match="Two stages have the same version"):
        versions(models)


def test_the_recipe_is_that_of_existing_ledgers(models: Inference, embedder: Inference) -> None:
    readers = [DISCOVERY_VERSION, decoder_version(), f"{metadata_version()} {file_facts_version()}"]
    for some in (models, embedder):
        now = versions(some)
        producers = [now.pop(stage) for stage in (Stage.EMBEDDINGS, Stage.CAPTIONS) if stage in now]
        for stage in (Stage.DISCOVERED_FILES, Stage.IMAGE_METADATA, Stage.DECODED_TENSORS):
            del now[stage]
        text = "\n".join([*producers, *readers, *now.values()])
        assert recipe(some) == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert Stage.CAPTIONS not in versions(embedder)


def test_the_note_of_a_table_of_hashes_never_changes() -> None:
    rows = [ContentHash("a.jpg", 3, 1, 1, "ab", None), ContentHash("日本.jpg", 3, 1, 1, None, "gone")]
    assert digest(rows) == "1203baa59c2ffd98e9bf65278ef75d723eb5f02692b502ef5e06d966a76fd677"
    assert digest([]) == hashlib.sha256().hexdigest()


def test_what_a_row_adds_to_a_point() -> None:
    def added(row: ContentHash | DecodedContent | Embedding | ImageCaption) -> dict[str, object]:
        return dict(STAGES[row.stage].payload(row))

    assert added(ContentHash("a.jpg", 3, 1, 1, "ab", None)) == {"sha256": "ab", "size_bytes": 3}
    assert added(DecodedContent("ab", 0, "jpeg", "decoder 1", None, None)) == {
        "decode_path": "jpeg",
        "damaged": None,
        "pixels": None,
    }
    assert added(Embedding("ab", [1.0])) == {}
    assert added(ImageCaption("ab", "a cat", 0.123456)) == {"caption": "a cat", "caption_confidence": 0.1235}
    producers = {stage: one.producer_field for stage, one in STAGES.items() if one.producer_field}
    assert producers == {Stage.EMBEDDINGS: "embedding_producer", Stage.CAPTIONS: "caption_producer"}
    columns = MetadataOfImage.descriptions().keys() - {"sha256", "reason", "latitude", "longitude"}
    known = MetadataOfImage(**{**dict.fromkeys(MetadataOfImage.descriptions(), 1), "sha256": "ab"})  # type: ignore[arg-type]
    assert STAGES[Stage.IMAGE_METADATA].payload(known).keys() == columns | {"place"}


def test_a_content_is_decoded_for_each_stage_that_has_not_seen_it(
    models: Inference, embedder: Inference, tmp_path: Path
) -> None:
    cache = ContentCache(tmp_path / "content.sqlite")
    assert unseen(models, cache, ["a", "b"]) == {"a", "b"}
    vector = np.ones(4, np.float32).tolist()
    RowCache(cache, Embedding, f"{EMBEDDER} {INPUT}").put([Embedding("a", vector), Embedding("b", vector)])
    assert unseen(models, cache, ["a", "b"]) == {"a", "b"}, "the captioner has seen neither"
    for other in TENSOR_STAGES:
        if other.stage not in (Stage.EMBEDDINGS, Stage.CAPTIONS):
            cache.put(str(other.version(models)), {"a": b"", "b": b""})
    assert unseen(embedder, cache, ["a", "b"]) == set(), "what is switched off wants to see nothing"
    RowCache(cache, ImageCaption, f"{CAPTIONER} {INPUT} 20-tokens-1-beam").put([ImageCaption("a", "a cat", 0.5)])
    assert unseen(models, cache, ["a", "b"]) == {"b"}
    cache.put_pixels("64x64-squash-bicubic", {"a": "00-4x3", "b": "11-4x3", "c": "00-4x3"})
    assert unseen(models, cache, ["a", "b", "c"]) == {"b"}, (
        "both models have seen the pixels of c, which are those of a"
    )
    assert [str(spec) for spec in input_specs(models)] == ["64x64-squash-bicubic"]
