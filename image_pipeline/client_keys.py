"""Keys that this pipeline sends to other services: from a setting, or from a file that a setting names."""

from pathlib import Path

from pydantic import SecretStr

from image_pipeline.errors import SettingsError
from image_pipeline.settings import Settings, variable_of

_MOST_BYTES = 64 << 10


def inference_key(settings: Settings) -> str | None:
    """The key for the inference service, None if there is none. Raises SettingsError as `qdrant_key` does."""
    return _key("inference_key", settings.inference_key, settings.inference_key_file)


def qdrant_key(settings: Settings) -> str | None:
    """The key for the Qdrant server, None if there is none.

    Raises SettingsError if the file cannot be read, if the key is not one line of printable ASCII characters, as a
    header of HTTP has to be, or if both the key and the file are set.
    """
    return _key("qdrant_api_key", settings.qdrant_api_key, settings.qdrant_api_key_file)


def _key(name: str, given: SecretStr | None, file: Path | None) -> str | None:
    variable = variable_of(name)
    if file is None:
        if given is None:
            return None
        key, where = given.get_secret_value(), f"{variable} is set to what"
    else:
        if given is not None:
            raise SettingsError(f"Both {variable} and {variable_of(f'{name}_file')} are set: remove one of them.")
        where = f"{variable_of(f'{name}_file')} names {file}, which"
        try:
            with open(file, "rb") as opened:
                key = opened.read(_MOST_BYTES + 1).decode("utf-8-sig", "replace").strip()
        except OSError as error:
            raise SettingsError(f"{where} cannot be read: {error.strerror}.") from error
    if not key or len(key) > _MOST_BYTES or not (key.isascii() and key.isprintable()):
        raise SettingsError(
            f"{where} is no key: give one line of at most {_MOST_BYTES:,} letters, digits and signs, without accents."
        )
    return key
