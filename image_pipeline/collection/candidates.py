"""Candidates: the photographs among which the best for a query are, with all that their order depends on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from image_pipeline.collection import photographs
from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.facets import Facets
from image_pipeline.collection.named_values import NamedValues
from image_pipeline.collection.photographs import Photograph, Photographs, collect
from image_pipeline.collection.points import PointId
from image_pipeline.collection.typed_words import Evidence, TypedWords
from image_pipeline.collection.where import Condition, Ids, Where
from image_pipeline.collection.words import FIELDS
from image_pipeline.schema.payload import PATH

_MOST_MATCHES = 2000
"""If more points have words of the query, only the best of these are compared with its vector."""

READ = sorted({*photographs.READ, *(field.source.name for field in FIELDS)})
"""The fields that are read of each candidate: those of a hit, and those with words."""


@dataclass
class Candidate:
    """A photograph that may be among the best.

    `cosine` is that of its nearest point, `score` and `evidence` are those of the point that has the words best: the
    score is that by BM25, times the share of the query that the point has. `has_named_value` if a point has one of the
    people and places that the query names. `close` is None if it is not known whether it is close to the query.
    """

    photograph: Photograph
    cosine: float
    score: float
    evidence: Evidence
    has_named_value: bool
    fused: float = 0.0
    close: bool | None = None

    @property
    def key(self) -> tuple[bool, bool, float, str]:
        """The key of its place in the order."""
        return (
            not self.evidence.is_named,
            self.close is False,
            -self.fused,
            str(self.photograph.best.payload[PATH.name]),
        )


class _Points:
    """The points that were found, each with its cosine and the fields of `READ`, which are read once."""

    def __init__(self, engine: Engine, version: str) -> None:
        self._engine, self._version = engine, version
        self.by_id: dict[PointId, HeldPoint] = {}

    def having_read(self, found: Sequence[HeldPoint]) -> list[HeldPoint]:
        """The points with their payload; those that were deleted meanwhile are left out."""
        unknown = {point.id: point for point in found if point.id not in self.by_id}
        if unknown:
            for point in self._engine.read(self._version, list(unknown), READ):
                self.by_id[point.id] = HeldPoint(point.id, point.payload, score=unknown[point.id].score)
        return [self.by_id[point.id] for point in found if point.id in self.by_id]


def candidates(
    engine: Engine,
    version: str,
    vector: Sequence[float],
    words: TypedWords,
    window: int,
    conditions: Sequence[Condition],
) -> list[Candidate]:
    """The photographs in the first `window` places of a list, in any order, and not yet fused.

    The lists are those of the nearest photographs, of those whose words match best, of the nearest ones with a person
    or a place that the query names, and, if names match, of the nearest ones among the many whose words match. With a
    window of 60 + 2 n, no other photograph can be among the n best, with the limits that decision 30 names.

    Payloads are read only of points that are in a list: to read one takes much longer than to compare its vector.
    """
    points = _Points(engine, version)

    def next_nearest(where: Where, count: int) -> list[HeldPoint]:
        return points.having_read(engine.nearest(version, vector, count, where, []))

    def add_nearest(among: Sequence[Condition]) -> None:
        collect(next_nearest, Photographs(), window, among, window + window // 8)

    add_nearest(conditions)
    best = engine.matching(version, words.vector, window, Where(must=conditions), [])
    distant = [point.id for point in best if point.id not in points.by_id]
    if distant:
        points.having_read(engine.nearest(version, vector, len(distant), Where(must=[Ids(distant)]), []))
    named = NamedValues({})
    if best:  # otherwise, no value has a word of the query either
        named = NamedValues.of(words, Facets(engine, version))
    if named.values:
        add_nearest([*conditions, Where(should=named.conditions)])
    # names weigh most: if none of the best points is named, hardly any other one is
    if len(best) == window and any(words.evidence(point.payload).is_named for point in points.having_read(best)):
        where = Where(must=conditions)
        points.having_read(engine.nearest_matching(version, vector, words.vector, _MOST_MATCHES, window, where, []))
    scores = {point.id: point.score for point in best}
    unknown = [id_ for id_ in points.by_id if id_ not in scores]
    if len(best) == window and unknown:
        known = engine.matching(version, words.vector, len(unknown), Where(must=[Ids(unknown)]), [])
        scores |= {point.id: point.score for point in known}
    found = Photographs()
    for point in sorted(points.by_id.values(), key=lambda one: -one.score):
        found.add(point)
    return [_candidate(one, scores, words, named) for one in found.first(len(found))]


def _candidate(
    photograph: Photograph, scores: Mapping[PointId, float], words: TypedWords, named: NamedValues
) -> Candidate:
    matching = [point for point in photograph.points if point.id in scores]
    by_words = ((words.evidence(point.payload), scores[point.id]) for point in matching)
    weighted = [(evidence.is_named, evidence.share * score, evidence) for evidence, score in by_words]
    _, score, evidence = max(weighted, key=lambda one: one[:2], default=(False, 0.0, Evidence()))
    has_named_value = any(named.are_in(point.payload) for point in matching)
    return Candidate(photograph, max(point.score for point in photograph.points), score, evidence, has_named_value)
