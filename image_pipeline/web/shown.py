"""Answers of the services as the JSON of the API."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from image_pipeline.collection.hits import Hit
from image_pipeline.collection.lookups import Unmatched
from image_pipeline.collection.points import point_id
from image_pipeline.schema.camera import camera_name
from image_pipeline.services.search_pages import SearchPage
from image_pipeline.web.replies import FoundPhotograph, FoundWord, Place, SameFile, SearchAnswer, UnmatchedText, Why


def search_answer(page: SearchPage) -> SearchAnswer:
    """A page of a search."""
    return SearchAnswer(
        photographs=[found_photograph(hit) for hit in page.hits],
        cursor=page.cursor,
        left_out=page.left_out,
        resorted=page.resorted,
        calibrated=page.is_calibrated,
        unmatched=unmatched_texts(page.unmatched),
    )


def found_photograph(hit: Hit) -> FoundPhotograph:
    """A photograph that was found."""
    words = () if hit.matched is None else hit.matched.words
    return FoundPhotograph(
        id=point_id(hit.path),
        paths=[hit.path, *hit.copies],
        identical=list(hit.identical),
        sha256=hit.sha256,
        size_bytes=hit.size_bytes,
        width=hit.width,
        height=hit.height,
        taken_local=hit.taken_local,
        taken_precision=hit.taken_precision,
        camera=camera_name(hit.camera_make, hit.camera_model),
        place=None if hit.place is None else Place(**hit.place),
        city=hit.city,
        country=hit.country,
        caption=hit.caption,
        score=hit.score,
        close=hit.close,
        why=Why(words=[FoundWord(word=one.word, fields=list(one.fields)) for one in words], picture=hit.score),
    )


def unmatched_texts(unmatched: Iterable[Unmatched]) -> list[UnmatchedText]:
    """What matched nothing."""
    return [UnmatchedText(**{**asdict(one), "known": list(one.known)}) for one in unmatched]


def same_file(payload: Mapping[str, Any]) -> SameFile:
    """A file of a group of duplicates."""
    path = str(payload["path"])
    fields: dict[str, Any] = {name: payload.get(name) for name in SameFile.model_fields if name not in ("id", "path")}
    return SameFile(id=point_id(path), path=path, **fields)


def has_prefix(value: str | int, prefix: str) -> bool:
    """Whether a word of a value begins with `prefix`, in any case and without accents."""
    wanted = _plain(prefix)
    text = _plain(str(value))
    return text.startswith(wanted) or any(text.startswith(wanted, word.start()) for word in re.finditer(r"\b\w", text))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", " ".join(text.casefold().split()))
    return "".join(character for character in decomposed if not unicodedata.combining(character))
