"""Searches in pages: the first page for a question, and the pages that follow, by a cursor."""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from image_pipeline.collection.dated import DatePosition
from image_pipeline.collection.hits import Hit, Sort, by_date
from image_pipeline.collection.lookups import Unmatched
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.errors import PipelineError
from image_pipeline.services.query_filters import filter_texts
from image_pipeline.services.query_language import parse_query
from image_pipeline.services.query_tokens import QueryError
from image_pipeline.services.question import Question
from image_pipeline.services.ranking import Ranking, Rankings
from image_pipeline.services.search import Answer, Search

RESORTED = 500
"""How many of the most relevant photographs are sorted by date, if a search by words or examples is."""

_MOST_CHARACTERS = 16_000
"""The texts of filters in a cursor may be longer than what was typed."""


class CursorError(PipelineError):
    """A text is no cursor."""

    def __init__(self) -> None:
        super().__init__("The cursor is not valid: give the one of the page before, as it is.")


@dataclass(frozen=True)
class SearchPage:
    """A page of photographs, and the cursor of the next one; None if there is none.

    `left_out` is the number of files that pass the filters and are left out because they are not close to the words:
    known at the end of the last page, else None. `resorted` is how many of the most relevant photographs were sorted by
    date, None if all were, or none. `unmatched` are texts of the filters that no photograph matches. `is_calibrated` is
    False if it is not known which photographs are close.
    """

    hits: list[Hit]
    cursor: str | None
    left_out: int | None = None
    resorted: int | None = None
    unmatched: tuple[Unmatched, ...] = ()
    is_calibrated: bool = True


class SearchPages:
    """The pages of searches, for all threads of a process."""

    def __init__(self, search: Search) -> None:
        self._search, self._rankings = search, Rankings()

    def first(self, question: Question, sort: Sort | None, limit: int, only_close: bool = True) -> SearchPage:
        """The first `limit` photographs for a question.

        By default, the most relevant first, or the newest if there is nothing to compare with. Raises as
        `Search.asking` does, and ValueError for relevance without anything to compare with.
        """
        if not question.is_compared:
            return self._dated(question.search_filter, sort or Sort.NEWEST, limit, None)
        more = self._search.asking(question, only_close)
        counted = question.search_filter if question.is_of_words and only_close and not question.phrases else None
        if sort in (None, Sort.RELEVANCE):
            ranking = Ranking(more, counted=counted)
        else:
            answer = more((), RESORTED)
            hits = by_date(answer.hits, sort)
            ranking = Ranking(
                _nothing,
                counted=counted,
                hits=hits,
                last=answer,
                is_complete=True,
                resorted=len(hits),
                is_cut=len(hits) >= RESORTED,
            )
        page = self._ranked(ranking, 0, limit)
        if page.cursor is not None:
            self._rankings.keep(ranking)
        return page

    def following(self, cursor: str, limit: int) -> SearchPage:
        """The page after the one that had this cursor.

        Raises CursorError if it is none, ForgottenRankingError if that search is no longer kept, and as `first`.
        """
        match _decoded(cursor):
            case ["r", str(key), int(offset)] if offset >= 0:
                return self._ranked(self._rankings.get(key), offset, limit)
            case ["d", str(sort), str(text), str() | None as date, str(id_)]:
                try:
                    query = parse_query(text, _MOST_CHARACTERS, _MOST_CHARACTERS)
                    position = DatePosition(date, id_)
                    position.check()
                    return self._dated(query.search_filter, Sort(sort), limit, position)
                except (ValueError, QueryError) as error:
                    raise CursorError from error
            case _:
                raise CursorError

    def _ranked(self, ranking: Ranking, offset: int, limit: int) -> SearchPage:
        hits, following = ranking.page(offset, limit)
        left_out = None
        # a ranking that was cut at its greatest length leaves out close ones, too
        if following is None and ranking.counted is not None and not ranking.is_cut:
            shown = sum(1 + len(hit.copies) for hit in ranking.hits)
            left_out = max(0, self._search.count(ranking.counted) - shown)
        last = ranking.last or Answer([], [])
        return SearchPage(
            hits=hits,
            cursor=None if following is None else _encoded(["r", ranking.key, following]),
            left_out=left_out,
            resorted=ranking.resorted,
            unmatched=tuple(last.unmatched) if offset == 0 else (),
            is_calibrated=last.is_calibrated,
        )

    def _dated(self, asked: SearchFilter, sort: Sort, limit: int, after: DatePosition | None) -> SearchPage:
        if sort is Sort.RELEVANCE:
            raise ValueError("Without a query, no photograph is more relevant than another.")
        answer, end = self._search.page_by_date(sort, limit, asked, after)
        cursor = None
        if end is not None:
            cursor = _encoded(["d", str(sort), " ".join(filter_texts(asked)), end.taken_local, end.id])
        return SearchPage(answer.hits, cursor, unmatched=tuple(answer.unmatched))


def _nothing(_: Collection[str], __: int) -> Answer:
    return Answer([], [])


def _encoded(values: list[Any]) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())
        .decode()
        .rstrip("=")
    )


def _decoded(cursor: str) -> Any:
    try:
        return json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise CursorError from error
