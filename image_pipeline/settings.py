"""All settings: name, environment variable, unit, default and meaning of each.

The README's table is generated from this file by `image_pipeline.settings_table`, and a test compares the two.
"""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from image_pipeline.errors import SettingsError
from image_pipeline.terminal import without_password

GIBIBYTE = 1 << 30

_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


class DType(StrEnum):
    """The number format that models compute in."""

    AUTO = "auto"
    BF16 = "bf16"
    FP32 = "fp32"


class Damaged(StrEnum):
    """What becomes of damaged pictures of which at least half can be decoded."""

    INDEX = "index"
    QUARANTINE = "quarantine"


class LogFormat(StrEnum):
    """How logs are written to stderr."""

    TEXT = "text"
    JSON = "json"


class Settings(BaseSettings):
    """The settings, read only from the environment variables that are named here.

    `load_settings` creates them, and accepts the names of the fields.
    """

    # Never `populate_by_name`: HOME, MODELS, WORKERS … would be read from the environment as well. Errors hide the
    # input, since it may be a key.
    model_config = SettingsConfigDict(
        case_sensitive=True,
        frozen=True,
        env_ignore_empty=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
    )

    library: Annotated[
        Path | None,
        Field(
            validation_alias="IMAGE_LIBRARY",
            description="The folder whose directories are ingested. Unset: the library that the store was made for.",
        ),
    ] = None
    home: Annotated[
        Path,
        Field(
            validation_alias="IMAGE_PIPELINE_HOME",
            description="The store: stage tables, thumbnails, caches, the embedded Qdrant, Dagster's records.",
        ),
    ] = Path("~/.image-pipeline")
    models: Annotated[
        str,
        Field(
            validation_alias="IMAGE_PIPELINE_MODELS",
            description="A profile (`demo`, `light`, `standard`, `large`), or `EMBEDDER,CAPTIONER`: each a profile, a "
            "Hugging Face repository (`org/name@revision`) or a local directory. `none` as captioner switches captions "
            "off.",
        ),
    ] = "standard"
    inference_url: Annotated[
        str | None,
        Field(
            validation_alias="IMAGE_PIPELINE_INFERENCE_URL",
            repr=False,
            description="The inference service (`image-pipeline serve-models`), such as `http://localhost:8500`. "
            "Unset: models run in each process.",
        ),
    ] = None
    inference_key: Annotated[
        SecretStr | None,
        Field(validation_alias="IMAGE_PIPELINE_INFERENCE_KEY", description="The API key of the inference service."),
    ] = None
    inference_key_file: Annotated[
        Path | None,
        Field(
            validation_alias="IMAGE_PIPELINE_INFERENCE_KEY_FILE",
            description="A file that holds the API key of the inference service, in one line.",
        ),
    ] = None
    dtype: Annotated[
        DType,
        Field(
            validation_alias="IMAGE_PIPELINE_DTYPE",
            description="Number format of the models: `auto` (bf16 if the device supports it), `bf16` or `fp32`.",
        ),
    ] = DType.AUTO
    qdrant_url: Annotated[
        str | None,
        Field(
            validation_alias="QDRANT_URL",
            repr=False,
            description="The Qdrant server, such as `http://localhost:6333`. Unset: the embedded Qdrant in the store.",
        ),
    ] = None
    qdrant_api_key: Annotated[
        SecretStr | None,
        Field(validation_alias="QDRANT_API_KEY", description="The API key of the Qdrant server."),
    ] = None
    qdrant_api_key_file: Annotated[
        Path | None,
        Field(
            validation_alias="QDRANT_API_KEY_FILE",
            description="A file that holds the API key of the Qdrant server, in one line.",
        ),
    ] = None
    qdrant_grpc_port: Annotated[
        int, Field(validation_alias="QDRANT_GRPC_PORT", ge=1, le=65535, description="The Qdrant server's gRPC port.")
    ] = 6334
    collection: Annotated[
        str,
        Field(
            validation_alias="IMAGE_PIPELINE_COLLECTION",
            pattern=r"^[A-Za-z0-9_.-]{1,200}$",
            description="The name under which the collection is searched: an alias of the newest complete version.",
        ),
    ] = "images"
    partition_size: Annotated[
        int,
        Field(
            validation_alias="IMAGE_PIPELINE_PARTITION_SIZE",
            ge=1,
            description="Files in one partition; a larger directory is split into 2, 4, 8 … parts.",
        ),
    ] = 4096
    settle_seconds: Annotated[
        float,
        Field(
            validation_alias="IMAGE_PIPELINE_SETTLE_SECONDS",
            ge=0,
            description="How long a directory must be unchanged before the sensor ingests it, in s.",
        ),
    ] = 30.0
    workers: Annotated[
        int,
        Field(
            validation_alias="IMAGE_PIPELINE_WORKERS",
            ge=0,
            description="Number of processes that decode images; 0: one per CPU.",
        ),
    ] = 0
    decode_seconds: Annotated[
        float,
        Field(
            validation_alias="IMAGE_PIPELINE_DECODE_SECONDS",
            gt=0,
            description="Time limit for decoding one file, in s of CPU time.",
        ),
    ] = 30.0
    decode_memory: Annotated[
        int,
        Field(
            validation_alias="IMAGE_PIPELINE_DECODE_MEMORY",
            ge=GIBIBYTE // 2,
            description="Limit on the address space of a decoding process, in bytes.",
        ),
    ] = 2 * GIBIBYTE
    decode_pixels: Annotated[
        int,
        Field(validation_alias="IMAGE_PIPELINE_DECODE_PIXELS", ge=1, description="Largest image decoded, in pixels."),
    ] = 200_000_000
    damaged: Annotated[
        Damaged,
        Field(
            validation_alias="IMAGE_PIPELINE_DAMAGED",
            description="Damaged pictures of which at least half can be decoded: `index` them, with the field "
            "`damaged`, or leave them in `quarantine`.",
        ),
    ] = Damaged.INDEX
    deletion_share: Annotated[
        float,
        Field(
            validation_alias="IMAGE_PIPELINE_DELETION_SHARE",
            ge=0,
            le=1,
            description="Share of the library that may disappear at a time (100 files always may); beyond that, "
            "`ingest --allow-deletions` is needed.",
        ),
    ] = 0.2
    keep_decoded_tensors: Annotated[
        bool,
        Field(
            validation_alias="IMAGE_PIPELINE_KEEP_DECODED_TENSORS",
            description="Keep the decoded tensors of a partition after it is indexed (150 to 600 KB per image).",
        ),
    ] = False
    lock_seconds: Annotated[
        float,
        Field(
            validation_alias="IMAGE_PIPELINE_LOCK_SECONDS",
            ge=0,
            description="How long to wait for another process that uses the embedded Qdrant, in s.",
        ),
    ] = 120.0
    page_hosts: Annotated[
        str | None,
        Field(
            validation_alias="IMAGE_PIPELINE_PAGE_HOSTS",
            description="Names under which the pages may be opened, in addition to those of the machine itself: "
            "`photos.example,192.168.1.5`.",
        ),
    ] = None
    page_password_file: Annotated[
        Path | None,
        Field(
            validation_alias="IMAGE_PIPELINE_PAGE_PASSWORD_FILE",
            description="A file with the hash of the password of `serve`, made by `image-pipeline hash-password`. "
            "Another password ends all sessions.",
        ),
    ] = None
    api_key: Annotated[
        SecretStr | None,
        Field(
            validation_alias="IMAGE_PIPELINE_API_KEY",
            description="The key that clients of `serve`, `serve-models`, `serve-page` and `serve-metrics` must send. "
            "Without a key, they serve this machine only.",
        ),
    ] = None
    api_key_file: Annotated[
        Path | None,
        Field(
            validation_alias="IMAGE_PIPELINE_API_KEY_FILE",
            description="A file with such keys, one per line; all are accepted. It may be changed at any time.",
        ),
    ] = None
    traces: Annotated[
        str | None,
        Field(
            validation_alias="IMAGE_PIPELINE_TRACES",
            repr=False,
            description="The OpenTelemetry collector that gets traces of runs, searches and the inference service, by "
            "OTLP over HTTP, such as `http://localhost:4318`. Unset: none are made. Needs the extra `traces`.",
        ),
    ] = None
    log_format: Annotated[
        LogFormat,
        Field(
            validation_alias="IMAGE_PIPELINE_LOG_FORMAT",
            description="Format of the logs of commands and of Dagster's runs on stderr: `text` for people, or `json`, "
            "one object per line.",
        ),
    ] = LogFormat.TEXT

    @field_validator(
        "library", "home", "inference_key_file", "qdrant_api_key_file", "api_key_file", "page_password_file"
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        try:
            return None if value is None else value.expanduser().absolute()
        except RuntimeError as error:
            raise ValueError("the home folder is unknown; give an absolute path") from error

    @field_validator("page_hosts")
    @classmethod
    def _are_names(cls, value: str | None) -> str | None:
        if value is not None and not all(_HOST_NAME.fullmatch(name.strip()) for name in value.split(",")):
            raise ValueError("give names separated by commas, without http:// and port")
        return value

    @field_validator("qdrant_url", "inference_url", "traces")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        try:
            parts = urlsplit(value or "http://localhost")
            # an @ after the host comes from a password with a slash, which URL parsers would not recognise
            is_address = (
                bool(parts.hostname)
                and parts.port != 0
                and not re.search(r"[\s'\"]", parts.netloc)
                and "@" not in parts.path + parts.query + parts.fragment
            )
        except ValueError:
            is_address = False
        if not is_address:
            raise ValueError(
                "must be an address such as http://localhost:6333, with special characters of a password "
                "percent-encoded"
            )
        return value


def load_settings(**given: Any) -> Settings:
    """The settings from the environment, overridden by `given` (by field name; None counts as not given).

    A given key also overrides a file with keys. Raises SettingsError naming the variable whose value cannot be used.
    """
    values = {variable_of(name): value for name, value in given.items() if value is not None}
    for name in ("inference_key", "qdrant_api_key"):
        if given.get(name) is not None:
            values.setdefault(variable_of(f"{name}_file"), None)
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        variable, value = str(first["loc"][0]), first["input"]
        shown = repr(without_password(value) if variable in _urls() else value)
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{variable} is {shown}, which cannot be used: {reason}.") from error


def _urls() -> set[str]:
    return {variable_of("qdrant_url"), variable_of("inference_url"), variable_of("traces")}


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return str(Settings.model_fields[name].validation_alias)


def export_settings(settings: Settings) -> None:
    """Set the environment variables of the settings that were given, and unset the others, for other processes."""
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is None or name not in settings.model_fields_set:
            os.environ.pop(variable_of(name), None)
        else:
            secret = getattr(value, "get_secret_value", None)
            os.environ[variable_of(name)] = str(secret() if secret else value)
