"""The process of the inference service: takes the port, loads the models, serves, and ends in order."""

import logging
import threading

from image_pipeline.api.receivers import Receivers
from image_pipeline.api_keys import keys_for
from image_pipeline.http_server import listen
from image_pipeline.inference.wire import ServiceLimits
from image_pipeline.services.model_service import ModelService
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.signals import interrupted_afterwards
from image_pipeline.stages.models import load_inference

_log = logging.getLogger(__name__)


def serve_models(settings: Settings, host: str, port: int) -> None:
    """Serve the models on `port` of the address `host` until a signal ends it, then raise KeyboardInterrupt.

    Requests that were taken are finished, for up to a minute. Raises SettingsError if the address is not that of this
    machine alone and no key is set, PortTakenError if the port is taken, ModelError if a model cannot be loaded.
    """
    keys = keys_for(settings, host)
    wiring = Wiring(settings)
    inference = load_inference(settings.models, settings.dtype, wiring.store.home)
    listener = listen(port, host)
    limits = ServiceLimits(pixels=settings.decode_pixels)
    receivers = Receivers(listener, keys, limits, settings.traces)
    with ModelService(inference, wiring.limits, wiring.processes, limits, receivers.waiting) as service:
        failures: list[BaseException] = []

        def load() -> None:
            try:
                service.load()
            except BaseException as error:  # raised again by the main thread
                failures.append(error)
                receivers.end()
            else:
                receivers.set_ready(service.capabilities, max(1, wiring.processes // 2) if service.is_on_gpu else 1)
                _log.warning("The models are ready on %s: http://%s:%s.", service.capabilities.device, host, port)

        loading = threading.Thread(target=load, name="load", daemon=True)
        with interrupted_afterwards(receivers.end):
            loading.start()
            try:
                receivers.run(service)
            finally:
                loading.join()
        if failures:
            raise failures[0]
