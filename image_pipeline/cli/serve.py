"""The command that serves the models to other processes and machines."""

import sys
from typing import Any

import click

from image_pipeline.cli.options import errors_for_people, shared_options
from image_pipeline.settings import load_settings
from image_pipeline.signals import ignore_further_signals, interrupted_exit_code


@click.command("serve-models")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on; for any but that of this machine itself, an API key must be set.",
)
@click.option("--port", default=8500, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@shared_options
@errors_for_people
def serve_models(host: str, port: int, **given: Any) -> None:
    """Load the models once, and serve them over HTTP to runs and searches on this and other machines.

    Clients set IMAGE_PIPELINE_INFERENCE_URL to its address, and IMAGE_PIPELINE_INFERENCE_KEY to a key that it accepts
    (or IMAGE_PIPELINE_INFERENCE_KEY_FILE to a file with one).
    """
    settings = load_settings(**given)
    from image_pipeline.api.server import serve_models as serve

    try:
        serve(settings, host, port)
    except KeyboardInterrupt:  # the usual way to end it
        ignore_further_signals()
        sys.exit(interrupted_exit_code())
