"""The command `image-pipeline dev`: the page of a library on this machine, with all its processes."""

import logging

import dagster as dg
from dagster._utils.log import configure_loggers

from image_pipeline.api_keys import Keys
from image_pipeline.http_server import listen
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.page.services import Services, short_directory
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import LogFormat, Settings, export_settings
from image_pipeline.storage.locks import page_open

_log = logging.getLogger("dagster.image_pipeline")


def open_page(settings: Settings, port: int) -> None:
    """Serve the page on `port` of the loopback interface, with a code server and the daemon, until a signal ends it.

    All of them hold the store meanwhile, so that it cannot be deleted or moved.

    Raises PortTakenError before anything is started, StoreError and SettingsError as `open_instance` does, and
    ServiceError if the code server does not start. Otherwise, it always ends with KeyboardInterrupt.
    """
    listener = listen(port)
    store = Wiring(settings).store
    open_instance(store).dispose()
    export_settings(settings)
    log_format = "json" if settings.log_format is LogFormat.JSON else "colored"
    configure_loggers(formatter=log_format)
    with (
        listener,
        page_open(store) as held,
        short_directory() as directory,
        Services(directory, log_format, held) as services,
        dg.DagsterInstance.get() as instance,
    ):
        from image_pipeline.page.server import serve  # takes seconds, while the code server starts

        services.wait_until_ready(instance.code_server_process_startup_timeout)
        _log.info(f"The page is on http://127.0.0.1:{port} (Ctrl-C ends it).")
        serve(settings, instance, services.workspace_file, listener, Keys())
