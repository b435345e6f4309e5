"""What the tests of `image-pipeline serve` share: the password of its page, and the environment that it starts in."""

import os

from image_pipeline_tests.support.library import Pipeline

PASSWORD = "correct horse battery staple"


def environment_of(pipeline: Pipeline) -> dict[str, str]:
    """The environment of a program over the library and store of a pipeline."""
    settings = pipeline.settings
    given = {"IMAGE_LIBRARY": str(pipeline.root), "IMAGE_PIPELINE_HOME": str(settings.home)}
    given |= {"IMAGE_PIPELINE_MODELS": settings.models, "IMAGE_PIPELINE_COLLECTION": settings.collection}
    given |= {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    if settings.qdrant_url is not None:
        given |= {"QDRANT_URL": settings.qdrant_url, "QDRANT_GRPC_PORT": str(settings.qdrant_grpc_port)}
    return given
