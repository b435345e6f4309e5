"""The command `image-pipeline serve`: the search page and its API in this process."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.errors import PipelineError
from image_pipeline.http_origin import names_of_page
from image_pipeline.http_server import Server, is_loopback, listen
from image_pipeline.orchestration.last_run import last_run
from image_pipeline.request_log import RequestLog
from image_pipeline.services.indexed_files import IndexedFiles
from image_pipeline.services.large_thumbnail import LargeThumbnailMaker
from image_pipeline.services.search import Search
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.signals import interrupted_afterwards
from image_pipeline.storage.large_thumbnails import LargeThumbnails
from image_pipeline.web.app import PREFIX, create_app
from image_pipeline.web.connection import Connection
from image_pipeline.web.door.access import access_for
from image_pipeline.web.door.door import HEALTH, Door
from image_pipeline.web.library import ServedLibrary
from image_pipeline.web.originals import Originals, originals_router
from image_pipeline.web.page.pages import page_router
from image_pipeline.web.session import session_router
from image_pipeline.web.thumbnails import QuickThumbnails, Thumbnails, thumbnails_router

_CLOSING_SECONDS = 1
_IDLE_SECONDS = 30
_MOST_CONNECTIONS = 512

_QUIET_FOLDERS = (f"{PREFIX}/thumbnails/", f"{PREFIX}/originals/", "/static/")

_log = logging.getLogger(__name__)


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve the page on `port` of the address `host` until a signal ends it, then raise KeyboardInterrupt.

    Raises SettingsError as `access_for` does, PortTakenError if the port is taken, StoreError if the store is no use.
    """
    wiring = Wiring(settings)
    access = access_for(settings, host, wiring.store)
    with listen(port, host) as listener, _app(wiring) as app:
        logging.getLogger("uvicorn.error").addFilter(_is_worth_a_line)
        door = Door(app, access, names_of_page(settings))
        server = Server(_config(RequestLog(door, {HEALTH}, _QUIET_FOLDERS)))
        shown = f"[{host}]" if ":" in host else host
        _log.info("The page is on http://%s:%s (Ctrl-C ends it).", shown, port)
        if not is_loopback(host):
            _log.warning("Passwords, keys and photographs can be read on the way unless a proxy with TLS is in front.")
        with interrupted_afterwards(server.end):
            server.run(sockets=[listener])


@contextmanager
def _app(wiring: Wiring) -> Iterator[ASGIApp]:
    """The page and the API of a store and its library, without the door, for the length of the block."""
    store, settings = wiring.store, wiring.settings
    with ExitStack() as stack:
        search = stack.enter_context(Search(settings, wiring.address))
        files = IndexedFiles(search.address, settings.collection, lambda: wiring.library_root)
        large = LargeThumbnails(store)
        maker = stack.enter_context(LargeThumbnailMaker(large, files.with_content, wiring.limits, wiring.processes))
        thumbnails, originals = Thumbnails(store, maker), Originals(files)
        library = ServedLibrary(wiring, search, lambda: last_run(store))
        more = session_router(), thumbnails_router(thumbnails), originals_router(originals)
        # the first search would wait for the model, many seconds
        threading.Thread(target=_load_model, args=(search,), name="load model", daemon=True).start()
        yield QuickThumbnails(create_app(library, more, [page_router()]), thumbnails, PREFIX)


def _load_model(search: Search) -> None:
    with suppress(PipelineError):  # the search that needs it says why it cannot be loaded
        search.by_words("a photograph", 1, SearchFilter())


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Whether to show a record: of answers that end early on purpose, the log says why already."""
    return not str(record.msg).startswith("ASGI callable returned without completing response")


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whose addresses would anybody be able to claim
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_CLOSING_SECONDS,
        timeout_keep_alive=_IDLE_SECONDS,
    )
