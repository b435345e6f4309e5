"""The keys that are sent to other services, from settings or from files."""

from pathlib import Path

import pytest

from image_pipeline.client_keys import inference_key, qdrant_key
from image_pipeline.errors import SettingsError
from image_pipeline.settings import Settings, load_settings


def test_a_key_is_in_a_setting_or_in_a_file_or_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from the file\n")
    assert inference_key(load_settings()) is None and qdrant_key(load_settings()) is None
    given = load_settings(inference_key="for the models", qdrant_api_key="for Qdrant")
    assert (inference_key(given), qdrant_key(given)) == ("for the models", "for Qdrant")
    named = load_settings(inference_key_file=file, qdrant_api_key_file=file)
    assert (inference_key(named), qdrant_key(named)) == ("from the file", "from the file")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "hold the key"), (b" \n", "hold the key"), (b"one\ntwo\n", "hold the key"), (b"\xff\xfe", "no text")],
)
def test_a_file_that_holds_no_key_is_named_and_not_shown(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"QDRANT_API_KEY_FILE names {file}.*{said}") as told:
        qdrant_key(load_settings(qdrant_api_key_file=file))
    assert "two" not in str(told.value)


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"IMAGE_PIPELINE_INFERENCE_KEY_FILE names .* cannot be read"):
        inference_key(load_settings(inference_key_file=tmp_path / name))


def test_a_key_is_not_given_twice(tmp_path: Path) -> None:
    settings: Settings = load_settings(inference_key="one", inference_key_file=tmp_path / "key")
    with pytest.raises(SettingsError, match="Both IMAGE_PIPELINE_INFERENCE_KEY and IMAGE_PIPELINE_INFERENCE_KEY_FILE"):
        inference_key(settings)
