"""What the tests of `image-pipeline serve` share: the password of its page, and the environment that it starts in."""

import os

from image_pipeline_tests.support.library import Pipeline

PASSWORD = "correct horse battery staple"


def environment_of(pipeline: Pipeline) -> dict[str, str]:
    """The environment of a program over the library and store of a pipeline."""
    given = {"IMAGE_LIBRARY": str(pipeline.root), "IMAGE_PIPELINE_HOME": str(pipeline.settings.home)}
    given |= {"IMAGE_PIPELINE_MODELS": pipeline.settings.models, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    if pipeline.settings.qdrant_url is not None:
        given |= {"QDRANT_URL": pipeline.settings.qdrant_url}
        given |= {"QDRANT_GRPC_PORT": str(pipeline.settings.qdrant_grpc_port)}
    return given
