"""Models in repositories of the Hugging Face Hub."""

import errno
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import ModelError
from image_pipeline.inference.files import CONFIGURATION_FILES, is_complete, needed_files, weights_file
from image_pipeline.inference.local import sha256_of_file
from image_pipeline.inference.model_records import Records
from image_pipeline.inference.producer import ProducerKind
from image_pipeline.inference.profiles import PINS
from image_pipeline.storage.private_files import default_permissions

_log = logging.getLogger(__name__)

_COMMIT = re.compile(r"[0-9a-f]{40}")
_ANSWER_SECONDS = 20.0
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class HubRepository:
    """A repository, and the revision (a commit, branch or tag) that was named with it, if any.

    The files come from the hub's cache on this machine; only missing files are fetched. A branch or tag is looked up
    once, and its commit is then kept in `records`, so that an update of the repository changes nothing here.
    """

    kind: ProducerKind
    repository: str
    named_revision: str | None
    records: Records

    @property
    def name(self) -> str:
        """The model's name in producers."""
        return self.repository

    @property
    def setting(self) -> str:
        """The repository and its commit. Raises what `revision` raises."""
        return f"{self.repository}@{self.revision()}"

    def revision(self) -> str:
        """The commit, 40 hexadecimal digits. Raises ModelError if it is unknown and the hub does not provide it."""
        commit = self._known_revision()
        if commit is None:
            commit = self._look_up(self.named_revision or "main")
            self.records.write(self._record, {"commit": commit})
        return commit

    def is_configured_here(self) -> bool:
        """Whether `revision` and `configuration` need no network."""
        revision = self._known_revision()
        return revision is not None and self._cached(revision) is not None

    @property
    def _record(self) -> str:
        return f"{self.repository}@{self.named_revision or 'main'}"

    def _known_revision(self) -> str | None:
        named = self.named_revision
        if named is not None and _COMMIT.fullmatch(named):
            return named
        if named is None and self.repository in PINS:
            return PINS[self.repository].revision
        commit = self.records.read(self._record).get("commit", "")
        return commit if _COMMIT.fullmatch(commit) else None

    def configuration(self) -> Path:
        """A directory with at least the configuration files (a few KB); raises ModelError if they cannot be fetched."""
        revision = self.revision()
        return self._cached(revision) or self._fetch(revision, configuration_only=True)

    def directory(self) -> Path:
        """A directory with the complete model; raises ModelError if the model cannot be fetched.

        The network is not used if the model is already in the hub's cache.
        """
        revision = self.revision()
        directory = self._cached(revision)
        if directory is None or not is_complete(self.kind, directory):
            directory = self._fetch(revision)
        self._check_pickle(directory, revision)
        return directory

    def _cached(self, revision: str) -> Path | None:
        from huggingface_hub import try_to_load_from_cache

        first, *others = CONFIGURATION_FILES[self.kind]
        path = try_to_load_from_cache(self.repository, first, revision=revision)
        if not isinstance(path, str):
            return None
        directory = Path(path).parent
        # A second file, with one of two names, describes BLIP's input.
        return directory if not others or any((directory / name).is_file() for name in others) else None

    def _look_up(self, revision: str) -> str:
        cached = self._cached(revision)
        if cached is not None and _COMMIT.fullmatch(cached.name):
            return cached.name
        with self._explained():
            return self._commit_and_files(revision)[0]

    def _fetch(self, revision: str, *, configuration_only: bool = False) -> Path:
        from huggingface_hub import snapshot_download

        with self._explained():
            # The hub is asked first, because without a network, a download is retried for half a minute.
            _, names = self._commit_and_files(revision)
            needed = needed_files(self.kind, names, f"The repository {self.repository}")
            if configuration_only:
                needed = [name for name in needed if name in CONFIGURATION_FILES[self.kind]]
            else:
                _log.info("The weights of %s are not on this machine yet: fetching them.", self.repository)
            with default_permissions():  # the hub's cache may be shared by several users
                return Path(snapshot_download(self.repository, revision=revision, allow_patterns=needed))

    def _commit_and_files(self, revision: str) -> tuple[str, list[str]]:
        from huggingface_hub import HfApi

        info = HfApi().model_info(self.repository, revision=revision, timeout=_ANSWER_SECONDS)
        return str(info.sha), [file.rfilename for file in info.siblings or ()]

    def _check_pickle(self, directory: Path, revision: str) -> None:
        pin = PINS.get(self.repository)
        if pin is None or pin.pickle_sha256 is None or pin.revision != revision:
            return
        weights = directory / (weights_file(self.kind, {path.name for path in directory.iterdir()}) or "")
        if weights.suffix == ".bin" and sha256_of_file(weights) != pin.pickle_sha256:
            raise ModelError(
                f"The file {weights} does not have the SHA-256 that is pinned for {self.repository}: delete it, so "
                "that it is fetched again."
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn an error of the hub into a ModelError that says what to do."""
        from huggingface_hub import errors

        def error_of(text: str) -> ModelError:
            return ModelError(f"The model {self.repository} {text}.")

        try:
            yield
        except errors.GatedRepoError as error:
            raise error_of(
                f"is gated: accept its terms at https://huggingface.co/{self.repository} and set HF_TOKEN"
            ) from error
        except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
            raise error_of(
                "is neither a directory on this machine nor a visible repository on huggingface.co; correct "
                "IMAGE_PIPELINE_MODELS, or set HF_TOKEN if the repository is private"
            ) from error
        except errors.RevisionNotFoundError as error:
            raise error_of(
                f"has no revision {self.named_revision or 'main'!r}; correct IMAGE_PIPELINE_MODELS"
            ) from error
        except errors.HfHubHTTPError as error:
            raise error_of(
                f"cannot be fetched: huggingface.co answered with status {error.response.status_code}; try again later"
            ) from error
        except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, errors.HTTPError) as error:
            raise ModelError(
                f"The weights of {self.repository} are not on this machine, and huggingface.co cannot be reached; "
                "connect to it once, or set IMAGE_PIPELINE_MODELS to a local directory or to `demo`."
            ) from error
        except OSError as error:
            advice = "make room" if error.errno in _NO_SPACE else "make the folder writable"
            raise error_of(
                f"cannot be stored in the hub's cache ({error.strerror or error}); {advice}, or set HF_HOME to "
                "a different folder"
            ) from error
