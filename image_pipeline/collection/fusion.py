"""Fusion: one order of the photographs that are near the vector of a query and those that have its words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.hits import Hit, hit_of
from image_pipeline.collection.photographs import READ, Photograph, Photographs, collect, with_files
from image_pipeline.collection.points import PointId
from image_pipeline.collection.typed_words import Evidence, TypedWords
from image_pipeline.collection.where import Condition, Ids, Where
from image_pipeline.collection.words import FIELDS
from image_pipeline.schema.payload import PATH

RANK_CONSTANT = 60
"""The k of reciprocal rank fusion, from its authors' experiments."""

_MOST_MATCHES = 2000
"""If more points have words of the query, only the best of these are compared with its vector."""

_FIELDS = sorted({*READ, *(field.source.name for field in FIELDS)})


def fused(
    engine: Engine,
    version: str,
    vector: Sequence[float],
    words: TypedWords,
    limit: int,
    conditions: Sequence[Condition],
) -> list[Hit]:
    """The `limit` best photographs for a query, by its `vector` (float32 `[d]`, unit length) and by its words.

    Photographs with all words of the query in their names come first (`Evidence.is_named`). Otherwise, and among these,
    they are in the order of reciprocal rank fusion, as `_fuse` describes. Copies count once; the hit of a photograph
    with copies is the file that has the most of the words, or the one whose path comes first. Its score is its cosine,
    whichever way it was found.
    """
    found = _candidates(engine, version, vector, words, limit, conditions)
    best = {id(one.photograph): one for one in sorted(found, key=lambda one: one.key)[:limit]}
    photographs = [one.photograph for one in best.values()]
    hits = []
    for photograph, files in with_files(engine, version, photographs, conditions, _FIELDS):
        evidence = {path: words.evidence(payload) for path, payload in files.items()}
        first = min(files, key=lambda path: (not evidence[path].is_named, -evidence[path].share, path))
        copies = [payload for path, payload in files.items() if path != first]
        hits.append(hit_of(files[first], best[id(photograph)].cosine, copies, words.found_in(files[first])))
    return hits


@dataclass
class _Candidate:
    """A photograph with its cosine and the best of its points by words: its score by words, and its evidence."""

    photograph: Photograph
    cosine: float
    score: float
    evidence: Evidence
    fused: float = 0.0

    @property
    def key(self) -> tuple[bool, float, str]:
        """The key of its place in the order."""
        return not self.evidence.is_named, -self.fused, str(self.photograph.best.payload[PATH.name])


def _candidates(
    engine: Engine,
    version: str,
    vector: Sequence[float],
    words: TypedWords,
    limit: int,
    conditions: Sequence[Condition],
) -> list[_Candidate]:
    """The photographs among which the `limit` best are, in any order, with their fused scores.

    These are the nearest ones, those whose words match best, and the nearest ones among the many whose words match.
    A photograph that is in none of the first 60 + 2 `limit` places of a list cannot be among the best: even in both
    lists, its score is less than 2 / (120 + 2 `limit`), which each of the first `limit` of the nearest exceeds.
    """
    window = RANK_CONSTANT + 2 * limit
    points = {point.id: point for point in _nearest(engine, version, vector, window, conditions)}
    matching = engine.matching(version, words.vector, _MOST_MATCHES, Where(must=conditions), [])
    scores = {point.id: point.score for point in matching}
    if len(scores) > window:
        points |= {
            point.id: point for point in _nearest(engine, version, vector, window, [*conditions, Ids(list(scores))])
        }
    best = [id_ for id_ in list(scores)[:window] if id_ not in points]
    if best:
        found = engine.nearest(version, vector, len(best), Where(must=[Ids(best)]), _FIELDS)
        points |= {point.id: point for point in found}
    unknown = [id_ for id_ in points if id_ not in scores]
    if len(scores) == _MOST_MATCHES and unknown:
        known = engine.matching(version, words.vector, len(unknown), Where(must=[Ids(unknown)]), [])
        scores |= {point.id: point.score for point in known}
    photographs = Photographs()
    for point in sorted(points.values(), key=lambda one: -one.score):
        photographs.add(point)
    candidates = [_candidate(one, scores, words) for one in photographs.first(len(photographs))]
    _fuse(candidates)
    return candidates


def _candidate(photograph: Photograph, scores: Mapping[PointId, float], words: TypedWords) -> _Candidate:
    """The photograph as a candidate; the score of a point by words is that by BM25 times the share that it has."""
    by_words = ((words.evidence(point.payload), scores[point.id]) for point in photograph.points if point.id in scores)
    weighted = [(evidence.is_named, evidence.share * score, evidence) for evidence, score in by_words]
    _, score, evidence = max(weighted, key=lambda one: one[:2], default=(False, 0.0, Evidence(0.0, is_named=False)))
    return _Candidate(photograph, max(point.score for point in photograph.points), score, evidence)


def _nearest(
    engine: Engine, version: str, vector: Sequence[float], count: int, conditions: Sequence[Condition]
) -> list[HeldPoint]:
    """The points of the `count` nearest photographs."""
    found = Photographs()

    def next_points(where: Where, most: int) -> list[HeldPoint]:
        return engine.nearest(version, vector, most, where, _FIELDS)

    collect(next_points, found, count, conditions, count)
    return [point for photograph in found.first(count) for point in photograph.points]


def _fuse(found: Iterable[_Candidate]) -> None:
    """Set the fused scores by reciprocal rank fusion, weighted.

    The score is 1 / (k + rank by cosine) + share / (k + rank by words), with k = 60: Cormack, Clarke and Büttcher,
    "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods" (SIGIR 2009). The share of the
    query that a photograph has is a weight, so that one word of many does not count as much as the whole query.
    Photographs with equal scores all have the last of their ranks: words that very many have say little.
    """
    cosines = _ranks(found, lambda one: one.cosine)
    matches = _ranks(found, lambda one: one.score)
    for one in found:
        by_words = one.evidence.share / (RANK_CONSTANT + matches[one.score])
        one.fused = 1 / (RANK_CONSTANT + cosines[one.cosine]) + by_words


def _ranks(found: Iterable[_Candidate], score: Callable[[_Candidate], float]) -> dict[float, int]:
    """The rank of each score, from 1: the number of those that are not lower."""
    return {value: number for number, value in enumerate(sorted(map(score, found), reverse=True), 1)}
