"""A producer's text form tells apart what gives different results, and nothing else."""

from dataclasses import replace

import pytest

from image_pipeline.inference.producer import Generation, Producer, ProducerKind
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.settings import DType

SPEC = InputSpec(224, 224, ResizeMode.SQUASH, Interpolation.BICUBIC)
EMBEDDING = Producer(ProducerKind.EMBEDDING, "org/model", "0a" * 20, SPEC, DType.AUTO, dimension=768)
CAPTION = Producer(ProducerKind.CAPTION, "org/blip", "0b" * 20, SPEC, DType.AUTO, generation=Generation())


def test_text_form_of_an_embedding() -> None:
    assert str(EMBEDDING) == f"embedding org/model@{'0a' * 20} 224x224-squash-bicubic auto"


def test_text_form_of_a_caption() -> None:
    assert str(CAPTION) == f"caption org/blip@{'0b' * 20} 224x224-squash-bicubic auto 20-tokens-1-beam"


def test_whatever_changes_a_result_changes_the_text_and_the_hash() -> None:
    others = [
        replace(CAPTION, model="org/other"),
        replace(CAPTION, revision="0c" * 20),
        replace(CAPTION, input=replace(SPEC, resize_mode=ResizeMode.SHORTEST)),
        replace(CAPTION, dtype=DType.FP32),
        replace(CAPTION, generation=Generation(beams=3)),
        replace(CAPTION, generation=Generation(max_new_tokens=30)),
        EMBEDDING,
        CAPTION,
    ]
    assert len({str(producer) for producer in others}) == len(others)
    assert len({producer.short_hash for producer in others}) == len(others)


def test_short_hash_never_changes() -> None:
    # Names of collections are made of it: another value here means that every library is embedded again.
    assert EMBEDDING.short_hash == "c111d441"


@pytest.mark.parametrize(
    ("kind", "dimension", "generation"),
    [
        (ProducerKind.EMBEDDING, None, None),
        (ProducerKind.EMBEDDING, 768, Generation()),
        (ProducerKind.CAPTION, 768, Generation()),
        (ProducerKind.CAPTION, None, None),
    ],
)
def test_fields_of_the_other_kind_are_refused(
    kind: ProducerKind, dimension: int | None, generation: Generation | None
) -> None:
    with pytest.raises(ValueError, match="an embedding producer has a dimension"):
        replace(EMBEDDING, kind=kind, dimension=dimension, generation=generation)
