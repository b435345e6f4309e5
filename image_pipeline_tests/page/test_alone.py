"""`image-pipeline serve-page`: the page alone, as it is in a container."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_pipeline_tests.support.served import KEY, Served
from image_pipeline_tests.support.shell import Shell

WORKSPACE = "load_from: [{grpc_server: {host: 127.0.0.1, port: 9, location_name: image_pipeline.definitions}}]\n"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    home = tmp_path_factory.mktemp("alone")
    (home / "workspace.yaml").write_text(WORKSPACE)
    (home / "dagster").mkdir()
    (home / "dagster/dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment = {
        "DAGSTER_HOME": str(home / "dagster"),
        "LANG": "C.UTF-8",
        "IMAGE_PIPELINE_PAGE_HOSTS": "photos.example",
    }
    return Shell(home, **environment, IMAGE_PIPELINE_API_KEY=KEY)


@pytest.fixture(scope="module")
def page(shell: Shell) -> Iterator[Served]:
    with Served(shell.home, shell.environment, "serve-page", "--workspace", "workspace.yaml") as page:
        yield page


def test_it_needs_the_key(page: Served) -> None:
    for path in ("/", "/server_info", "/graphql?query={version}", "/logs/x"):
        assert page.get(path).status_code == 401, path
        assert page.get(path, x_api_key="wrong").status_code == 401, path
    answer = page.get("/server_info", x_api_key=KEY)
    assert answer.status_code == 200
    assert "dagster_version" in answer.text


def test_the_guard_stands_behind_the_key(page: Served) -> None:
    assert page.get("/", x_api_key=KEY, Host="photos.example").status_code == 200
    assert page.get("/", x_api_key=KEY, Host="evil.example").status_code == 421
    assert page.get("/server_info", x_api_key=KEY, Origin="https://evil.example").status_code == 403


def test_it_can_be_below_a_path(shell: Shell) -> None:
    options = "--workspace", "workspace.yaml", "--path-prefix", "/dagster"
    with Served(shell.home, shell.environment, "serve-page", *options) as page:
        index = page.get("/dagster", x_api_key=KEY)
        assert index.status_code == 200
        [script] = re.findall(r'src="(/dagster/[^"]*main[^"]*\.js)"', index.text)[:1]
        assert page.get(script, x_api_key=KEY).status_code == 200
        assert page.get("/dagster/server_info", x_api_key=KEY).status_code == 200
        assert page.get("/dagster/server_info").status_code == 401
        # the guard knows what is behind the path
        assert (
            page.get("/dagster/notebook?path=/etc/passwd", x_api_key=KEY).text == "There is no page at this address.\n"
        )
        assert page.get("/dagster/server_info", x_api_key=KEY, Origin="https://evil.example").status_code == 403
        for path in ("/", "/server_info", "/dagsters/server_info"):
            assert page.get(path, x_api_key=KEY).status_code == 404, path
    refused = shell.run("serve-page", *options[:-1], "dagster/")
    assert refused.returncode == 2
    assert "such as /dagster" in refused.stderr


def test_it_makes_no_store(page: Served, shell: Shell) -> None:
    assert page.get("/", x_api_key=KEY).status_code == 200
    assert not (shell.home / ".image-pipeline").exists()


@pytest.mark.parametrize(
    ("changed", "options", "said"),
    [
        ({"IMAGE_PIPELINE_API_KEY": ""}, ["--host", "0.0.0.0"], "IMAGE_PIPELINE_API_KEY"),
        ({"DAGSTER_HOME": ""}, [], "DAGSTER_HOME is not set"),
        ({"DAGSTER_HOME": "/nowhere"}, [], "/nowhere"),
    ],
)
def test_what_is_missing_is_named(shell: Shell, changed: dict[str, str], options: list[str], said: str) -> None:
    refused = shell.run("serve-page", "--workspace", "workspace.yaml", *options, **changed)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_a_database_that_does_not_answer_is_named(shell: Shell, tmp_path: Path) -> None:
    url = "postgresql://dagster@127.0.0.1:9/dagster"
    (tmp_path / "dagster.yaml").write_text(f"storage: {{postgres: {{postgres_url: '{url}'}}}}\n")
    refused = shell.run("serve-page", "--workspace", "workspace.yaml", DAGSTER_HOME=str(tmp_path))
    assert refused.returncode == 2
    assert "start the database" in refused.stderr
    assert "Traceback" not in refused.stderr
