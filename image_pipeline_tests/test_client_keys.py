"""The keys that are sent to other services, from settings or from files."""

from pathlib import Path

import pytest

from image_pipeline.client_keys import inference_key, qdrant_key
from image_pipeline.errors import SettingsError
from image_pipeline.settings import export_settings, load_settings


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QDRANT_API_KEY", "IMAGE_PIPELINE_INFERENCE_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def test_a_key_is_in_a_setting_or_in_a_file_or_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from the file\n")
    assert inference_key(load_settings()) is None and qdrant_key(load_settings()) is None
    given = load_settings(inference_key="for the models", qdrant_api_key="for Qdrant")
    assert (inference_key(given), qdrant_key(given)) == ("for the models", "for Qdrant")
    named = load_settings(inference_key_file=file, qdrant_api_key_file=file)
    assert (inference_key(named), qdrant_key(named)) == ("from the file", "from the file")


@pytest.mark.parametrize(
    "content",
    [b"", b" \n", b"one\nsecret\n", b"\xff\xfes\0e\0", b"secret\0key", "secret cl\u00e9".encode(), b"secret" * 20_000],
)
def test_what_is_no_key_is_named_and_not_shown(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"QDRANT_API_KEY_FILE names {file}, which is no key") as told:
        qdrant_key(load_settings(qdrant_api_key_file=file))
    assert "secret" not in str(told.value)


def test_a_mark_of_unicode_is_no_part_of_a_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbfthe key\r\n")
    assert qdrant_key(load_settings(qdrant_api_key_file=tmp_path / "key")) == "the key"


def test_a_setting_that_is_no_key_is_named_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="IMAGE_PIPELINE_INFERENCE_KEY is set to what is no key") as told:
        inference_key(load_settings(inference_key="a\nsecret"))
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"IMAGE_PIPELINE_INFERENCE_KEY_FILE names .* cannot be read"):
        inference_key(load_settings(inference_key_file=tmp_path / name))


def test_a_key_is_not_set_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_PIPELINE_INFERENCE_KEY", "one")
    monkeypatch.setenv("IMAGE_PIPELINE_INFERENCE_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(SettingsError, match="Both IMAGE_PIPELINE_INFERENCE_KEY and IMAGE_PIPELINE_INFERENCE_KEY_FILE"):
        inference_key(load_settings())


def test_an_option_overrides_a_file_in_all_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_API_KEY_FILE", str(tmp_path / "key"))
    settings = load_settings(qdrant_api_key="given")
    assert qdrant_key(settings) == "given"
    export_settings(settings)
    assert qdrant_key(load_settings()) == "given"


def test_an_option_with_the_default_overrides_the_environment_in_other_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IMAGE_PIPELINE_MODELS", "demo")
    settings = load_settings(models="standard")
    export_settings(settings)
    again = load_settings()
    assert again.models == "standard"
    assert again.model_fields_set == settings.model_fields_set
