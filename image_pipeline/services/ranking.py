"""Rankings: the photographs found for a question, as far as they were asked for, so that pages of them fit together.

A page that follows is the best of the photographs that no page has shown so far. So no photograph is repeated, and none
that is there all the time is skipped, whatever comes and goes between two pages; and a page that is asked for twice is
the same. A ranking is kept for as long as there is room, the one that was used last for longest.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from image_pipeline.collection.hits import Hit
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.services.question import ForgottenRankingError
from image_pipeline.services.search import Answer

MOST_HITS = 5000
"""How many photographs a ranking has at most: nobody looks at more, and each page takes a little longer."""

_MOST_RANKINGS, _MOST_KEPT = 256, 50_000


@dataclass
class Ranking:
    """A ranking: `more(shown, n)` answers with the n best photographs without those with `shown` sha256 or pixels.

    `hits` are the photographs so far, `last` is the latest answer. `key` is a secret of whoever asked.
    `counted` is the filter that lets through all photographs, close or not; None if none are left out. `resorted` is
    the number of photographs that were sorted by date. `is_cut` if there may be more that it does not hold.
    """

    more: Callable[[Collection[str], int], Answer]
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    hits: list[Hit] = field(default_factory=list)
    last: Answer | None = None
    is_complete: bool = False
    counted: SearchFilter | None = None
    resorted: int | None = None
    is_cut: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, offset: int, limit: int) -> tuple[list[Hit], int | None]:
        """Up to `limit` photographs from number `offset`, and the number of the next one; None if there are no more.

        Raises as `more` does.
        """
        with self._lock:
            while not self.is_complete and len(self.hits) < offset + limit:
                self._extend(offset + limit - len(self.hits))
            found = self.hits[offset : offset + limit]
            following = offset + len(found)
            return found, following if following < len(self.hits) or not self.is_complete else None

    def _extend(self, count: int) -> None:
        wanted = min(count, MOST_HITS - len(self.hits))
        shown = {key for hit in self.hits for key in hit.keys}
        self.last = self.more(shown, wanted) if wanted > 0 else self.last
        new = [] if self.last is None or wanted <= 0 else self.last.hits
        self.hits += new
        self.is_cut = len(self.hits) >= MOST_HITS
        self.is_complete = len(new) < wanted or self.is_cut


class Rankings:
    """The rankings of a process, for all of its threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Ranking] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, ranking: Ranking) -> None:
        """Keep a ranking, and forget others if they have become too many."""
        with self._lock:
            self._kept[ranking.key] = ranking
            self._make_room()

    def get(self, key: str) -> Ranking:
        """The ranking with this key. Raises ForgottenRankingError if it is not kept."""
        with self._lock:
            if key not in self._kept:
                raise ForgottenRankingError
            self._kept.move_to_end(key)
            self._make_room()
            return self._kept[key]

    def _make_room(self) -> None:
        hits = sum(len(one.hits) for one in self._kept.values())
        while len(self._kept) > 1 and (len(self._kept) > _MOST_RANKINGS or hits > _MOST_KEPT):
            _, forgotten = self._kept.popitem(last=False)
            hits -= len(forgotten.hits)
