"""Keys that this pipeline sends to other services: from a setting, or from a file that a setting names."""

from pathlib import Path

from pydantic import SecretStr

from image_pipeline.errors import SettingsError
from image_pipeline.settings import Settings, variable_of

_MOST_BYTES = 4096


def inference_key(settings: Settings) -> str | None:
    """The key for the inference service, None if there is none. Raises SettingsError as `qdrant_key` does."""
    return _key("inference_key", settings.inference_key, settings.inference_key_file)


def qdrant_key(settings: Settings) -> str | None:
    """The key for the Qdrant server, None if there is none.

    Raises SettingsError if the file cannot be read or does not hold one line, or if the key itself is set, too.
    """
    return _key("qdrant_api_key", settings.qdrant_api_key, settings.qdrant_api_key_file)


def _key(name: str, given: SecretStr | None, file: Path | None) -> str | None:
    if file is None:
        return None if given is None else given.get_secret_value()
    variable = variable_of(f"{name}_file")
    if given is not None:
        raise SettingsError(f"Both {variable_of(name)} and {variable} are set: remove one of them.")
    try:
        with open(file, "rb") as opened:
            text = opened.read(_MOST_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"{variable} names {file}, which cannot be read: {reason}.") from error
    if len(text.splitlines()) != 1:
        raise SettingsError(f"{variable} names {file}, which has to hold the key, in one line, and nothing else.")
    return text
