"""What a run needs in the end is asked for before the first image is decoded."""

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.qdrant_server import QdrantServer
from image_pipeline_tests.support.hub_server import HubServer, Repository
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.shell import Shell
from image_pipeline_tests.support.tiny_models import write_clip

NO_HUB = "http://127.0.0.1:9"  # the port of the discard service, on which nobody listens


def decoded(shell: Shell) -> list[str]:
    """What decoding leaves behind."""
    return [
        name for name in ("tables/decoded_tensors", "thumbnails", "tensors") if (shell.home / "store" / name).exists()
    ]


def test_a_server_that_does_not_answer_is_said_before_anything_is_decoded(
    shell: Shell, qdrant_binary: Path, tmp_path: Path
) -> None:
    draw_scenes(shell.home / "Photos/trip", 2)
    server = QdrantServer(qdrant_binary, tmp_path / "qdrant")
    address = {"QDRANT_URL": server.url, "QDRANT_GRPC_PORT": str(server.grpc_port)}
    run = shell.begin("ingest", "Photos", **address)
    assert run.stderr is not None
    said = run.stderr.readline()
    assert re.search(r"tried again in \d+\.\d s \(1 of 4\): Qdrant at .* does not answer .*QDRANT_URL", said), said
    assert not decoded(shell)
    try:
        server.start()
        _, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
        assert decoded(shell)
        server.stop()
        done = shell.run("verify", **address)
        assert done.returncode == 1 and "does not answer" in done.stderr
        assert "reading files" not in done.stderr, "not after an hour of reading"
    finally:
        run.kill()
        server.stop()


def test_weights_that_cannot_be_had_are_said_before_anything_is_decoded(installed_shell: Shell, tmp_path: Path) -> None:
    shell = installed_shell
    draw_scenes(shell.home / "Photos/trip", 2)
    (shell.home / "Photos/trip/bad.jpg").write_bytes(b"no picture")
    write_clip(tmp_path / "clip")
    online = {"HF_HOME": str(tmp_path / "hf"), "IMAGE_PIPELINE_MODELS": "org/clip,none"}
    offline = {**online, "HF_ENDPOINT": NO_HUB}
    with HubServer() as hub:
        hub.repositories["org/clip"] = Repository()
        hub.repositories["org/clip"].commit({file.name: file.read_bytes() for file in (tmp_path / "clip").iterdir()})
        online["HF_ENDPOINT"] = hub.endpoint
        shell.run("scan", "Photos", **online)  # that takes the configuration alone
        done = shell.run("ingest", "Photos", **offline)
        assert done.returncode == 1
        assert "The weights of org/clip are not on this machine, and huggingface.co cannot be reached" in done.stderr
        assert not decoded(shell)

        done = shell.run("ingest", "Photos", **online)
        assert done.returncode == 0, done.stderr
        assert "The weights of org/clip are not on this machine yet: fetching them." in done.stderr
    for weights in (tmp_path / "hf").rglob("open_clip*.safetensors"):
        weights.unlink()
    (shell.home / "Photos/trip").rename(shell.home / "Photos/journey")
    done = shell.run("ingest", "Photos", **offline)
    assert done.returncode == 0, f"what the model has seen, or will never see, needs no model: {done.stderr}"


def test_to_ask_for_weights_imports_no_torch(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip")
    program = f"""
import sys
from pathlib import Path
from image_pipeline.stages.models import load_inference
from image_pipeline.settings import DType
from image_pipeline.storage.cache import ContentCache
inference = load_inference({str(tmp_path / "clip")!r} + ",none", DType.AUTO, Path({str(tmp_path)!r}))
inference.fetch_for(ContentCache(Path({str(tmp_path / "cache.sqlite")!r})), ["00" * 32])
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
