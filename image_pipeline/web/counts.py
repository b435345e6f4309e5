"""Routes that count: the values of fields, months and days, places on the map."""

from typing import Annotated

from fastapi import APIRouter, Query

from image_pipeline.http_problem import failures
from image_pipeline.services.facet_fields import FACETS
from image_pipeline.services.filter_texts import box_of
from image_pipeline.services.map_clusters import EVERYWHERE, read_clusters
from image_pipeline.services.timeline import read_timeline
from image_pipeline.web.library import ServedLibrary
from image_pipeline.web.parameters import FacetParameters, MapParameters, TimelineParameters
from image_pipeline.web.replies import FacetAnswer, FacetValue, MapAnswer, MapCluster, Period, TimelineAnswer
from image_pipeline.web.shown import has_prefix, unmatched_texts


def count_routes(library: ServedLibrary) -> APIRouter:
    """The routes over the counts of `library`. Words in `q` count for nothing there: only filters do."""
    router = APIRouter(tags=["counts"])

    @router.get("/facets", responses=failures(409, 422, 500, 503))
    def facets(given: Annotated[FacetParameters, Query()]) -> FacetAnswer:
        """The values of a field, the most frequent first, with the number of files that the filters let through.

        With a prefix, they complete what is being typed.
        """
        answer = library.search.facet(FACETS[given.field], given.search_filter())
        values = [(value, count) for value, count in answer.counts.items() if has_prefix(value, given.prefix)]
        return FacetAnswer(
            values=[FacetValue(value=value, count=count) for value, count in values[: given.limit]],
            total=len(values),
            unmatched=unmatched_texts(answer.unmatched),
        )

    @router.get("/timeline", responses=failures(409, 422, 500, 503))
    def timeline(given: Annotated[TimelineParameters, Query()]) -> TimelineAnswer:
        """The number of files by month, or by day of one month, on the photographer's clock."""
        month = None if given.month is None else (int(given.month[:4]), int(given.month[5:]))
        found = read_timeline(library.search, given.search_filter(), month)
        return TimelineAnswer(
            periods=[Period(period=period, count=count) for period, count in found.counts.items()],
            undated=found.undated,
        )

    @router.get("/map", responses=failures(409, 422, 500, 503))
    def clusters(given: Annotated[MapParameters, Query()]) -> MapAnswer:
        """The clusters in a part of the map, up to 1,000: about one for each 64 by 64 pixels that has files."""
        box = EVERYWHERE if given.box is None else box_of(given.box.split(","))
        found = read_clusters(library.search, given.search_filter(), box, given.zoom)
        return MapAnswer(
            clusters=[MapCluster(count=one.count, lat=one.latitude, lon=one.longitude, id=one.id) for one in found]
        )

    return router
