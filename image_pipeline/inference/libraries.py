"""The libraries that models need, which are an optional part of the installation."""

from importlib.util import find_spec

from image_pipeline.errors import ModelError
from image_pipeline.settings import variable_of

_NEEDED = ("torch", "torchvision", "open_clip", "transformers")


def are_libraries_here() -> bool:
    """Whether the libraries that models need are installed; imports none of them."""
    return not _missing()


def check_libraries() -> None:
    """Raises ModelError if a library that models need is not installed; imports none of them."""
    missing = _missing()
    if missing:
        raise ModelError(
            f"Models cannot run here without {', '.join(missing)}: install `image-pipeline[models]`, or "
            f"set {variable_of('inference_url')} to an inference service (`image-pipeline serve-models`)."
        )


def _missing() -> list[str]:
    return [name for name in _NEEDED if find_spec(name) is None]
