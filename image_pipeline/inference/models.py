"""The setting IMAGE_PIPELINE_MODELS, and the two models that it names."""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import SettingsError
from image_pipeline.inference.configuration import read_captioner_input, read_embedder_configuration
from image_pipeline.inference.hub import HubRepository
from image_pipeline.inference.local import BUNDLED, LocalDirectory
from image_pipeline.inference.model_records import Records
from image_pipeline.inference.producer import Generation, Producer, ProducerKind
from image_pipeline.inference.profiles import Profile
from image_pipeline.settings import DType

_BUNDLED_MODELS = Path(__file__).parents[1] / "demo" / "models"
_NO_CAPTIONER = "none"
_REPOSITORY = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class ModelSource:
    """A model and its origin. Creating one reads and fetches nothing."""

    kind: ProducerKind
    origin: LocalDirectory | HubRepository

    @property
    def name(self) -> str:
        """The model's name in producers and messages."""
        return self.origin.name

    @property
    def setting(self) -> str:
        """The model as a setting would name it permanently: with its revision, if it comes from the hub.

        Raises ModelError if the revision is unknown and the hub does not provide it.
        """
        return self.origin.setting

    def directory(self) -> Path:
        """A directory with the complete model, which is fetched if it is not on this machine.

        Raises SettingsError if the setting names a directory that does not exist, ModelError if the model cannot be
        fetched or is incomplete.
        """
        return self.origin.directory()

    def producer(self, dtype: DType = DType.AUTO, generation: Generation | None = None) -> Producer:
        """The model as a producer, from its configuration alone: no weights are fetched or loaded.

        `generation` is for captioners. Raises ModelError if the configuration cannot be fetched or is not valid.
        """
        directory, revision = self.origin.configuration(), self.origin.revision()
        if self.kind is ProducerKind.CAPTION:
            spec = read_captioner_input(directory)
            return Producer(self.kind, self.name, revision, spec, dtype, generation=generation or Generation())
        configuration = read_embedder_configuration(directory)
        return Producer(self.kind, self.name, revision, configuration.input, dtype, configuration.dimension)


@dataclass(frozen=True)
class Models:
    """The configured models; `captioner` is None if captions are switched off."""

    embedder: ModelSource
    captioner: ModelSource | None

    @property
    def names(self) -> tuple[str, str | None]:
        """The names of the embedder and the captioner (None if captions are switched off). Nothing is fetched."""
        return self.embedder.name, self.captioner.name if self.captioner else None


def resolve_models(text: str, home: Path) -> Models:
    """The models that `text`, the value of IMAGE_PIPELINE_MODELS, names: a profile, or `EMBEDDER,CAPTIONER`.

    Each of the two names is a profile (for its embedder or captioner), a local directory, a Hugging Face repository
    (`org/name` or `org/name@revision`), `bundled:embedder` or `bundled:captioner`; the captioner may be `none`. `home`
    is the store, which keeps records of the models. Raises SettingsError if `text` has neither form. Nothing is fetched
    yet.
    """
    records = Records(home / "models")
    names = [name.strip() for name in text.rsplit(",", 1)]
    if len(names) == 1 and names[0] in set(Profile):
        names *= 2
    if len(names) != 2 or not all(names):
        raise SettingsError(
            f"IMAGE_PIPELINE_MODELS is {text!r}, which is neither a profile ({', '.join(Profile)}) nor a pair "
            "EMBEDDER,CAPTIONER."
        )
    embedder, captioner = names
    if embedder in set(Profile):
        embedder = Profile(embedder).embedder
    if captioner in set(Profile):
        captioner = Profile(captioner).captioner
    return Models(
        _source(ProducerKind.EMBEDDING, embedder, records),
        None if captioner == _NO_CAPTIONER else _source(ProducerKind.CAPTION, captioner, records),
    )


def _source(kind: ProducerKind, name: str, records: Records) -> ModelSource:
    if name.startswith(BUNDLED):
        return ModelSource(kind, LocalDirectory(kind, _BUNDLED_MODELS / name.removeprefix(BUNDLED), name, records))
    path = Path(name).expanduser()
    if path.is_absolute() or name.startswith((".", "~")) or path.is_dir():
        return ModelSource(kind, LocalDirectory(kind, path.absolute(), path.absolute().name, records))
    match = _REPOSITORY.fullmatch(name)
    if match is None:
        raise SettingsError(
            f"IMAGE_PIPELINE_MODELS names {name!r}, which is neither a directory on this machine nor a Hugging Face "
            "repository (org/name or org/name@revision)."
        )
    repository = match["repository"]
    if kind is ProducerKind.EMBEDDING and _is_open_clip_architecture(repository.split("/")[0]):
        raise SettingsError(
            f"IMAGE_PIPELINE_MODELS names {name!r}, which is an architecture and a tag of open_clip: name the Hugging "
            "Face repository of its weights instead, such as laion/CLIP-ViT-B-32-laion2B-s34B-b79K."
        )
    return ModelSource(kind, HubRepository(kind, repository, match["revision"], records))


def _is_open_clip_architecture(name: str) -> bool:
    # Looked up as a file, because importing open_clip imports torch.
    package = importlib.util.find_spec("open_clip")
    folders = package.submodule_search_locations if package and package.submodule_search_locations else ()
    return any((Path(folder) / "model_configs" / f"{name}.json").is_file() for folder in folders)
