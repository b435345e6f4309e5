"""The commands that look into the collection: search, facets."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from image_pipeline.cli.filters import filter_options, search_filter_of
from image_pipeline.cli.library_paths import picture_of
from image_pipeline.cli.options import errors_for_people, print_notice, shared_options
from image_pipeline.schema.camera import camera_name
from image_pipeline.schema.moment import Precision
from image_pipeline.schema.payload import DIRECTORY
from image_pipeline.services.facet_fields import FACETS
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings, load_settings
from image_pipeline.terminal import counted, echo, echo_json

if TYPE_CHECKING:
    from image_pipeline.collection.hits import Hit
    from image_pipeline.collection.lookups import Unmatched
    from image_pipeline.collection.typed_words import MatchedWord
    from image_pipeline.services.filter_texts import FilterTexts
    from image_pipeline.services.search import Answer

_RELEVANCE, _NEWEST, _OLDEST = "relevance", "newest", "oldest"
_LENGTHS = {Precision.YEAR: 4, Precision.MONTH: 7, Precision.DAY: 10}
_MINUTES = 16
"""The length of an ISO date with hours and minutes."""

_NOUNS = {field.name: noun for noun, field in FACETS.items()}


@click.command()
@click.argument("text", nargs=-1, metavar="[WORDS]...")
@click.option("--image", metavar="FILE", help="Search by this picture instead: a file, or a path that search printed.")
@click.option(
    "--limit", default=10, show_default=True, type=click.IntRange(1, 1000), help="Maximum number of photographs."
)
@click.option(
    "--sort",
    type=click.Choice([_RELEVANCE, _NEWEST, _OLDEST]),
    help="Order of the photographs; relevance by default, newest without WORDS and --image. With them, newest and "
    "oldest sort the most relevant photographs, as many as --limit allows.",
)
@click.option("--all", "show_all", is_flag=True, help="Also list photographs that are not close to WORDS.")
@filter_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def search(
    text: tuple[str, ...],
    image: str | None,
    limit: int,
    sort: str | None,
    show_all: bool,
    filters: "FilterTexts",
    as_json: bool,
    **given: Any,
) -> None:
    """Find the best photographs for WORDS, best first; or, without WORDS, those that the filters let through.

    WORDS describe a picture, or name what is in it: a red circle, Anna in Lisbon, IMG_2034. They are compared with the
    pictures, and with the words of each photograph: people, title, keywords, city, state, country, names of the file
    and of its directories, caption, description. Photographs that have all of WORDS among their names, that is, in
    these except caption and description, come first. Words such as a, the, photo do not count unless there are no
    others. Upper and lower case and accents make no difference.

    Without WORDS and --image, the newest photographs come first, those without a date last, and no model is loaded.
    Copies of a photograph are listed once. Upper and lower case make no difference in filters.

    Photographs that are not close to WORDS are left out: their score is hardly better than that of words that fit every
    photograph, and they have neither all of WORDS nor one of them in people, title, keywords, city, state or country.
    Nothing is left out without WORDS, among fewer than 32 files, or if the model is not calibrated, as only the demo
    models are.

    The keys of each object in the JSON list: path, score (cosine; null without WORDS and --image), close (whether the
    photograph is close to WORDS; null if nothing would be left out), caption, sha256, copies (other files with the same
    picture), identical (those of copies that have the same content, byte by byte), and, null if unknown, taken_local
    (on the photographer's clock), taken_precision (second, minute, day, month, year), place (lat, lon), city, country,
    camera_make, camera_model, width, height (in pixels), size_bytes, pixels (a digest of the picture); and matched,
    null without WORDS: its key words lists those of WORDS that the photograph has, as objects with the keys word and
    fields (names of payload fields, and file_name), its key picture is the cosine.
    """
    words = _words(text, image)
    settings = load_settings(**given)
    search_filter = search_filter_of(filters, lambda: _library(settings))
    from image_pipeline.collection.hits import Sort
    from image_pipeline.collection.search_filter import SearchFilter

    if words is None and image is None:
        if sort == _RELEVANCE:
            raise click.UsageError(
                "--sort relevance needs WORDS or --image FILE: give one of them, or sort by newest or oldest."
            )
        if sort is None and search_filter == SearchFilter():
            raise click.UsageError(
                "Give WORDS that describe a picture, --image FILE, at least one filter, such as --camera, --after or "
                "--keyword, or --sort newest."
            )
    picture = None if image is None else picture_of(image, _library(settings))
    from image_pipeline.services.search import Search

    with Search(settings, Wiring(settings).address) as searching:
        if picture is not None:
            answer = searching.by_picture(picture, limit, search_filter, Sort(sort or _RELEVANCE))
        elif words is not None:
            answer = searching.by_words(words, limit, search_filter, Sort(sort or _RELEVANCE), not show_all)
        else:
            answer = searching.by_filter(limit, search_filter, Sort(sort or _NEWEST))
    if as_json:
        echo_json([dataclasses.asdict(hit) for hit in answer.hits])
    else:
        _show(answer, show_all)


def _words(text: tuple[str, ...], image: str | None) -> str | None:
    """The words that were given, quoted or not, as one text; None if there are none."""
    if not text:
        return None
    if image is not None:
        raise click.UsageError("Give either WORDS or --image FILE, not both.")
    words = " ".join(text).strip()
    if not words:
        raise click.UsageError("WORDS are empty: describe a picture, such as `image-pipeline search a red circle`.")
    return words


def _library(settings: Settings) -> Path | None:
    return settings.library or Wiring(settings).ledger.library()


def _show(answer: "Answer", show_all: bool) -> None:
    for hit in answer.hits:
        score = "" if hit.score is None else f"{hit.score:.3f}  "
        echo(f"{score}{hit.path}{_copies(hit)}{'  (not close)' if hit.close is False else ''}")
        for line in (" · ".join(_facts(hit)), hit.caption, _matched(hit)):
            if line:
                echo(f"       {line}")
    _explain(answer.unmatched)
    if answer.left_out:
        if answer.hits:
            echo("Other photographs are not close: `--all` lists them, too.")
        else:
            echo("Nothing close was found: `--all` lists the nearest photographs.")
    elif not answer.hits:
        echo("No photographs were found.")
    elif not answer.is_calibrated and not show_all and answer.hits[0].matched is not None:
        print_notice("The scores of this model are not calibrated, so photographs that are not close are listed, too.")


def _matched(hit: "Hit") -> str:
    """Why the photograph was found; empty if it was not searched by words."""
    if hit.matched is None:
        return ""
    groups = [
        f"{_listed([_quoted(one) for one in group])} in {_listed([field.replace('_', ' ') for field in fields])}"
        for fields, group in groupby(hit.matched.words, key=lambda one: one.fields)
    ]
    words = f"words {', '.join(groups)} · " if groups else ""
    return f"matched: {words}picture {hit.matched.picture:.2f}"


def _quoted(one: "MatchedWord") -> str:
    return f'"{one.word}"'


def _listed(texts: Sequence[str]) -> str:
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last


def _copies(hit: "Hit") -> str:
    if not hit.copies:
        return ""
    identical = f", {len(hit.identical)} identical" if hit.identical else ""
    return f"  (+{counted(len(hit.copies), 'copy', 'copies')}{identical})"


def _facts(hit: "Hit") -> Iterator[str]:
    """What is known of a photograph, each as people write it."""
    if hit.taken_local is not None:
        precision = None if hit.taken_precision is None else Precision(hit.taken_precision)
        yield hit.taken_local[: _LENGTHS.get(precision, _MINUTES) if precision else _MINUTES].replace("T", " ")
    names = [name for name in (hit.city, hit.country) if name is not None]
    if names:
        yield ", ".join(names)
    elif hit.place is not None:
        yield f"{hit.place['lat']:.4f}, {hit.place['lon']:.4f}"
    camera = camera_name(hit.camera_make, hit.camera_model)
    if camera is not None:
        yield camera
    if hit.width is not None and hit.height is not None:
        yield f"{hit.width} × {hit.height}"


@click.command()
@click.argument("field", metavar="FIELD", required=False, type=click.Choice(list(FACETS)))
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="Maximum number of values."
)
@filter_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def facets(field: str | None, limit: int, filters: "FilterTexts", as_json: bool, **given: Any) -> None:
    """List the values of FIELD in the collection, the most frequent first, with the number of files that have each.

    FIELD is one of camera, lens, keyword, person, city, country, year, rating, iso, format, directory. Every file
    counts, so copies of a photograph count separately. A photograph whose date is known in part counts in its year.
    Files without a value are not counted.

    The keys of each object in the JSON list: value, count.
    """
    if field is None:
        raise click.UsageError(f"Give a FIELD: {', '.join(FACETS)}.")
    settings = load_settings(**given)
    search_filter = search_filter_of(filters, lambda: _library(settings))
    from image_pipeline.collection.search_filter import SearchFilter
    from image_pipeline.services.search import Search

    with Search(settings, Wiring(settings).address) as searching:
        answer = searching.facet(FACETS[field], search_filter)
    shown = list(answer.counts.items())[:limit]
    if as_json:
        echo_json([{"value": value, "count": count} for value, count in shown])
        return
    for value, count in shown:
        echo(f"{count:>7,}  {_named(value)}")
    if len(answer.counts) > limit:
        echo(f"{counted(len(answer.counts) - limit, 'other value')}: `--limit` lists more.")
    _explain(answer.unmatched)
    if not shown:
        filtered = "" if search_filter == SearchFilter() else " that the filters let through"
        echo(f"No photograph{filtered} has a value of {field}.")


def _named(value: str | int) -> str:
    """A value as it is shown: the library itself has no name."""
    return str(value) if value != "" else "."


def _explain(unmatched: "Iterable[Unmatched]") -> None:
    """Say on stderr which texts of the filter match nothing, and what there is."""
    for one in unmatched:
        noun = _NOUNS[one.field]
        if not one.known:
            print_notice(f"No photograph has a {noun}, so none has the {noun} '{one.text}'.")
            continue
        is_in = f"is in the {noun}" if one.field == DIRECTORY.name else f"has the {noun}"
        others = f" and {counted(one.others, 'other')}" if one.others else ""
        print_notice(f"No photograph {is_in} '{one.text}'; there are: {', '.join(map(_named, one.known))}{others}.")
