"""Preflight: checks that Qdrant and the models are available before a run works for hours, and only if it has work."""

from collections.abc import Collection as Contents

from image_pipeline.collection.ownership import own_collection
from image_pipeline.orchestration.resources import InferenceResource, QdrantResource, StoreResource
from image_pipeline.storage.failures import Failures


class Preflight:
    """Checks Qdrant and the models, each once in a step."""

    def __init__(self, store: StoreResource, inference: InferenceResource, qdrant: QdrantResource) -> None:
        self._store, self._inference, self._qdrant = store, inference, qdrant
        self._qdrant_exists = False

    def qdrant(self) -> None:
        """Raises as `qdrant_collection` would if Qdrant is shared and cannot be used.

        It may not answer, may refuse the key, or may hold the collection of a different library. A Qdrant that is not
        shared is not checked: opening it reads all points, and keeps other processes waiting.
        """
        address, alias = self._qdrant.address, self._qdrant.alias
        if self._qdrant_exists or not address.traits.is_shared:
            return
        with address.connect(alias) as connection:
            own_collection(connection, self._store.ledger.libraries())
            connection.collection(self._inference.pipeline.collection_version(alias)).check()
        self._qdrant_exists = True

    def models(self, wanted: Contents[str], failures: Failures) -> None:
        """Fetch the missing weights of each model that has not processed all of the contents `wanted` (sha256).

        Contents in `failures` that the decoder does not try again do not count, since they never reach a model. Raises
        ModelError if weights are not on this machine and cannot be fetched.
        """
        failed = failures.standing(list(wanted))
        readable = [sha256 for sha256 in wanted if sha256 not in failed]
        self._inference.pipeline.fetch_for(self._store.cache, readable)
