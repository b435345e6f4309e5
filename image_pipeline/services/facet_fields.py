"""The fields whose values people count, by the names under which they ask for them."""

from image_pipeline.schema.payload import (
    CAMERA,
    CITY,
    COUNTRY,
    DIRECTORY,
    FORMAT,
    ISO,
    KEYWORDS,
    LENS,
    PEOPLE,
    RATING,
    TAKEN_YEAR,
    PayloadField,
)

FACETS: dict[str, PayloadField] = {
    "camera": CAMERA,
    "lens": LENS,
    "keyword": KEYWORDS,
    "person": PEOPLE,
    "city": CITY,
    "country": COUNTRY,
    "year": TAKEN_YEAR,
    "rating": RATING,
    "iso": ISO,
    "format": FORMAT,
    "directory": DIRECTORY,
}
