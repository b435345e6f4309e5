"""The API's description of files and of the session is exact, behind the door as well."""

import subprocess
import sys
from pathlib import Path

from image_pipeline_tests.support.served import Served


def test_every_answer_is_as_described(open_page: Served, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{open_page.port}/api/v1/openapi.json"
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", address, "--no-color"]
    command += ["--max-examples", "30", "--seed", "1", "--phases", "examples,coverage,fuzzing"]
    command += ["--include-path-regex", "thumbnails|originals|session"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=250)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert "Selected: 4/" in found.stdout
