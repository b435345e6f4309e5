"""The assets: one file a stage, named after it."""

from image_pipeline.orchestration.assets.captions import captions
from image_pipeline.orchestration.assets.content_hashes import content_hashes
from image_pipeline.orchestration.assets.decoded_tensors import decoded_tensors
from image_pipeline.orchestration.assets.discovered_files import discovered_files
from image_pipeline.orchestration.assets.embeddings import embeddings
from image_pipeline.orchestration.assets.image_metadata import image_metadata
from image_pipeline.orchestration.assets.qdrant_collection import qdrant_collection

ASSETS = [
    discovered_files,
    content_hashes,
    image_metadata,
    decoded_tensors,
    embeddings,
    captions,
    qdrant_collection,
]
"""All assets, in the order of the data."""
