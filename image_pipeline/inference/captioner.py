"""Captioning of images by a BLIP model."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from image_pipeline.inference.blip import load_blip
from image_pipeline.inference.device import Device
from image_pipeline.inference.loading import LazyModel
from image_pipeline.inference.normaliser import Normaliser
from image_pipeline.inference.prefetch import Images

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Caption:
    """A sentence, and the mean probability (0…1) that the model gives its tokens, including the end token."""

    text: str
    confidence: float


class Captioner(LazyModel[list[Caption]]):
    """A BLIP model for captions (`BlipForConditionalGeneration` of transformers)."""

    first_batch = 16
    # On a GPU, the next word takes nearly the same time for few images as for many.
    largest_batch = 256

    def caption_batches(self, images: Images) -> Iterator[tuple[slice, list[Caption]]]:
        """The captions of uint8 images `[n, 3, height, width]`, batch by batch, each with the rows of its images.

        The next batch is computed only when it is requested. Raises ModelError if the model cannot be fetched or
        loaded, produces probabilities that are not finite, or lacks the memory for a single image; ValueError if the
        images do not match the producer's input.
        """
        if len(images):
            yield from self._loaded().run(images)

    def _load(self, directory: Path, device: Device) -> "torch.nn.Module":
        from transformers import BlipProcessor
        from transformers.utils.logging import disable_progress_bar

        # loading takes a second, and its progress bar would garble that of the images
        disable_progress_bar()

        generation = self.producer.generation
        assert generation is not None, "a captioner's producer has generation settings"
        processor = BlipProcessor.from_pretrained(directory, local_files_only=True)
        image_processor = processor.image_processor
        self._normalise = Normaliser(image_processor.image_mean, image_processor.image_std, device)
        self._processor: Any = processor
        self._generation = {
            "max_new_tokens": generation.max_new_tokens,
            "num_beams": generation.beams,
            "do_sample": False,
        }
        model: torch.nn.Module = load_blip(directory, device)
        return model

    def _forward(self, batch: "torch.Tensor") -> list[Caption]:
        import torch

        with torch.inference_mode():
            output = self._model.generate(
                pixel_values=self._normalise(batch),
                return_dict_in_generate=True,
                output_scores=True,
                **self._generation,
            )
            confidences = self._confidences(output)
        texts = self._processor.batch_decode(output.sequences, skip_special_tokens=True)
        return [Caption(text.strip(), value) for text, value in zip(texts, confidences, strict=True)]

    def _confidences(self, output: Any) -> list[float]:
        decoder = self._model.text_decoder
        probabilities = decoder.compute_transition_scores(
            output.sequences, output.scores, output.get("beam_indices"), normalize_logits=True
        ).exp()
        # The prompt has no scores, and everything after the first end token is padding.
        tokens = output.sequences[:, -probabilities.shape[1] :]
        ends = tokens == self._model.config.text_config.sep_token_id
        written = ends.cumsum(dim=1) - ends.long() == 0
        means = probabilities.where(written, 0.0).sum(dim=1) / written.sum(dim=1)
        self._check_results(means, "probabilities")
        confidences: list[float] = means.tolist()
        return confidences
