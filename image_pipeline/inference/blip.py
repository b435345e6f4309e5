"""Loading of BLIP models, modified to compute captions faster."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from image_pipeline.errors import ModelError
from image_pipeline.inference.device import Device
from image_pipeline.inference.files import weights_path
from image_pipeline.inference.producer import ProducerKind
from image_pipeline.patches import fused_attention
from image_pipeline.settings import DType

if TYPE_CHECKING:
    import torch


# Typed as Any: the stubs of transformers describe neither the arguments nor the result of `generate`.
def load_blip(directory: Path, device: Device) -> Any:
    """Load the `BlipForConditionalGeneration` of transformers from `directory` to the device, in its number format.

    If that is bf16, the image encoder uses it, and so does the part of the text decoder that processes the whole image:
    the keys and values of its cross attention. The rest of the decoder stays in fp32, since it takes little time, and
    in bf16 one caption in five changed: the likeliest words differ by less than bf16 can represent.

    Raises ModelError if the file lacks some of the weights, which transformers would initialise at random.
    """
    import torch
    from transformers import BlipForConditionalGeneration

    model: Any
    model, loading = BlipForConditionalGeneration.from_pretrained(
        directory, dtype=torch.float32, local_files_only=True, weights_only=True, output_loading_info=True
    )
    lacking = sorted({*loading["missing_keys"], *loading["mismatched_keys"]})
    if lacking:
        file = weights_path(ProducerKind.CAPTION, directory)
        raise ModelError(
            f"The captioner's weights {file} lack {len(lacking)} of the model's ({', '.join(lacking[:3])}): fetch the "
            "model again, or name a different one in IMAGE_PIPELINE_MODELS."
        )
    fused_attention(model)
    if device.dtype is DType.BF16:
        model.vision_model.to(torch.bfloat16)
        for layer in model.text_decoder.bert.encoder.layer:
            for projection in (layer.crossattention.self.key, layer.crossattention.self.value):
                projection.to(torch.bfloat16).register_forward_hook(_in_fp32)
    return model.eval().requires_grad_(False).to(device.torch_device, memory_format=torch.channels_last)


def _in_fp32(_module: Any, _inputs: Any, output: "torch.Tensor") -> "torch.Tensor":
    return output.float()
