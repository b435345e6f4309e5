"""The API over HTTP: its description is right, and many requests at once are answered as one by one."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.services.search import Search
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings

_THREADS = 8


def test_the_description_of_the_interface_is_right(url: str, tmp_path: Path) -> None:
    """Schemathesis makes requests from the description, good and bad, and compares what comes back with it.

    It cannot know which texts are queries, filters and cursors: most that it makes up are refused.
    """
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json", "--no-color"]
    options = ["--max-examples", "20", "--seed", "1", "--phases", "examples,coverage,fuzzing"]
    options += ["--exclude-checks", "positive_data_acceptance"]
    found = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path, timeout=280)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]


def test_many_requests_at_once_are_answered_as_one_by_one(url: str) -> None:
    requests: list[tuple[str, dict[str, Any]]] = [
        *(
            ("/search", {"q": f"a {colour} {shape}", "limit": 5})
            for colour in ("red", "blue")
            for shape in ("star", "ring")
        ),
        ("/search", {"q": "camera:mirrorless", "sort": "oldest"}),
        ("/search", {"path": "people/IMG_9042.jpg"}),
        ("/facets", {"field": "keyword"}),
        ("/timeline", {"q": "camera:phone"}),
        ("/map", {"zoom": 4}),
        ("/duplicates", {}),
        ("/directories", {}),
    ]
    with httpx.Client(base_url=url, trust_env=False, timeout=120) as client:

        def ask(request: tuple[str, dict[str, Any]]) -> Any:
            answer = client.get(request[0], params=request[1])
            assert answer.status_code == 200, answer.text
            found = {**answer.json(), "cursor": None}  # each search has a secret of its own
            return json.loads(json.dumps(found), parse_float=lambda text: round(float(text), 4))

        ask(requests[0])  # the first text is embedded with others, which rounds differently
        alone = [ask(request) for request in requests]
        with ThreadPoolExecutor(_THREADS) as pool:
            together = list(pool.map(ask, requests * 8))
    assert together == alone * 8


def test_the_first_requests_of_a_process_may_come_at_once(served: Settings) -> None:
    """Nothing is connected or loaded yet."""
    begin = threading.Barrier(_THREADS)
    with Search(served, Wiring(served).address) as search, ThreadPoolExecutor(_THREADS) as pool:

        def ask(number: int) -> list[str]:
            begin.wait()
            answer = search.by_words("a red circle", 5, SearchFilter())
            return [hit.path for hit in answer.hits]

        answers = list(pool.map(ask, range(_THREADS)))
    assert len(answers[0]) == 5 and answers == [answers[0]] * _THREADS
