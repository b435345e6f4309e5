"""Fusion: one order of the photographs that are near the vector of a query and those that have its words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from image_pipeline.collection.candidates import READ, Candidate, candidates
from image_pipeline.collection.engine import Engine
from image_pipeline.collection.hits import Hit, hit_of
from image_pipeline.collection.photographs import with_files
from image_pipeline.collection.typed_words import TypedWords
from image_pipeline.collection.where import Condition

RANK_CONSTANT = 60
"""The k of reciprocal rank fusion, from its authors' experiments."""


def fused(
    engine: Engine,
    version: str,
    vector: Sequence[float],
    words: TypedWords,
    limit: int,
    conditions: Sequence[Condition],
    cut: float | None = None,
    phrases: Sequence[TypedWords] = (),
) -> list[Hit]:
    """The `limit` best photographs for a query, by its `vector` (float32 `[d]`, unit length) and by its words.

    Photographs with all words of the query in their names come first (`Evidence.is_named`). Otherwise, and among these,
    they are in the order of reciprocal rank fusion, as `_fuse` describes. Copies count once; the hit of a photograph
    with copies is the file that has the most of the words, or the one whose path comes first. Its score is its cosine,
    whichever way it was found.

    With a `cut`, photographs that are not close to the query come after all others. Close are those whose cosine is at
    least `cut`, those that have all words of the query, and those with one of them as a name (`Evidence.has_name`). One
    word in a caption is not enough: the purple of a purple car is also a word of `a purple elephant`.

    A photograph must have all `phrases`, each with its words side by side in one text of one of its files.
    """
    found = candidates(engine, version, vector, words, RANK_CONSTANT + 2 * limit, conditions)
    if phrases:
        found = [one for one in found if all(_has(one, phrase) for phrase in phrases)]
    _fuse(found)
    if cut is not None:
        for one in found:
            one.close = one.cosine >= cut or one.evidence.is_complete or one.evidence.has_name
    best = sorted(found, key=lambda one: one.key)[:limit]
    files = with_files(engine, version, [one.photograph for one in best], conditions, READ)
    return [_hit(one, payloads, words) for one, (_, payloads) in zip(best, files, strict=True)]


def _has(candidate: Candidate, phrase: TypedWords) -> bool:
    evidence = (phrase.evidence(point.payload) for point in candidate.photograph.points)
    return any(one.is_complete and one.share == 1 for one in evidence)


def _hit(candidate: Candidate, files: Mapping[str, Mapping[str, Any]], words: TypedWords) -> Hit:
    """The hit of a photograph with these files, by path."""

    def key(path: str) -> tuple[bool, float, str]:
        evidence = words.evidence(files[path])
        return not evidence.is_named, -evidence.share, path

    first = min(files, key=key) if len(files) > 1 else next(iter(files))
    copies = [payload for path, payload in files.items() if path != first]
    hit = hit_of(files[first], candidate.cosine, copies, words.found_in(files[first]))
    return replace(hit, close=candidate.close)


def _fuse(found: Sequence[Candidate]) -> None:
    """Set the fused scores by reciprocal rank fusion, weighted.

    The score is 1 / (k + rank by cosine) + share / (k + rank by words), with k = 60: Cormack, Clarke and Büttcher,
    "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods" (SIGIR 2009). The share of the
    query that a photograph has is a weight, so that one word of many does not count as much as the whole query. For a
    photograph with a person or a place that the query names, 1 / (k + rank by cosine among all such) is added: the
    picture cannot say who is on it and where, but well what else the query is about. Photographs with equal scores all
    have the last of their ranks: words that very many have say little.
    """
    named = [one for one in found if one.has_named_value]
    cosines, among_named = (_ranks(some, lambda one: one.cosine) for some in (found, named))
    matches = _ranks(found, lambda one: one.score)
    for one in found:
        by_words = one.evidence.share / (RANK_CONSTANT + matches[one.score])
        one.fused = 1 / (RANK_CONSTANT + cosines[one.cosine]) + by_words
        if one.has_named_value:
            one.fused += 1 / (RANK_CONSTANT + among_named[one.cosine])


def _ranks(found: Iterable[Candidate], score: Callable[[Candidate], float]) -> dict[float, int]:
    """The rank of each score, from 1: the number of those that are not lower."""
    return {value: number for number, value in enumerate(sorted(map(score, found), reverse=True), 1)}
