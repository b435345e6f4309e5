"""Whatever a sidecar holds and is called, what is read of it is plausible and can be stored, or why not is said."""

import io
import json
from contextlib import suppress
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_pipeline.files.sidecars import sidecars_of
from image_pipeline.imaging.sidecar import read_sidecar
from image_pipeline.schema.outcome import ImageError
from image_pipeline.schema.rows import Sidecar
from image_pipeline.stages.file_facts import file_facts
from image_pipeline_tests.hostile.mutations import Damage, damaged
from image_pipeline_tests.hostile.test_metadata_fuzz import check, xmp_packets

SHORT = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=4000, deadline=None, suppress_health_check=list(HealthCheck))

_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.just("1478174685")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(("timestamp", "latitude", "longitude", "altitude", "name")), inner, max_size=4),
    ),
    max_leaves=8,
)
_TAKEOUT = st.dictionaries(
    st.sampled_from(("photoTakenTime", "geoData", "geoDataExif", "description", "people", "title")), _VALUES
).map(lambda said: json.dumps({"photoTakenTime": {"timestamp": "1"}, **said}).encode("utf-8", "surrogatepass"))
SIDECARS = given(
    st.one_of(xmp_packets(), _TAKEOUT, st.binary(min_size=20, max_size=300)),
    st.one_of(st.none(), st.sampled_from(list(Damage))),
    st.integers(0, 1 << 32),
    st.sampled_from((".xmp", ".jpg.json")),
)
NAMES = given(
    st.lists(st.text("ab.()1-_é edit", min_size=1, max_size=60), max_size=6, unique=True),
    st.lists(
        st.tuples(
            st.text("ab.()1-_é edit", max_size=60), st.sampled_from((".xmp", ".json", ".XMP", "(1).json", ".s.json"))
        ).map("".join),
        max_size=6,
        unique=True,
    ),
)


def check_sidecar(content: bytes, damage: Damage | None, seed: int, ending: str) -> None:
    content = content if damage is None else damaged(content, damage, Random(seed), content[::-1])
    with suppress(ImageError):
        found = read_sidecar(io.BytesIO(content))
        check(found.metadata)
        row = Sidecar(f"a{ending}", 1, 1, 1, **vars(found.metadata), for_ending=found.for_ending)
        facts = file_facts("a.jpg", {"taken_at": "2020-01-01", "taken_from": "name", "taken_precision": "day"}, [row])
        assert json.loads(json.dumps(facts, allow_nan=False))["taken_local"]


def check_names(photographs: list[str], candidates: list[str]) -> None:
    found = sidecars_of(photographs, candidates)
    assert found.keys() <= set(photographs)
    for photograph, sidecars in found.items():
        assert set(sidecars) <= set(candidates) and len(sidecars) == len(set(sidecars)) <= 3
        assert all(sidecar[0] == photograph[0] for sidecar in sidecars), "the name begins as that of the photograph"


@SHORT
@SIDECARS
def test_sidecars_of_any_content(content: bytes, damage: Damage | None, seed: int, ending: str) -> None:
    check_sidecar(content, damage, seed, ending)


@SHORT
@NAMES
def test_sidecars_of_any_name(photographs: list[str], candidates: list[str]) -> None:
    check_names(photographs, candidates)


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@SIDECARS
def test_many_sidecars_of_any_content(content: bytes, damage: Damage | None, seed: int, ending: str) -> None:
    check_sidecar(content, damage, seed, ending)


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@NAMES
def test_many_sidecars_of_any_name(photographs: list[str], candidates: list[str]) -> None:
    check_names(photographs, candidates)
