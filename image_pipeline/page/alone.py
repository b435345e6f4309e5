"""The command `image-pipeline serve-page`: the page alone, with the code server and the daemon somewhere else."""

import logging
import os
from pathlib import Path

import dagster as dg
from dagster._utils.log import configure_loggers

from image_pipeline.api_keys import keys_for
from image_pipeline.errors import SettingsError
from image_pipeline.http_server import listen
from image_pipeline.settings import LogFormat, Settings
from image_pipeline.terminal import in_one_line

_REASON_LENGTH = 300

_log = logging.getLogger("dagster.image_pipeline")


def serve_page(settings: Settings, host: str, port: int, workspace_file: Path, prefix: str = "") -> None:
    """Serve the page on `port` of the address `host` until a signal ends it, then raise KeyboardInterrupt.

    It needs neither the store nor the library: its records are those of DAGSTER_HOME, and `workspace_file` names the
    code servers, as Dagster's `workspace.yaml` does. All paths begin with `prefix`. Raises SettingsError if others than
    this machine could reach it and no key is set, or if the records cannot be used; PortTakenError as `listen` does.
    """
    keys = keys_for(settings, host)
    if not os.environ.get("DAGSTER_HOME"):
        raise SettingsError("DAGSTER_HOME is not set: set it to the folder of the dagster.yaml that the daemon has.")
    configure_loggers(formatter="json" if settings.log_format is LogFormat.JSON else "colored")
    with listen(port, host) as listener, _records() as instance:
        from image_pipeline.page.server import serve  # takes seconds

        _log.info(f"The page is on http://{host}:{port}{prefix} (Ctrl-C ends it).")
        serve(settings, instance, workspace_file, listener, keys, prefix)


def _records() -> dg.DagsterInstance:
    try:
        instance = dg.DagsterInstance.get()
        instance.get_runs(limit=1)
    except Exception as error:  # of Dagster, YAML, or the database
        reason = in_one_line(error, _REASON_LENGTH)
        raise SettingsError(
            f"Dagster's records cannot be opened ({reason}): correct dagster.yaml in {os.environ['DAGSTER_HOME']}, or "
            "start the database that it names, or make room on its disk."
        ) from error
    return instance
