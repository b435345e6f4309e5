"""The verifier of the pipeline's resources, for the command line and for the check on the page."""

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.errors import StoreError
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, StoreResource
from image_pipeline.services.verifier import Verifier
from image_pipeline.stages.partition_points import Provenance
from image_pipeline.storage.ledger import Ledger


def check_ingested(ledger: Ledger, address: QdrantAddress, alias: str) -> None:
    """Raises StoreError before the first ingestion: there is nothing to compare with the library."""
    if not ledger.entries() and address.versions(alias) == []:
        raise StoreError(
            f"Nothing was ingested yet into the store {ledger.file.parent}: run `image-pipeline ingest DIRECTORY`."
        )


def make_verifier(
    store: StoreResource, decoding: DecodingResource, inference: InferenceResource, address: QdrantAddress, alias: str
) -> Verifier:
    """The verifier for the collection that `alias` leads to.

    Raises SettingsError or LibraryError where there is no library, ModelError where the models cannot be had.
    """
    models = inference.pipeline
    return Verifier(
        root=store.library_root,
        tables=store.tables,
        ledger=store.ledger,
        address=address,
        alias=alias,
        provenance=Provenance(*models.producer_texts, run_id="", at=""),
        recipe=inference.recipe(decoding),
        partition_size=store.partition_size,
        threads=decoding.processes,
    )
