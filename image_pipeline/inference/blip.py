"""A BLIP model, laid out to compute faster: the same words, sooner."""

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


# Typed as Any: the stubs of transformers know neither what `generate` takes nor what it gives.
def load_blip(directory: Path, device: Device) -> Any:
    """The `BlipForConditionalGeneration` of transformers in `directory`, on the device, in its number format.

    In bf16, the image encoder computes in it, and of the text decoder what looks at all of the image: the keys and
    values of its cross attention. The rest of the decoder stays in fp32. It takes a small part of the time, and in
    bf16, where the likeliest words differ by less than the format can tell, one caption in five changed.

    Raises ModelError where the file lacks some of the weights, which transformers would draw at random.
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
            f"The captioner's weights {file} lack {len(lacking)} of the model's ({', '.join(lacking[:3])}): fetch it "
            "again, or name another in IMAGE_PIPELINE_MODELS."
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
