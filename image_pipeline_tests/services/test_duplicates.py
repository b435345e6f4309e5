"""Duplicates: groups of files with the same pixels, page by page, however many there are."""

from pathlib import Path

import numpy as np

from image_pipeline.collection.connection import address_of
from image_pipeline.services.duplicates import read_duplicates
from image_pipeline.services.search import Search
from image_pipeline.settings import load_settings
from image_pipeline.stages.models import load_inference
from image_pipeline_tests.support.scene_points import fill


def test_thousands_of_groups(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, models="demo")
    version = load_inference("demo", settings.dtype, tmp_path).collection_version(settings.collection)
    vector = [1.0, *[0.0] * (version.dimension - 1)]
    files, copied = 6000, 5000
    pixels = {number: {"pixels": f"{number // 2 if number < copied else number:06}"} for number in range(files)}
    fill(settings, np.array([vector] * files, np.float32), pixels)
    with Search(settings, address_of(settings)) as search:
        page = read_duplicates(search, 1000)
        groups = [*page.groups]
        while page.last is not None:
            page = read_duplicates(search, 1000, page.last)
            groups += page.groups
    assert page.total == len(groups) == copied // 2
    assert [group.pixels for group in groups] == [f"{number:06}" for number in range(copied // 2)]
    assert all(len(group.files) == 2 for group in groups)
