"""Models are fetched once, stay the revision they were, and whatever prevents that is said in a sentence.

The hub's client reads its settings when it is imported, so each test runs the pipeline's code in a process of its own.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from image_pipeline_tests.support.hub_server import HubServer, Repository

NO_HUB = "http://127.0.0.1:9"


def files_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def run(program: str, endpoint: str, tmp_path: Path, **environment: str) -> Any:
    """What `program` prints as JSON; `embedder` and `captioner` in it give the source of a named model."""
    prelude = textwrap.dedent(
        f"""
        import json, os, sys
        from pathlib import Path
        from image_pipeline.errors import ModelError
        from image_pipeline.inference.models import resolve_models

        def embedder(name):
            return resolve_models(f"{{name}},none", Path({str(tmp_path / "home")!r})).embedder

        def captioner(name):
            return resolve_models(f"org/clip,{{name}}", Path({str(tmp_path / "home")!r})).captioner

        def error_of(call):
            try:
                call()
            except ModelError as error:
                return str(error)
        """
    )
    result = subprocess.run(
        [sys.executable, "-c", prelude + textwrap.dedent(program)],
        env={
            **os.environ,
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


FETCH = """
source = embedder("org/clip")
producer = source.producer()
configured = sorted(path.name for path in source.origin.configuration().iterdir())
directory = source.directory()
print(json.dumps({
    "revision": producer.revision, "setting": source.setting, "text": str(producer),
    "configured": configured, "files": sorted(path.name for path in directory.iterdir()),
    "torch": "torch" in sys.modules,
}))
"""


def test_a_model_is_fetched_once_and_stays_what_it_was(hub: HubServer, clip_directory: Path, tmp_path: Path) -> None:
    repository = hub.repositories["org/clip"] = Repository()
    files = files_of(clip_directory)
    commit = repository.commit({**files, "README.md": b"#", "pytorch_model.bin": b"x", "model.safetensors": b"y"})

    first = run(FETCH, hub.endpoint, tmp_path)

    assert first["revision"] == commit
    assert first["setting"] == f"org/clip@{commit}"
    assert first["text"] == f"embedding org/clip@{commit} 32x32-shortest-bicubic auto"
    assert first["configured"] == ["open_clip_config.json"], "a producer needs no weights"
    assert first["files"] == sorted(files), "nothing is fetched that is not loaded"
    assert not first["torch"]

    # The repository moves on; the second run neither follows it nor asks.
    repository.commit({**files, "README.md": b"# Better weights"})
    hub.requests.clear()
    second = run(FETCH, hub.endpoint, tmp_path)
    assert second["revision"] == commit
    assert hub.requests == []

    # Nor does it need the network; and another store finds the branch that was fetched by other means.
    assert run(FETCH, NO_HUB, tmp_path)["revision"] == commit
    (record,) = (tmp_path / "home" / "models").iterdir()
    record.unlink()
    branch = next((tmp_path / "hf" / "hub").glob("models--*")) / "refs" / "main"
    branch.parent.mkdir(exist_ok=True)
    branch.write_text(commit)
    assert run(FETCH, NO_HUB, tmp_path, HF_HUB_OFFLINE="1")["revision"] == commit

    # Without a record of it, the branch is looked up anew.
    record.unlink()
    branch.unlink()
    assert run(FETCH, hub.endpoint, tmp_path)["revision"] == repository.main != commit


def test_a_download_that_was_interrupted_is_completed(hub: HubServer, clip_directory: Path, tmp_path: Path) -> None:
    repository = hub.repositories["org/clip"] = Repository()
    repository.commit(files_of(clip_directory))
    run(FETCH, hub.endpoint, tmp_path)
    snapshot = next((tmp_path / "hf" / "hub").glob("models--*/snapshots/*"))
    (snapshot / "tokenizer_config.json").unlink()

    assert "tokenizer_config.json" in run(FETCH, hub.endpoint, tmp_path)["files"]


def test_the_hubs_cache_has_the_usual_rights_and_the_store_is_private(
    hub: HubServer, clip_directory: Path, tmp_path: Path
) -> None:
    """Also in a process that is begun by one that is private, as a run is by the page."""
    private = "from image_pipeline.storage.private_files import keep_private\nkeep_private()\n"
    hub.repositories["org/clip"] = Repository()
    hub.repositories["org/clip"].commit(files_of(clip_directory))
    run(private + FETCH, hub.endpoint, tmp_path, _IMAGE_PIPELINE_UMASK="22")
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "hf").rglob("blobs/*")} == {0o644}
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "home").rglob("*.json")} == {0o600}


def test_a_captioner_is_fetched_with_its_processor(hub: HubServer, blip_directory: Path, tmp_path: Path) -> None:
    hub.repositories["org/blip"] = Repository()
    hub.repositories["org/blip"].commit({**files_of(blip_directory), "tf_model.h5": b"x", "pytorch_model.bin": b"y"})
    report = run(
        """
        source = captioner("org/blip")
        print(json.dumps([str(source.producer().input), sorted(path.name for path in source.directory().iterdir())]))
        """,
        hub.endpoint,
        tmp_path,
    )
    assert report[0] == "32x32-squash-bicubic"
    assert report[1] == sorted(files_of(blip_directory))


def test_models_are_loaded_without_asking_the_hub(
    hub: HubServer, clip_directory: Path, blip_directory: Path, tmp_path: Path
) -> None:
    for name, directory in {"org/clip": clip_directory, "org/blip": blip_directory}.items():
        hub.repositories[name] = Repository()
        hub.repositories[name].commit(files_of(directory))
    fetch = "print(json.dumps([str(embedder('org/clip').directory()), str(captioner('org/blip').directory())]))"
    run(fetch, hub.endpoint, tmp_path)
    hub.requests.clear()
    report = run(
        """
        import numpy as np
        from image_pipeline.inference.captioner import Captioner
        from image_pipeline.inference.embedder import Embedder

        images = np.zeros((2, 3, 32, 32), np.uint8)
        clip, blip = embedder("org/clip"), captioner("org/blip")
        model = Embedder(clip, clip.producer())
        vectors = [batch.shape for _, batch in model.embed_batches(images)], model.embed_texts(["a dog"]).shape
        captions = [len(batch) for _, batch in Captioner(blip, blip.producer()).caption_batches(images)]
        print(json.dumps([vectors, captions]))
        """,
        hub.endpoint,
        tmp_path,
    )
    assert report == [[[[2, 24]], [1, 24]], [2]]
    assert hub.requests == []


def test_what_the_hub_refuses_is_explained(hub: HubServer, clip_directory: Path, tmp_path: Path) -> None:
    files = files_of(clip_directory)
    hub.repositories = {"org/gated": Repository(gated=True), "org/clip": Repository(), "org/other": Repository()}
    hub.repositories["org/gated"].commit(files)
    hub.repositories["org/clip"].commit(files)
    hub.repositories["org/other"].commit({"config.json": b"{}", "model.safetensors": b"x"})
    unknown, gated, revision, other = run(
        """
        names = ["org/unknown", "org/gated", "org/clip@v2", "org/other"]
        print(json.dumps([error_of(embedder(name).directory) for name in names]))
        """,
        hub.endpoint,
        tmp_path,
    )
    assert unknown.startswith(
        "The model org/unknown is neither a directory on this machine nor a visible repository on"
    )
    assert gated.startswith(
        "The model org/gated is gated: accept its terms at https://huggingface.co/org/gated and set HF"
    )
    assert revision == "The model org/clip has no revision 'v2'; correct IMAGE_PIPELINE_MODELS."
    assert other.startswith("The repository org/other is not an open_clip model: it has no open_clip_config.json")


@pytest.mark.parametrize("environment", [{}, {"HF_HUB_OFFLINE": "1"}], ids=["no network", "offline mode"])
def test_without_the_network_the_way_out_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    messages = run(
        """
        source = resolve_models("standard", Path.cwd())
        sources = [source.embedder, source.captioner, embedder("org/clip")]
        print(json.dumps([error_of(call) for source in sources for call in (source.producer, source.directory)]))
        """,
        NO_HUB,
        tmp_path,
        **environment,
    )
    names = ["timm/ViT-B-16-SigLIP2", "Salesforce/blip-image-captioning-base", "org/clip"]
    assert messages == [
        f"The weights of {name} are not on this machine, and huggingface.co cannot be reached; connect to it once, or "
        "set IMAGE_PIPELINE_MODELS to a local directory or to `demo`."
        for name in names
        for _ in range(2)
    ]


def test_a_full_disk_is_named(hub: HubServer, clip_directory: Path, tmp_path: Path) -> None:
    """Made with a limit on the size of a file, which the system reports as it reports a full disk."""
    hub.repositories["org/clip"] = Repository()
    hub.repositories["org/clip"].commit(files_of(clip_directory))
    message = run(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        print(json.dumps(error_of(embedder("org/clip").directory)))
        """,
        hub.endpoint,
        tmp_path,
    )
    assert message.startswith(
        "The model org/clip cannot be stored in the hub's cache (File too large); make room, or set"
    )


def test_a_pickle_other_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    message = run(
        """
        from image_pipeline.inference.profiles import PINS
        name = "Salesforce/blip-image-captioning-base"
        repository = Path(os.environ["HF_HOME"]) / "hub" / "models--Salesforce--blip-image-captioning-base"
        snapshot = repository / "snapshots" / PINS[name].revision
        snapshot.mkdir(parents=True)
        files = ["config.json", "preprocessor_config.json", "tokenizer_config.json", "vocab.txt", "pytorch_model.bin"]
        for file in files:
            (snapshot / file).write_text("{}")
        print(json.dumps(error_of(captioner(name).directory)))
        """,
        NO_HUB,
        tmp_path,
    )
    fault = "pytorch_model.bin does not have the SHA-256 that is pinned for"
    assert f"{fault} Salesforce/blip-image-captioning-base: delete it" in message
