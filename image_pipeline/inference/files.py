"""The files of a repository or a directory that make up a model."""

import fnmatch
from collections.abc import Collection
from pathlib import Path

from image_pipeline.errors import ModelError
from image_pipeline.inference.configuration import read_embedder_configuration
from image_pipeline.inference.producer import ProducerKind

CONFIGURATION_FILES = {
    ProducerKind.EMBEDDING: ("open_clip_config.json",),
    ProducerKind.CAPTION: ("config.json", "processor_config.json", "preprocessor_config.json"),
}

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
)
_VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
)

# Best first, in the order in which open_clip and transformers look for them, so that the file that is fetched and
# hashed is the file that is loaded. Pickles come last, and only plain weights are unpickled from them.
_WEIGHTS = {
    ProducerKind.EMBEDDING: (
        "open_clip_model.safetensors",
        "open_clip_pytorch_model.safetensors",
        "open_clip_pytorch_model.bin",
    ),
    ProducerKind.CAPTION: ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"),
}
_SHARDS = "model-*-of-*.safetensors"


def weights_file(kind: ProducerKind, names: Collection[str]) -> str | None:
    """The name of the file with a model's weights (or with the list of its shards), or None if there is none."""
    return next((name for name in _WEIGHTS[kind] if name in names), None)


def needed_files(kind: ProducerKind, names: Collection[str], where: str) -> list[str]:
    """The `names` from which a model is loaded: its configuration, its tokenizer, and one form of its weights.

    Raises ModelError if a part is missing; its message names the model as `where`.
    """
    known, library = CONFIGURATION_FILES[kind], "an open_clip" if kind is ProducerKind.EMBEDDING else "a BLIP"
    if known[0] not in names:
        raise ModelError(f"{where} is not {library} model: it has no {known[0]}; check IMAGE_PIPELINE_MODELS.")
    weights = weights_file(kind, names)
    if weights is None:
        raise ModelError(
            f"{where} has none of the weight files that can be loaded ({', '.join(_WEIGHTS[kind])}); "
            "check IMAGE_PIPELINE_MODELS."
        )
    # Tokenizers and generation read config.json and generation_config.json, even for an open_clip model.
    wanted = {*known, *_TOKENIZER_FILES, "config.json", "generation_config.json", weights}
    shards = fnmatch.filter(names, _SHARDS) if weights.endswith(".index.json") else []
    return sorted([*wanted.intersection(names), *shards])


def weights_path(kind: ProducerKind, directory: Path) -> Path:
    """The file with the weights in `directory`, which must hold a complete model."""
    return directory / (weights_file(kind, {path.name for path in directory.iterdir()}) or "")


def check_tokenizer(kind: ProducerKind, directory: Path, model: str) -> None:
    """Raise ModelError if a model's vocabulary is missing: the libraries would use a tokenizer that knows no words."""
    if kind is ProducerKind.EMBEDDING and not read_embedder_configuration(directory).has_tokenizer_files:
        return  # open_clip includes the tokenizer
    names = {path.name for path in directory.iterdir()}
    if not names.intersection(_VOCABULARIES):
        raise ModelError(
            f"The model {model} in {directory} has no tokenizer ({', '.join(_VOCABULARIES)}): fetch it again, or name "
            "a different model in IMAGE_PIPELINE_MODELS."
        )


def is_complete(kind: ProducerKind, directory: Path) -> bool:
    """Whether a directory holds a complete model, rather than the remains of an interrupted download.

    Raises ModelError if a configuration file exists but is not valid.
    """
    names = {path.name for path in directory.iterdir() if path.exists()}
    if CONFIGURATION_FILES[kind][0] not in names or weights_file(kind, names) is None:
        return False
    if kind is ProducerKind.CAPTION:
        has_processor = bool(names.intersection(CONFIGURATION_FILES[kind][1:]))
        return has_processor and _has_tokenizer(names)
    return not read_embedder_configuration(directory).has_tokenizer_files or _has_tokenizer(names)


def _has_tokenizer(names: Collection[str]) -> bool:
    return "tokenizer_config.json" in names and any(name in names for name in _VOCABULARIES)
