"""Profiles: named choices of models, and the pinned revisions of their weights."""

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """A choice of models, from one that needs no download to one that needs a GPU."""

    DEMO = "demo"
    LIGHT = "light"
    STANDARD = "standard"
    LARGE = "large"

    @property
    def embedder(self) -> str:
        """The name of the model for embeddings."""
        return _EMBEDDERS[self]

    @property
    def captioner(self) -> str:
        """The name of the model for captions."""
        return _CAPTIONERS[self]


@dataclass(frozen=True)
class Pin:
    """The revision of a repository that is used if none is named.

    A commit fixes every byte. `pickle_sha256` is for repositories that offer no safetensors: their weights are
    unpickled, so the file is first checked against this hash.
    """

    revision: str
    pickle_sha256: str | None = None


_BLIP_BASE = "Salesforce/blip-image-captioning-base"

_EMBEDDERS = {
    Profile.DEMO: "bundled:embedder",
    Profile.LIGHT: "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    Profile.STANDARD: "timm/ViT-B-16-SigLIP2",
    Profile.LARGE: "timm/ViT-SO400M-16-SigLIP2-384",
}
_CAPTIONERS = {
    Profile.DEMO: "bundled:captioner",
    Profile.LIGHT: _BLIP_BASE,
    Profile.STANDARD: _BLIP_BASE,
    Profile.LARGE: "Salesforce/blip-image-captioning-large",
}

PINS = {
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": Pin("1a25a446712ba5ee05982a381eed697ef9b435cf"),
    "timm/ViT-B-16-SigLIP2": Pin("eee10eff6dd8cabae2d7f379d4e8cfcd352030aa"),
    "timm/ViT-SO400M-16-SigLIP2-384": Pin("fec784dabb3081a5f101fc74eefaf9d1ed08237b"),
    # The repository has no safetensors, only pytorch_model.bin.
    _BLIP_BASE: Pin(
        "82a37760796d32b1411fe092ab5d4e227313294b",
        pickle_sha256="d6638651a5526cc2ede56f2b5104d6851b0755816d220e5e046870430180c767",
    ),
    "Salesforce/blip-image-captioning-large": Pin("353689b859fcf0523410b1806dace5fb46ecdf41"),
}
