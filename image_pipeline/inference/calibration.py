"""Calibrated models: how far the score of a photograph has to stand out for it to be close to words."""

from image_pipeline.inference.producer import Producer

_FACTORS = {
    # measured by scripts/calibrate_demo_cut.py; the revision is the hash of the weights
    "bundled:embedder@cbfae5f6a90c4525d644d3ec9b7be4bd0ff4a464210fdcbc0053222dc7652e2b": 1.5,
}
"""The factor of each calibrated embedding model, by model and revision."""


def cut_factor(producer: Producer) -> float | None:
    """The factor of the relevance cut, in standard deviations of the scores of neutral texts.

    None for a model that is not calibrated. The number format makes no difference: it changes scores by much less than
    they vary.
    """
    return _FACTORS.get(f"{producer.model}@{producer.revision}")
