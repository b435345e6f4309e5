"""The image files that lie in each directory."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import dagster as dg

from image_pipeline.errors import LibraryError
from image_pipeline.files.discovery import discover, list_each
from image_pipeline.files.partition import Partition
from image_pipeline.files.status import fingerprint
from image_pipeline.orchestration.assets.preflight import Preflight
from image_pipeline.orchestration.assets.step import partitions, step, table_metadata, unchanged_metadata
from image_pipeline.orchestration.partitions import BACKFILL_POLICY, DIRECTORIES, DIRECTORIES_TAG
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, QdrantResource, StoreResource
from image_pipeline.orchestration.run_config import NO_CONFIG
from image_pipeline.schema.rows import DiscoveredFile


@dg.asset(
    group_name="files",
    kinds={"file", "parquet"},
    owners=["team:photographs"],
    partitions_def=DIRECTORIES,
    backfill_policy=BACKFILL_POLICY,
    code_version="1",
    config_schema=NO_CONFIG,
    metadata=table_metadata(DiscoveredFile),
)
def discovered_files(
    context: dg.AssetExecutionContext,
    store: StoreResource,
    decoding: DecodingResource,
    inference: InferenceResource,
    qdrant: QdrantResource,
) -> dg.MaterializeResult:
    """The image files that lie directly in a directory of the library, with size, modification time and format.

    The format is told by the content. Hidden files, side files of systems and programs, links and what is no image
    are left out. A directory that is gone gives an empty table; one that cannot be listed fails, and nothing changes.
    """
    versions = hashlib.sha256()
    with step(context, store):
        root, tables = store.library_root, store.tables
        store.ledger.set_outdated_to_try(decoding.limits)
        named = partitions(context)
        # what a command has just listed may be gone by now, which is no error; whoever launches a run may set any tag
        is_listed = DIRECTORIES_TAG in context.run.tags and context.run.remote_job_origin is None
        if named and not is_listed:
            _check_known(root, named, store.ledger.entries())
        unchanged = store.unchanged(inference.recipe(decoding))
        preflight = Preflight(store, inference, qdrant)
        for partition, listed in list_each(root, named):
            entry = unchanged.entry(partition.key, fingerprint(listed))
            if entry is not None:
                versions.update(entry.fingerprint.encode())
                rows = tables.row_count(DiscoveredFile, partition.key)
                context.add_asset_metadata(unchanged_metadata(entry, rows), partition_key=partition.key)
                continue
            preflight.qdrant()
            if unchanged.counts_as_ingested(partition.key):
                store.ledger.set_outdated([partition.key])
            # what another version told of a file's format, it may have told otherwise
            is_of_today = unchanged.is_of_recipe(partition.key)
            known = (tables.read_if_there(DiscoveredFile, partition.key) or []) if is_of_today else []
            found = discover(root, partition, listed, {file.path: file for file in known})
            path = tables.write(DiscoveredFile, partition.key, found.files, note=found.fingerprint)
            versions.update(found.fingerprint.encode())
            formats = Counter(file.format or "unknown" for file in found.files)
            context.add_asset_metadata(
                {
                    "dagster/row_count": len(found.files),
                    "bytes": sum(file.size_bytes for file in found.files),
                    "formats": dg.MetadataValue.json(dict(formats.most_common())),
                    "fingerprint": found.fingerprint,
                    "table": dg.MetadataValue.path(path),
                },
                partition_key=partition.key,
            )
    return dg.MaterializeResult(data_version=dg.DataVersion(versions.hexdigest()[:16]))


def _check_known(root: Path, named: Sequence[Partition], entries: Collection[str]) -> None:
    """Raises LibraryError if none of the partitions is, or was, a directory of the library: its key is invented."""
    if not any(partition.key in entries or _is_directory(root, partition) for partition in named):
        raise LibraryError(
            f"The library has no directory {named[0].key!r}, and never had: `image-pipeline scan` prints the keys of "
            "those that it has."
        )


def _is_directory(root: Path, partition: Partition) -> bool:
    try:
        return (root / partition.os_directory).is_dir()
    except OSError:  # no file system has a name of such a length
        return False
