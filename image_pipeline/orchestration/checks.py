"""The asset checks: what must be true of a directory after it was ingested."""

from collections.abc import Iterator, Mapping

import dagster as dg
import numpy as np

from image_pipeline.orchestration.assets.captions import captions
from image_pipeline.orchestration.assets.decoded_tensors import decoded_tensors
from image_pipeline.orchestration.assets.embeddings import embeddings
from image_pipeline.orchestration.assets.qdrant_collection import qdrant_collection
from image_pipeline.orchestration.assets.step import keys_at_work, step
from image_pipeline.orchestration.resources import InferenceResource, QdrantResource, StoreResource
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.schema.rows import DecodedContent, Embedding, ImageCaption
from image_pipeline.storage.ledger import LedgerEntry

QUARANTINE_SHARE = 0.1
"""The share of contents in quarantine above which a person should investigate."""

LISTED_PATHS = 50
"""The maximum number of paths of each kind that a check lists, since Dagster keeps the results for ever."""

UNIT_TOLERANCE = 1e-3

_UNIT = dg.AssetCheckSpec(
    "vectors_are_of_unit_length", asset=embeddings, description="Every embedding is finite and of unit length."
)
_CAPTION = dg.AssetCheckSpec("no_caption_is_empty", asset=captions, description="Every caption has words.")
_SHARE = dg.AssetCheckSpec(
    "few_files_are_in_quarantine",
    asset=decoded_tensors,
    description=f"At most {QUARANTINE_SHARE:.0%} of the contents could not be decoded.",
)
_ACCOUNTED = dg.AssetCheckSpec(
    "every_file_is_a_point_or_in_quarantine",
    asset=qdrant_collection,
    description="Files on disk = points + files in quarantine.",
)
_COUNT = dg.AssetCheckSpec(
    "collection_holds_exactly_these_points",
    asset=qdrant_collection,
    description="Qdrant's exact count for the directory is the number of its readable files.",
)

_AGREES = dg.AssetCheckSpec(
    "collection_agrees_with_disk",
    asset=qdrant_collection,
    description="Disk, store and collection agree. This check reads every file and every point, which takes long for a "
    "large library, and runs only when it is selected; `image-pipeline repair` repairs what it finds.",
)


@dg.multi_asset_check(specs=[_UNIT, _CAPTION, _SHARE, _ACCOUNTED, _COUNT], config_schema=NO_CONFIG)
def ingested_partitions(
    context: dg.AssetCheckExecutionContext,
    store: StoreResource,
    inference: InferenceResource,
    qdrant: QdrantResource,
) -> Iterator[dg.AssetCheckResult]:
    """All checks of a run's partitions, in one step: an empty step costs as much as checking a small directory.

    Partitions that `qdrant_collection` has just left unchanged are skipped: they were checked in the run that made
    them, and their points were counted in this one. If that asset is not in the run, all partitions are checked.
    """
    with step(context, store):
        keys = keys_at_work(context)
        tables, ledger = store.tables, store.ledger.entries()
        made = [key for key in keys if _is_to_be_checked(context.run, ledger.get(key))]
        counts = {}
        if made:
            with qdrant.address.connect(qdrant.alias) as connection:
                counts = connection.collection(inference.pipeline.collection_version(qdrant.alias)).counts(made)
        off = empty = bad = contents = 0
        for key in made:
            vectors = np.array([row.vector for row in tables.read(Embedding, key)], np.float64)
            off += _not_of_unit_length(vectors)
            empty += sum(not row.caption.strip() for row in tables.read(ImageCaption, key))
            decoded = tables.read(DecodedContent, key)
            contents += len(decoded)
            bad += sum(row.reason is not None for row in decoded)
        lost = [k for k in made if ledger[k].files != ledger[k].indexed + ledger[k].quarantined]
        wrong = [k for k in made if counts[k] != ledger[k].indexed]
    yield _result(_UNIT, off == 0, {"vectors_off": off})
    yield _result(_CAPTION, empty == 0, {"empty_captions": empty})
    share = bad / contents if contents else 0.0
    yield _result(_SHARE, share <= QUARANTINE_SHARE, {"share": round(share, 4)}, dg.AssetCheckSeverity.WARN)
    yield _result(_ACCOUNTED, not lost, {"partitions_that_lost_files": lost})
    yield _result(_COUNT, not wrong, {"partitions_with_another_count": wrong})


@dg.multi_asset_check(specs=[_AGREES], can_subset=True, config_schema=NO_CONFIG)
def whole_collection(
    context: dg.AssetCheckExecutionContext, store: StoreResource, qdrant: QdrantResource
) -> Iterator[dg.AssetCheckResult]:
    """The check of the whole library, which runs alone: in a run of partitions, it does nothing."""
    if context.has_partition_key or context.has_partition_key_range:
        yield dg.Output(None, _AGREES.get_python_identifier())  # type: ignore[misc]  # without one, Dagster complains
        return
    with step(context, store, lambda: ()):
        verification = qdrant.verifier.verify()
    paths = verification.paths
    metadata: dict[str, int | list[str]] = {f"{kind}_files": len(found) for kind, found in paths.items()}
    yield _result(_AGREES, verification.ok, metadata | {kind: found[:LISTED_PATHS] for kind, found in paths.items()})


def _is_to_be_checked(run: dg.DagsterRun, entry: LedgerEntry | None) -> bool:
    is_chosen = run.asset_selection is not None or run.asset_check_selection is not None
    by_themselves = is_chosen and qdrant_collection.key not in (run.asset_selection or ())
    # a retried run continues at the step that failed: the partitions that the failed run made were not checked
    return by_themselves or entry is None or entry.run_id in (run.run_id, run.parent_run_id, run.root_run_id)


def _not_of_unit_length(vectors: np.ndarray) -> int:
    if not vectors.size:
        return 0
    lengths = np.linalg.norm(vectors, axis=1)
    return int((~np.isfinite(lengths) | (np.abs(lengths - 1) > UNIT_TOLERANCE)).sum())


def _result(
    spec: dg.AssetCheckSpec,
    passed: bool,
    metadata: Mapping[str, int | float | list[str]],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed, asset_key=spec.asset_key, check_name=spec.name, metadata=metadata, severity=severity
    )
