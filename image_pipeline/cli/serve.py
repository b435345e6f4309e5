"""The commands that serve a part of the program to other processes and machines: the models, the page, metrics."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from image_pipeline.cli.options import errors_for_people, shared_options
from image_pipeline.notices import show_notices
from image_pipeline.settings import load_settings
from image_pipeline.signals import ignore_further_signals, interrupted_exit_code
from image_pipeline.terminal import echo

_ADDRESS = click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on; for any but that of this machine itself, an API key must be set.",
)


def _port(default: int) -> Callable:
    port = click.IntRange(1, 65535)
    return click.option("--port", default=default, show_default=True, type=port, help="Port to listen on.")


@click.command("serve")
@_ADDRESS
@_port(8600)
@shared_options
@errors_for_people
def serve_search(host: str, port: int, **given: Any) -> None:
    """Serve the search page and its API: see and search the photographs in a browser.

    On this machine, it needs no password. For any other address, set IMAGE_PIPELINE_PAGE_PASSWORD_FILE to a file made
    with `image-pipeline hash-password`, or an API key.
    """
    settings = load_settings(**given)
    from image_pipeline.web.server import serve

    show_notices("uvicorn.error")
    _until_interrupted(lambda: serve(settings, host, port))


@click.command("hash-password")
@errors_for_people
def hash_password() -> None:
    """Ask for a password, or read it from stdin, and print its hash, for IMAGE_PIPELINE_PAGE_PASSWORD_FILE.

    For example: image-pipeline hash-password > ~/page-password
    """
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    from image_pipeline.web.door.password import hash_password as hashed

    echo(hashed(password))


@click.command("serve-models")
@_ADDRESS
@_port(8500)
@shared_options
@errors_for_people
def serve_models(host: str, port: int, **given: Any) -> None:
    """Load the models once, and serve them over HTTP to runs and searches on this and other machines.

    Clients set IMAGE_PIPELINE_INFERENCE_URL to its address, and IMAGE_PIPELINE_INFERENCE_KEY to a key that it accepts
    (or IMAGE_PIPELINE_INFERENCE_KEY_FILE to a file with one).
    """
    settings = load_settings(**given)
    from image_pipeline.api.server import serve_models as serve

    _until_interrupted(lambda: serve(settings, host, port))


def _prefix(_: click.Context, __: click.Parameter, value: str) -> str:
    if value and not re.fullmatch(r"(/[A-Za-z0-9_-]+)+", value):
        raise click.BadParameter("give a path such as /dagster: letters, digits, - and _ between slashes.")
    return value


@click.command("serve-page")
@_ADDRESS
@_port(3000)
@click.option(
    "--workspace",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A workspace.yaml of Dagster, which names the code server.",
)
@click.option(
    "--path-prefix",
    default="",
    metavar="PATH",
    callback=_prefix,
    help="What all paths begin with, such as /dagster: for a proxy that serves other things under the same name.",
)
@errors_for_people
def serve_page(host: str, port: int, workspace: Path, path_prefix: str) -> None:
    """Serve Dagster's page alone: the code server and the daemon run somewhere else, such as in containers.

    On one machine, use `image-pipeline dev` instead, which starts all of them.
    """
    settings = load_settings()
    from image_pipeline.page.alone import serve_page as serve

    _until_interrupted(lambda: serve(settings, host, port, workspace, path_prefix))


@click.command("serve-metrics")
@_ADDRESS
@_port(9600)
@shared_options
@errors_for_people
def serve_metrics(host: str, port: int, **given: Any) -> None:
    """Serve metrics of the library and of Dagster's runs to Prometheus, at /metrics."""
    settings = load_settings(**given)
    from image_pipeline.exporter.server import serve_metrics as serve

    _until_interrupted(lambda: serve(settings, host, port))


def _until_interrupted(serve: Callable[[], None]) -> None:
    try:
        serve()
    except KeyboardInterrupt:  # the usual way to end it
        ignore_further_signals()
        sys.exit(interrupted_exit_code())
