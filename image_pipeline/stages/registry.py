"""The registry of the stages that write tables, and values derived from all declarations, such as the recipe."""

import hashlib
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.rows import Stage
from image_pipeline.settings import Damaged
from image_pipeline.stages.declaration import StageDeclaration
from image_pipeline.stages.models import Inference
from image_pipeline.stages.tensor_stage import TensorStage, known_rows
from image_pipeline.storage.cache import ContentCache, RowCache

STAGES: dict[Stage, StageDeclaration[Any]] = {stage: import_module(f"{__package__}.{stage}").STAGE for stage in Stage}
"""The declaration of each stage, from the file that has its name, in the order of the data flow."""

TENSOR_STAGES = [declaration for declaration in STAGES.values() if isinstance(declaration, TensorStage)]

LAST_STAGES = tuple(stage for stage in Stage if not any(stage in other.reads for other in STAGES.values()))
"""The stages whose tables no other stage reads: once they have run, all have."""

_FIRST_IN_RECIPE = (
    *(Stage.EMBEDDINGS, Stage.CAPTIONS, Stage.DISCOVERED_FILES),
    *(Stage.DECODED_TENSORS, Stage.IMAGE_METADATA),
)
"""The order of the versions in existing recipes: in a different order, every library would be ingested again."""


def versions(models: Inference) -> dict[Stage, str]:
    """The versions of the stages that have one and are switched on. Raises ModelError as the models' producers do."""
    found = {stage: declaration.version(models) for stage, declaration in STAGES.items()}
    current = {stage: version for stage, version in found.items() if version is not None}
    if len(set(current.values())) < len(current):
        raise ValueError(f"Two stages have the same version, which is the key of their cached values: {current}")
    return current


def recipe(models: Inference, damaged: Damaged = Damaged.INDEX) -> str:
    """A hash of the versions of all stages, 16 hex digits; a partition with a different recipe is ingested again.

    The setting for `damaged` pictures is part of it.
    """
    current = versions(models)
    order = dict.fromkeys([*_FIRST_IN_RECIPE, *Stage])
    lines = [current[stage] for stage in order if stage in current]
    if damaged is not Damaged.INDEX:
        lines.append(f"damaged: {damaged}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def input_specs(models: Inference) -> list[InputSpec]:
    """The input specifications of the stages that read tensors, without duplicates."""
    specs = [declaration.input(models) for declaration in TENSOR_STAGES]
    return list(dict.fromkeys(spec for spec in specs if spec is not None))


def unseen(models: Inference, cache: ContentCache, sha256s: Sequence[str]) -> set[str]:
    """The contents that still need tensors: at least one stage that reads tensors has no cached row for them.

    A row of a content with the same pixels counts, too, if the pixels are known already.
    """
    cached = []
    for declaration in TENSOR_STAGES:
        version, spec = declaration.version(models), declaration.input(models)
        if version is not None and spec is not None:
            cached.append(known_rows(RowCache(cache, declaration.row, version), spec, sha256s).keys())
    return {sha256 for sha256 in sha256s if not all(sha256 in keys for keys in cached)}
