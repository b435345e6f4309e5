"""The setting names models, and a name means the same model on every day."""

import os
import re
import shutil
from pathlib import Path

import pytest

from image_pipeline.errors import ModelError, SettingsError
from image_pipeline.inference.hub import HubRepository
from image_pipeline.inference.local import LocalDirectory
from image_pipeline.inference.model_records import Records
from image_pipeline.inference.models import resolve_models
from image_pipeline.inference.producer import ProducerKind
from image_pipeline.inference.profiles import PINS, Profile
from image_pipeline.settings import DType


@pytest.mark.parametrize("profile", [profile for profile in Profile if profile is not Profile.DEMO])
def test_profiles_name_pinned_repositories(profile: Profile, tmp_path: Path) -> None:
    models = resolve_models(profile, tmp_path)
    assert models.captioner is not None
    for source in (models.embedder, models.captioner):
        assert isinstance(source.origin, HubRepository)
        assert source.setting == f"{source.name}@{PINS[source.name].revision}"
        assert re.fullmatch("[0-9a-f]{40}", source.origin.revision())
    assert not list(tmp_path.iterdir()), "naming a model leaves nothing behind"


def test_the_demo_profile_names_bundled_models(tmp_path: Path) -> None:
    models = resolve_models("demo", tmp_path)
    assert models.captioner is not None
    assert (models.embedder.name, models.captioner.name) == ("bundled:embedder", "bundled:captioner")
    assert models.embedder.setting == "bundled:embedder"


def test_a_pair_of_directories(clip_directory: Path, blip_directory: Path, tmp_path: Path) -> None:
    models = resolve_models(f"{clip_directory}, {blip_directory}", tmp_path)
    assert models.captioner is not None
    assert models.embedder.directory() == clip_directory
    assert models.embedder.producer(DType.FP32).model == "tiny-clip"
    assert models.captioner.producer().kind is ProducerKind.CAPTION
    assert models.embedder.setting == str(clip_directory)


def test_none_switches_captions_off(tmp_path: Path) -> None:
    assert resolve_models("org/model,none", tmp_path).captioner is None


def test_a_pair_takes_its_models_from_profiles(tmp_path: Path) -> None:
    light = resolve_models("light,none", tmp_path)
    assert (light.embedder.name, light.captioner) == ("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", None)
    mixed = resolve_models("demo, large", tmp_path)
    assert mixed.captioner is not None
    assert (mixed.embedder.name, mixed.captioner.name) == (
        "bundled:embedder",
        "Salesforce/blip-image-captioning-large",
    )


def test_a_repository_with_a_branch(tmp_path: Path) -> None:
    origin = resolve_models("org/model@refs/pr/3,none", tmp_path).embedder.origin
    assert isinstance(origin, HubRepository)
    assert (origin.repository, origin.named_revision) == ("org/model", "refs/pr/3")


@pytest.mark.parametrize("text", ["huge", "", "org/model", "org/model,", ",none"])
def test_a_setting_that_is_neither_profile_nor_pair(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"neither a profile \(demo, light, standard, large\) nor a pair"):
        resolve_models(text, tmp_path)


@pytest.mark.parametrize("name", ["just-a-word", "a/b/c", "org/model@", "with space/model"])
def test_a_name_that_cannot_be_a_model(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="neither a directory on this machine nor a Hugging Face repository"):
        resolve_models(f"{name},none", tmp_path)


def test_an_architecture_of_open_clip_is_explained(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"which is an architecture and a tag of open_clip: name the Hugging Face repository"
    ):
        resolve_models("ViT-B-32/laion2b_s34b_b79k,none", tmp_path)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("open_clip_config.json", "is not an open_clip model: it has no open_clip_config.json"),
        ("open_clip_model.safetensors", "has none of the weight files that can be loaded"),
    ],
)
def test_an_incomplete_directory_is_named(missing: str, message: str, clip_directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(clip_directory, copy)
    (copy / missing).unlink()
    with pytest.raises(ModelError, match=rf"The model directory {copy} {message}"):
        resolve_models(f"{copy},none", tmp_path).embedder.directory()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"/nowhere cannot be read \(No such file or directory\)"):
        resolve_models(f"{tmp_path}/nowhere,none", tmp_path).embedder.producer()


def test_the_revision_of_a_directory_follows_its_content(clip_directory: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(clip_directory, first)
    shutil.copytree(clip_directory, second)
    (second / "README.md").write_text("not part of the model")
    revisions = [resolve_models(f"{path},none", tmp_path).embedder.producer().revision for path in (first, second)]
    assert revisions[0] == revisions[1]
    assert re.fullmatch("[0-9a-f]{64}", revisions[0])

    config = second / "open_clip_config.json"
    config.write_text(config.read_text() + " ")
    assert resolve_models(f"{second},none", tmp_path).embedder.producer().revision != revisions[0]


def test_large_weights_are_hashed_once_and_again_when_they_change(clip_directory: Path, tmp_path: Path) -> None:
    directory = tmp_path / "large"
    shutil.copytree(clip_directory, directory)
    weights = directory / "open_clip_model.safetensors"
    os.truncate(weights, 80 << 20)
    records = Records(tmp_path / "home" / "models")
    origin = LocalDirectory(ProducerKind.EMBEDDING, directory, "large", records)

    revision = origin.revision()
    (record,) = records.folder.iterdir()
    # A record that says something else is believed, so the file was not read again …
    record.write_text(record.read_text().replace(revision, "f" * 64))
    assert origin.revision() == "f" * 64
    # … until the file is another one.
    os.utime(weights, ns=(1, 1))
    assert origin.revision() == revision


def test_a_record_that_was_damaged_is_made_again(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write("org/model@main", {"commit": "1"})
    (path,) = tmp_path.iterdir()
    assert records.read("org/model@main")["commit"] == "1"
    path.write_text("{")
    assert records.read("org/model@main") == {}
    assert records.read("another") == {}
