"""The image files in each directory."""

from collections import Counter

import dagster as dg

from image_pipeline.files.discovery import list_each
from image_pipeline.files.status import fingerprint
from image_pipeline.orchestration.assets.preflight import Preflight
from image_pipeline.orchestration.assets.stage_asset import stage_asset
from image_pipeline.orchestration.assets.step import data_version, partitions, step, unchanged_metadata
from image_pipeline.orchestration.partitions import DIRECTORIES_TAG
from image_pipeline.orchestration.resources import DecodingResource, InferenceResource, QdrantResource, StoreResource
from image_pipeline.schema.rows import DiscoveredFile
from image_pipeline.stages.discovered_files import STAGE, check_known, discover_partition


@stage_asset(STAGE, group_name="files", kinds={"file", "parquet"})
def discovered_files(
    context: dg.AssetExecutionContext,
    store: StoreResource,
    decoding: DecodingResource,
    inference: InferenceResource,
    qdrant: QdrantResource,
) -> dg.MaterializeResult:
    """The image files directly in a directory of the library, with size, modification time and format.

    The format is identified by the content. Hidden files, files that systems and programs create for themselves, links,
    and files that are not images are left out. If the directory no longer exists, the table is empty; if it cannot be
    listed, the run fails and nothing changes.
    """
    fingerprints: list[str] = []
    with step(context, store):
        root, tables, ledger = store.library_root, store.tables, store.ledger
        ledger.set_outdated_to_try(decoding.limits)
        named = partitions(context)
        # a directory that a command has just listed may be gone by now, which is not an error; the tag of a run that
        # was launched from the page proves nothing, since its user can set any tag
        is_listed = DIRECTORIES_TAG in context.run.tags and context.run.remote_job_origin is None
        if named and not is_listed:
            check_known(root, named, ledger.entries())
        unchanged = store.unchanged
        preflight = Preflight(store, inference, qdrant)
        for partition, listed in list_each(root, named):
            entry = unchanged.entry(partition.key, fingerprint(listed))
            if entry is not None:
                fingerprints.append(entry.fingerprint)
                rows = tables.row_count(DiscoveredFile, partition.key)
                context.add_asset_metadata(unchanged_metadata(entry, rows), partition_key=partition.key)
                continue
            preflight.qdrant()
            unchanged.begin(partition.key, ledger)
            found = discover_partition(root, tables, unchanged, partition, listed)
            path = tables.write(DiscoveredFile, partition.key, found.files, note=found.fingerprint)
            fingerprints.append(found.fingerprint)
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
    return dg.MaterializeResult(data_version=data_version(fingerprints))
