"""Naming models is cheap: what is heavy is imported at the first batch."""

import subprocess
import sys
import textwrap
from pathlib import Path

HEAVY = ["torch", "torchvision", "transformers", "open_clip", "timm"]


def test_nothing_heavy_is_imported_before_the_first_batch(
    clip_directory: Path, blip_directory: Path, tmp_path: Path
) -> None:
    program = textwrap.dedent(
        f"""
        import importlib, pkgutil, sys
        from pathlib import Path
        import image_pipeline.inference

        for module in pkgutil.iter_modules(image_pipeline.inference.__path__, "image_pipeline.inference."):
            importlib.import_module(module.name)

        from image_pipeline.inference.captioner import Captioner
        from image_pipeline.inference.embedder import Embedder
        from image_pipeline.inference.models import resolve_models

        home = Path({str(tmp_path)!r})
        models = resolve_models("{clip_directory},{blip_directory}", home)
        embedder = Embedder(models.embedder, models.embedder.producer())
        captioner = Captioner(models.captioner, models.captioner.producer())
        models.embedder.directory(), models.captioner.directory(), embedder.device_text
        heavy = set({HEAVY!r}).intersection(sys.modules)
        assert not heavy, heavy
        assert "dagster" not in sys.modules
        """
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
