"""Whether what a run needs in the end can be had: asked before it works for hours, and only if it has work."""

from collections.abc import Collection as Contents

from image_pipeline.collection.ownership import own_collection
from image_pipeline.orchestration.resources import InferenceResource, QdrantResource, StoreResource
from image_pipeline.storage.failures import Failures


class Preflight:
    """Asks for Qdrant and for the models, each once in a step."""

    def __init__(self, store: StoreResource, inference: InferenceResource, qdrant: QdrantResource) -> None:
        self._store, self._inference, self._qdrant = store, inference, qdrant
        self._is_qdrant_there = False

    def qdrant(self) -> None:
        """Raises what `qdrant_collection` would: if a server does not answer, refuses the key or has another's points.

        One that is not shared is not asked: opening it reads all of its points, and keeps other processes waiting.
        """
        address, alias = self._qdrant.address, self._qdrant.alias
        if self._is_qdrant_there or not address.traits.is_shared:
            return
        with address.connect(alias) as connection:
            own_collection(connection, self._store.ledger.libraries())
            connection.collection(self._inference.pipeline.collection_version(alias)).check()
        self._is_qdrant_there = True

    def models(self, wanted: Contents[str], failures: Failures) -> None:
        """Let the weights be there of each model that has not seen one of the contents `wanted` (sha256).

        Those that are among the decoder's `failures`, and are not tried again, are shown to no model. Raises ModelError
        if weights are neither on this machine nor to be fetched.
        """
        failed = failures.standing(list(wanted))
        readable = [sha256 for sha256 in wanted if sha256 not in failed]
        self._inference.pipeline.fetch_for(self._store.cache, readable)
