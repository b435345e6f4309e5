"""The way to Qdrant: what a person is told when it does not work, and one process at a time in the embedded one."""

import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from benchmarks.qdrant_server import QdrantServer, free_port
from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.embedded import EmbeddedAddress
from image_pipeline.collection.points import make_point
from image_pipeline.collection.server import ServerAddress
from image_pipeline.errors import CollectionError, ServiceUnavailableError, StoreError
from image_pipeline.settings import load_settings, variable_of
from image_pipeline_tests.storage.conftest import VERSION, unit_vector
from image_pipeline_tests.support.room import Room


@contextmanager
def another_process(address: EmbeddedAddress, seconds: float) -> Iterator[None]:
    """A process that uses the embedded Qdrant for a while; the block begins when it does."""
    program = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from image_pipeline.collection.embedded import EmbeddedAddress
        address = EmbeddedAddress(Path({str(address.directory)!r}), Path({str(address.lock_file)!r}))
        with address.connect("images"):
            print("in use", flush=True)
            time.sleep({seconds})
        """
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in use\n"
        try:
            yield
        finally:
            process.kill()


def test_an_embedded_qdrant_is_waited_for(embedded_address: EmbeddedAddress) -> None:
    with (
        another_process(embedded_address, 0.5),
        replace(embedded_address, lock_seconds=30.0).connect("images") as qdrant,
    ):
        assert qdrant.versions() == []


@pytest.mark.parametrize("wait", [0.0, 0.5])
def test_an_embedded_qdrant_that_stays_in_use_is_told(embedded_address: EmbeddedAddress, wait: float) -> None:
    with another_process(embedded_address, 60.0):
        began = time.monotonic()
        with (
            pytest.raises(
                ServiceUnavailableError, match=rf"in use by another process for {wait:g} s: .*QDRANT_URL"
            ) as told,
            replace(embedded_address, lock_seconds=wait).connect("images"),
        ):
            pass
        assert wait <= time.monotonic() - began < wait + 5
        assert told.value.transient


def test_a_process_that_was_killed_leaves_no_lock_behind(embedded_address: EmbeddedAddress) -> None:
    with another_process(embedded_address, 60.0):
        pass
    with embedded_address.connect("images") as qdrant:
        assert qdrant.versions() == []


def test_processes_take_turns_with_an_embedded_qdrant(embedded_address: EmbeddedAddress) -> None:
    program = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from image_pipeline.collection.embedded import EmbeddedAddress
        from image_pipeline.collection.points import make_point
        from image_pipeline_tests.storage.conftest import VERSION, unit_vector
        store = Path({str(embedded_address.directory.parent)!r})
        address = EmbeddedAddress(store / "qdrant", store / "qdrant.lock")
        for n in range(4):
            with address.connect("images") as qdrant:
                collection = qdrant.collection(VERSION)
                collection.ensure()
                path = f"{{sys.argv[1]}}-{{n}}.jpg"
                list(collection.upsert([make_point(path, unit_vector(path), {{"partition": sys.argv[1]}})]))
                assert list(collection.counts([sys.argv[1]]).values()) == [n + 1]
        """
    )
    both = [subprocess.Popen([sys.executable, "-c", program, me], stderr=subprocess.PIPE, text=True) for me in "ab"]
    errors = [line for process in both for line in process.communicate(timeout=120)[1].splitlines()]
    # on a busy machine, one may wait for more than a second, and says so
    assert [line for line in errors if not line.startswith("Waiting for the embedded Qdrant")] == []
    assert [process.returncode for process in both] == [0, 0]
    with embedded_address.connect("images") as qdrant:
        assert qdrant.collection(VERSION).count() == 8


def test_points_outlast_the_connection(qdrant_address: QdrantAddress) -> None:
    with qdrant_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.ensure()
        list(collection.upsert([make_point("a.jpg", unit_vector("a"), {"partition": "."})]))
    with qdrant_address.connect("images") as qdrant:
        assert qdrant.collection(VERSION).counts(["."]) == {".": 1}


def test_nothing_is_warned_of_that_a_person_cannot_act_on(qdrant_address: QdrantAddress) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with qdrant_address.connect("images") as qdrant:
            qdrant.collection(VERSION).ensure()


def test_another_programs_use_of_the_folder_is_told(embedded_address: EmbeddedAddress) -> None:
    theirs = QdrantClient(path=str(embedded_address.directory))
    try:
        with (
            pytest.raises(ServiceUnavailableError, match="in use by another program"),
            embedded_address.connect("images"),
        ):
            pass
    finally:
        theirs.close()


@pytest.mark.parametrize("file", ["meta.json", "storage.sqlite"])
def test_a_damaged_embedded_qdrant_is_told(embedded_address: EmbeddedAddress, file: str) -> None:
    with embedded_address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
    (damaged,) = embedded_address.directory.rglob(file)
    damaged.write_bytes(b"rubbish" * 1000)
    with (
        pytest.raises(CollectionError, match=r"cannot be opened .*delete that folder"),
        embedded_address.connect("images"),
    ):
        pass


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    address = EmbeddedAddress(tmp_path / "file" / "qdrant", tmp_path / "file" / "qdrant.lock")
    with pytest.raises(StoreError, match=r"cannot be created .*IMAGE_PIPELINE_HOME"), address.connect("images"):
        pass


def test_a_server_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    port, grpc_port = free_port(), free_port()
    address = ServerAddress(f"http://127.0.0.1:{port}", grpc_port=grpc_port)
    began = time.monotonic()
    message = rf"127.0.0.1:{port} \(gRPC port {grpc_port}\) does not answer .*QDRANT_URL and QDRANT_GRPC_PORT"
    with pytest.raises(ServiceUnavailableError, match=message) as told, address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
    assert time.monotonic() - began < 5
    assert told.value.transient


def test_a_url_that_is_none_is_told(tmp_path: Path) -> None:
    address = ServerAddress("http://host:port")
    with pytest.raises(CollectionError, match="is not the address of a Qdrant server"), address.connect("images"):
        pass


def test_an_error_of_ones_own_is_left_as_it_is(qdrant_address: QdrantAddress) -> None:
    with pytest.raises(ZeroDivisionError), qdrant_address.connect("images"):
        raise ZeroDivisionError


def test_a_server_that_stops_and_comes_back(qdrant_binary: Path, memory: Path, tmp_path: Path) -> None:
    with QdrantServer(qdrant_binary, memory / "another") as server:
        address = ServerAddress(server.url, grpc_port=server.grpc_port)
        with address.connect("images") as qdrant:
            qdrant.collection(VERSION).ensure()
            list(qdrant.collection(VERSION).upsert([make_point("a.jpg", unit_vector("a"), {"partition": "."})]))
        with pytest.raises(ServiceUnavailableError), address.connect("images") as qdrant:
            server.stop()
            qdrant.collection(VERSION).count()
        server.start()
        with address.connect("images") as qdrant:
            assert qdrant.collection(VERSION).count() == 1
        server.restart()
        with address.connect("images") as qdrant:
            assert qdrant.collection(VERSION).count() == 1


def test_a_server_whose_disk_is_full_is_told_and_goes_on_once_there_is_room(
    qdrant_binary: Path, memory: Path, tmp_path: Path
) -> None:
    with Room(memory / "disk of a server", 250) as room:
        if not room.is_small:
            pytest.skip("A small disk cannot be mounted here: that takes the right to mount a tmpfs.")
        with QdrantServer(qdrant_binary, room.directory / "server") as server:
            address = ServerAddress(server.url, grpc_port=server.grpc_port)
            with address.connect("images") as qdrant:
                qdrant.collection(VERSION).ensure()
            room.fill(0)
            point = make_point("a.jpg", unit_vector("a"), {"partition": "."})
            with (
                pytest.raises(ServiceUnavailableError, match="make room on its disk"),
                address.connect("images") as qdrant,
            ):
                list(qdrant.collection(VERSION).upsert([point]))
            room.make_space()
            with address.connect("images") as qdrant:
                list(qdrant.collection(VERSION).upsert([point]))
                assert qdrant.collection(VERSION).count() == 1


def test_a_server_asks_for_its_key(qdrant_binary: Path, memory: Path, tmp_path: Path) -> None:
    with QdrantServer(qdrant_binary, memory / "locked", api_key="secret") as server:
        address = ServerAddress(server.url, grpc_port=server.grpc_port, api_key="secret")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with address.connect("images") as qdrant:
                qdrant.collection(VERSION).ensure()
        for wrong in (None, "wrong"):
            with (
                pytest.raises(CollectionError, match=r"refuses the key: give one .* in QDRANT_API_KEY") as told,
                replace(address, api_key=wrong).connect("images") as qdrant,
            ):
                qdrant.collection(VERSION).ensure()
            assert not told.value.transient
    assert "secret" not in repr(address) + str(address)


def test_the_settings_say_where_qdrant_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("qdrant_url", "qdrant_api_key", "qdrant_api_key_file", "qdrant_grpc_port", "lock_seconds"):
        monkeypatch.delenv(variable_of(name), raising=False)
    embedded = address_of(load_settings(home=tmp_path, lock_seconds=7))
    assert embedded == EdgeAddress(tmp_path / "qdrant-edge", tmp_path / "qdrant.lock", 7.0)
    assert str(embedded) == f"embedded in {tmp_path}/qdrant-edge"
    assert embedded.traits.advice(300_000) is None
    assert embedded.traits.advice(300_001) == (
        "The embedded Qdrant is meant for up to 300,000 points. If searches are slow or take too much memory, start a "
        "Qdrant server, set QDRANT_URL, and ingest again; no image goes through a model again."
    )
    monkeypatch.setenv("QDRANT_URL", "http://qdrant:6333")
    monkeypatch.setenv("QDRANT_API_KEY", "secret")
    monkeypatch.setenv("QDRANT_GRPC_PORT", "7334")
    server = address_of(load_settings(home=tmp_path))
    assert server == ServerAddress("http://qdrant:6333", 7334, "secret")
    assert str(server) == "http://qdrant:6333"
