"""Description of the machine, for the report."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx512_fp16", "amx_bf16", "amx_tile", "sha_ni")
_PACKAGES = ("torch", "open_clip_torch", "transformers", "pillow", "pillow-heif", "rawpy", "numpy", "dagster")


def describe(qdrant: str) -> dict[str, str]:
    """Processor, memory, versions and date, by names for people; `qdrant` describes the Qdrant that is used."""
    cpu = _cpu()
    flags = cpu.get("flags", "").split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    versions = {name: version(name) for name in (*_PACKAGES, "qdrant-client")}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{cpu.get('model name', platform.processor())} (family {cpu.get('cpu family', '?')}, "
        f"model {cpu.get('model', '?')}), {len(os.sched_getaffinity(0))} cores",
        "vector features": ", ".join(name for name in _FEATURES if name in flags) or "none known",
        "memory": f"{memory / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **versions,
        "Qdrant": qdrant,
    }


def load() -> str:
    """The system load: the mean number of running processes in the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def _cpu() -> dict[str, str]:
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
