"""Versions of a collection in Qdrant, by name, and the alias that points to one of them: calls on an open engine."""

import re

from image_pipeline.collection.engine import Engine

PRODUCER = "embedding_producer"
"""The metadata key that every version has, and that collections made by other programs lack."""


def is_version(alias: str, name: str) -> bool:
    """Whether a collection is a version of `alias`, and not of a longer alias with the same beginning."""
    return re.fullmatch(f"{re.escape(alias)}--[0-9a-f]+", name) is not None


def is_ours(engine: Engine, name: str) -> bool:
    """Whether the pipeline made the collection `name`; False if another process has just deleted it."""
    try:
        noted = engine.describe(name).metadata
    except Exception:
        if engine.exists(name):
            raise
        return False
    return PRODUCER in noted


def version_names(engine: Engine, alias: str) -> list[str]:
    """The existing versions of the collection: the one that is searched, and one that is being built.

    A version is recognised by its name and by the metadata that the pipeline stored in it. A collection that only has
    such a name is not one.
    """
    names = [name for name in engine.names() if is_version(alias, name)]
    return [name for name in names if is_ours(engine, name)]


def alias_target(engine: Engine, alias: str) -> str | None:
    """The version that an alias points to; None if there is no such alias."""
    return engine.aliases().get(alias)


def point_alias(engine: Engine, alias: str, version: str) -> str | None:
    """Point `alias` to a version in one step; returns the version that it pointed to before."""
    before = alias_target(engine, alias)
    if before != version:
        engine.set_alias(alias, version)
    return before


def delete_versions_but(engine: Engine, alias: str, version: str) -> list[str]:
    """Delete all versions of the collection except one; returns the names of those deleted."""
    others = [name for name in version_names(engine, alias) if name != version]
    for name in others:
        engine.drop(name)
    return others
