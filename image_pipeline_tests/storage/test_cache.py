"""The content cache: computed once, for every process; and it may be deleted at any time."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from image_pipeline.errors import StoreError
from image_pipeline.schema.rows import DecodedContent, Embedding, ImageCaption, MetadataOfImage
from image_pipeline.storage.cache import ContentCache, RowCache
from image_pipeline_tests.storage.conftest import metadata, sha256, unit_vector


@pytest.fixture
def cache(tmp_path: Path) -> ContentCache:
    return ContentCache(tmp_path / "cache" / "content.sqlite")


def test_values_belong_to_their_producer(cache: ContentCache) -> None:
    cache.put("a", {"1": b"one", "2": b""})
    cache.put("b", {"1": b"uno"})
    cache.put("a", {})
    assert cache.get("a", ["1", "2", "3", "1"]) == {"1": b"one", "2": b""}
    assert cache.get("b", ["1", "2"]) == {"1": b"uno"}
    assert cache.get("c", ["1"]) == {}
    assert cache.get("a", []) == {}
    cache.put("a", {"1": b"other"})
    assert cache.get("a", ["1"]) == {"1": b"other"}


def test_any_number_of_contents_is_asked_for_at_once(cache: ContentCache) -> None:
    values = {sha256(str(n)): str(n).encode() for n in range(40_000)}
    cache.put("p", values)
    assert cache.get("p", list(values)) == values


def test_what_is_forgotten_of_a_content_is_forgotten_of_all_producers(cache: ContentCache) -> None:
    for producer in ("a", "b", "c"):
        cache.put(producer, {"one": b"1", "two": b"2"})
    cache.delete(["one", "three"])
    assert [cache.get(producer, ["one", "two"]) for producer in ("a", "b", "c")] == [{"two": b"2"}] * 3


def test_a_cache_that_was_deleted_is_begun_again(cache: ContentCache, tmp_path: Path) -> None:
    cache.put("p", {"1": b"one"})
    for file in (tmp_path / "cache").iterdir():
        file.unlink()
    assert cache.get("p", ["1"]) == {}
    cache.put("p", {"1": b"again"})
    (tmp_path / "cache" / "content.sqlite").unlink()  # its side files, where there are any, stay
    assert cache.get("p", ["1"]) == {}
    cache.put("p", {"2": b"two"})
    assert cache.get("p", ["2"]) == {"2": b"two"}


@pytest.mark.parametrize("content", [b"rubbish" * 1000, None], ids=["damaged", "a directory"])
def test_a_cache_that_cannot_be_used_says_what_to_do(
    cache: ContentCache, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "cache" / "content.sqlite"
    file.parent.mkdir()
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    for use in (lambda: cache.get("p", ["1"]), lambda: cache.put("p", {"1": b"one"})):
        with pytest.raises(StoreError, match=r"content.sqlite cannot be used .*if the file is damaged, delete it"):
            use()


def test_several_processes_begin_and_fill_a_cache_at_once(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "content.sqlite"
    program = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from image_pipeline.storage.cache import ContentCache
        sys.stdin.readline()
        cache, me = ContentCache(Path({str(file)!r})), sys.argv[1]
        for n in range(40):
            cache.put("p", {{f"{{me}}-{{n}}-{{k}}": me.encode() for k in range(20)}})
            assert len(cache.get("p", [f"{{me}}-{{n}}-{{k}}" for k in range(20)])) == 20
        """
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(me)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for me in range(5)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    errors = [writer.communicate(timeout=120)[1] for writer in writers]
    assert errors == [""] * 5
    values = ContentCache(file).get("p", [f"{me}-{n}-{k}" for me in range(5) for n in range(40) for k in range(20)])
    assert len(values) == 5 * 40 * 20


def test_rows_come_back_as_they_were(cache: ContentCache) -> None:
    decoded = RowCache(cache, DecodedContent, "decoder 1")
    rows = [
        DecodedContent(sha256("a"), None, "jpeg", "decoder 1", None, None),
        DecodedContent(sha256("b"), None, None, "decoder 1", "corrupt", "Übel"),
    ]
    decoded.put(rows)
    assert decoded.get([sha256("a"), sha256("b"), sha256("c")]) == {row.sha256: row for row in rows}
    assert RowCache(cache, DecodedContent, "decoder 2").get([sha256("a")]) == {}
    told = metadata("a", keywords=["x"], exposure_s=1 / 3, taken_at="2021-07-03T10:11:12")
    RowCache(cache, MetadataOfImage, "reader").put([told])
    assert RowCache(cache, MetadataOfImage, "reader").get([sha256("a")]) == {sha256("a"): told}


def test_rows_of_an_older_version_are_made_again(cache: ContentCache) -> None:
    cache.put("blip", {sha256("a"): b'{"sha256": "a", "caption": "a cat"}'})
    assert RowCache(cache, ImageCaption, "blip").get([sha256("a")]) == {}


def test_embeddings_come_back_to_the_last_bit(cache: ContentCache) -> None:
    embeddings = RowCache(cache, Embedding, "clip")
    vectors = np.array([unit_vector("a", 32), unit_vector("b", 32)], np.float32)
    embeddings.put([Embedding("a", vectors[0].tolist()), Embedding("b", vectors[1].tolist())])
    found = embeddings.get(["b", "a", "c"])
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(np.array([found["a"].vector, found["b"].vector], np.float32), vectors)
    assert cache.get("clip", ["a"]) == {"a": vectors[0].astype("<f4").tobytes()}, "as every older version kept them"


def test_a_row_without_a_column_that_was_added_later_is_read_with_null(cache: ContentCache) -> None:
    older = {"sha256": sha256("a"), "row": None, "decode_path": "jpeg", "decoder": "1", "reason": None, "message": None}
    cache.put("decoder 1", {sha256("a"): json.dumps(older).encode()})
    expected = {sha256("a"): DecodedContent(sha256("a"), None, "jpeg", "1", None, None)}
    assert RowCache(cache, DecodedContent, "decoder 1").get([sha256("a")]) == expected


def test_contents_without_pixels_are_those_of_one_decoder_until_they_are_deleted(cache: ContentCache) -> None:
    cache.put_without_pixels("decoder 1", ["a", "b"])
    cache.put_without_pixels("decoder 1", ["b"])
    cache.put_without_pixels("decoder 1", [])
    assert cache.without_pixels("decoder 1", ["a", "b", "c"]) == {"a", "b"}
    assert cache.without_pixels("decoder 2", ["a", "b", "c"]) == set()
    cache.delete(["a"])
    assert cache.without_pixels("decoder 1", ["a", "b", "c"]) == {"b"}


def test_a_value_is_found_by_the_pixels_of_another_content(cache: ContentCache) -> None:
    captions = RowCache(cache, ImageCaption, "blip")
    captions.put([ImageCaption("a", "a cat", 0.5), ImageCaption("d", "a dog", 0.5)])
    cache.put_pixels("64x64", {"a": "00-4x3", "b": "00-4x3", "c": "00-4x3", "d": "11-4x3", "e": "22-4x3"})
    cache.put_pixels("32x32", {"b": "11-4x3", "d": "11-4x3", "f": "00-4x3"})
    assert cache.pixels("64x64", ["a", "e", "f"]) == {"a": "00-4x3", "e": "22-4x3"}
    assert captions.take_over("64x64", ["b", "e", "f"]) == {"b": ImageCaption("b", "a cat", 0.5)}
    assert captions.get(["b", "c"]) == {"b": ImageCaption("b", "a cat", 0.5)}, "only what was asked for is stored"
    assert RowCache(cache, ImageCaption, "other").take_over("64x64", ["c"]) == {}
    cache.delete(["a", "b"])
    assert captions.take_over("64x64", ["c"]) == {}
    assert cache.pixels("64x64", ["a", "b", "c"]) == {"c": "00-4x3"}


def test_many_contents_of_one_picture_cost_no_more_than_others(cache: ContentCache) -> None:
    sha256s = [str(number) for number in range(5000)]
    cache.put_pixels("64x64", dict.fromkeys(sha256s, "00-4x3"))
    cache.put("clip", {"0": b"value"})
    assert cache.get_by_pixels("clip", "64x64", sha256s[1:]) == dict.fromkeys(sha256s[1:], b"value")


def test_successes_of_older_versions_are_taken_over(cache: ContentCache) -> None:
    """Under a plain name or with limits; a column that they lack is null, and failures are not among them."""
    success = b'{"sha256": "%s", "row": null, "decode_path": "full", "decoder": "old", "reason": null, "message": null}'
    failure = b'{"sha256": "c", "row": null, "decode_path": null, "decoder": "old", "reason": "corrupt", "message": ""}'
    cache.put("decode-5 x", {"a": success % b"a", "c": failure})
    cache.put("decode-5 x 30 s", {"b": success % b"b"})
    cache.put("decode-5 xy", {"d": success % b"d"})
    cache.take_over_successes("decode-5 x", "decode-6 x")

    rows = RowCache(cache, DecodedContent, "decode-6 x").get(["a", "b", "c", "d"])

    assert rows == {sha256: DecodedContent(sha256, None, "full", "old", None, None) for sha256 in ("a", "b")}
    assert cache.get("decode-5 x", ["a", "c"]) == {} == cache.get("decode-5 x 30 s", ["b"])
    assert cache.get("decode-5 xy", ["d"]).keys() == {"d"}
