"""The library knows nothing of Dagster, and loads no model's code by being imported."""

import subprocess
import sys
import textwrap

import pytest


@pytest.mark.parametrize(
    "package", ["schema", "files", "storage", "imaging", "inference", "collection", "stages", "demo"]
)
def test_importing_the_library_imports_neither_dagster_nor_torch(package: str) -> None:
    program = textwrap.dedent(
        f"""
        import importlib, pkgutil, sys
        import image_pipeline.{package} as package

        names = [module.name for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
        assert names
        for name in names:
            importlib.import_module(name)
        own = {{"image_pipeline.orchestration", "image_pipeline.definitions"}}
        foreign = {{"dagster", "torch", "torchvision", "transformers", "open_clip"}} | own
        print(sorted(foreign.intersection(sys.modules)))
        """
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (result.stdout.strip(), result.returncode) == ("[]", 0), result.stderr
