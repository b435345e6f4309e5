"""The models of an inference service: their names and producers, and what asks for their results."""

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

from image_pipeline.errors import ModelError
from image_pipeline.inference.models import Models, resolve_models
from image_pipeline.inference.producer import Producer
from image_pipeline.inference.remote_models import RemoteCaptioner, RemoteEmbedder
from image_pipeline.inference.service_client import ServiceClient
from image_pipeline.settings import variable_of
from image_pipeline.stages.models import Inference
from image_pipeline.storage.cache import ContentCache


class RemoteInference(Inference):
    """The models of the inference service that `client` asks.

    `named` are the models that the settings name, if they do: the service must have the same. Without captions in the
    settings, those of the service are not used.
    """

    def __init__(self, client: ServiceClient, named: Models | None) -> None:
        self._client, self._named = client, named

    @cached_property
    def embedding_producer(self) -> Producer:
        """The producer of embeddings. Raises ModelError as `ServiceClient` does, or if the settings name another."""
        served = self._client.capabilities.embedder
        if self._named is not None:
            self._check(self._named.names[0], served.producer.model)
        return served.producer

    @cached_property
    def caption_producer(self) -> Producer | None:
        """The producer of captions; None if they are switched off. Raises ModelError as `embedding_producer` does."""
        served = self._client.capabilities.captioner
        if self._named is None:
            return None if served is None else served.producer
        name = self._named.names[1]
        if name is None:
            return None
        self._check(name, None if served is None else served.producer.model)
        return None if served is None else served.producer

    def _check(self, wanted: str, served: str | None) -> None:
        if wanted != served:
            raise ModelError(
                f"The inference service at {self._client.url} has {served or 'no captioner'} instead of {wanted}, "
                f"which {variable_of('models')} names: start the service with the same setting, or unset it here."
            )

    @property
    def names(self) -> tuple[str, str | None]:
        """The names of the embedder and the captioner; those of the settings if the service does not answer."""
        try:
            captions = self.caption_producer
            return self.embedding_producer.model, None if captions is None else captions.model
        except ModelError:
            return self._named.names if self._named is not None else (f"those of {self._client.url}", None)

    @property
    def is_configured_here(self) -> bool:
        """Whether the service answers."""
        try:
            return bool(self.embedding_producer)
        except ModelError:
            return False

    @property
    def uses_this_machine(self) -> bool:
        """False."""
        return False

    @property
    def model_name(self) -> str:
        """The embedding model with its revision, written as in the setting."""
        return self._client.capabilities.embedder.name

    @cached_property
    def embedder(self) -> RemoteEmbedder:
        """The embedder of the service. Raises ModelError as `embedding_producer` does."""
        assert self.embedding_producer
        return RemoteEmbedder(self._client)

    @cached_property
    def captioner(self) -> RemoteCaptioner | None:
        """The captioner of the service; None if captions are switched off. Raises ModelError as the producer does."""
        served = self._client.capabilities.captioner
        return None if self.caption_producer is None or served is None else RemoteCaptioner(self._client, served)

    def fetch_for(self, cache: ContentCache, sha256s: Sequence[str]) -> None:
        """Raises ModelError if the service does not answer, or has other models than the settings name."""
        assert self.producers


@cache
def remote_inference(url: str, key: str | None, models: str | None, home: Path) -> RemoteInference:
    """The models of the inference service at `url`: the same object for the whole process.

    `models` is the setting, if there is one. Raises SettingsError if it is not valid.
    """
    named = None if models is None else resolve_models(models, home)
    return RemoteInference(ServiceClient(url, key), named)
