"""The stages that have tables."""

from enum import StrEnum


class Stage(StrEnum):
    """The stages whose output is a table, one file per partition; the names are those of the assets."""

    DISCOVERED_FILES = "discovered_files"
    CONTENT_HASHES = "content_hashes"
    IMAGE_METADATA = "image_metadata"
    DECODED_TENSORS = "decoded_tensors"
    EMBEDDINGS = "embeddings"
    CAPTIONS = "captions"
