from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ganad_station.runtimes.litert import LiteRtModel
from ganad_tf.exporting.tflite.lowering import is_bit_identical, lower_transposed_convolutions
from tests.support.tflite_files import PIXELS, transposed_convolutions


def reconstructions(path: Path, content: bytes) -> np.ndarray:
    path.write_bytes(content)
    return LiteRtModel(path).reconstruct(PIXELS)


def test_every_transposed_convolution_comes_down_to_version_3(int8_generator: bytes) -> None:
    assert {version for version, _ in transposed_convolutions(int8_generator)} == {4}
    lowered = transposed_convolutions(lower_transposed_convolutions(int8_generator))
    assert lowered == [(3, schema.ActivationFunctionType.NONE)] * 4


def test_not_a_bit_of_the_output_changes(int8_generator: bytes, tmp_path: Path) -> None:
    before = reconstructions(tmp_path / "before.tflite", int8_generator)
    lowered = lower_transposed_convolutions(int8_generator)
    after = reconstructions(tmp_path / "after.tflite", lowered)
    assert np.array_equal(before, after)
    assert np.unique(before).size > 50


def test_a_changed_bit_is_noticed(int8_generator: bytes) -> None:
    assert is_bit_identical(int8_generator, int8_generator, PIXELS[:20])
    model = schema.ModelT.InitFromPackedBuf(int8_generator, 0)
    largest = max(model.buffers, key=lambda buffer: 0 if buffer.data is None else len(buffer.data))
    largest.data = largest.data ^ 1
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    assert not is_bit_identical(int8_generator, bytes(builder.Output()), PIXELS[:20])


def test_the_dropped_activation_was_at_work(int8_generator: bytes) -> None:
    """Dropping it where the zero point is another would change the file's output."""
    activations = [activation for _, activation in transposed_convolutions(int8_generator)]
    assert activations.count(schema.ActivationFunctionType.RELU) == 3


def test_lowering_again_changes_nothing(int8_generator: bytes) -> None:
    once = lower_transposed_convolutions(int8_generator)
    twice = lower_transposed_convolutions(once)
    assert transposed_convolutions(twice) == transposed_convolutions(once)


def test_an_activation_that_saturation_does_not_replace_is_kept(int8_generator: bytes) -> None:
    model = schema.ModelT.InitFromPackedBuf(int8_generator, 0)
    (subgraph,) = model.subgraphs
    convolution = next(
        operator
        for operator in subgraph.operators
        if getattr(operator.builtinOptions, "fusedActivationFunction", 0)
        and isinstance(operator.builtinOptions, schema.TransposeConvOptionsT)
    )
    subgraph.tensors[convolution.outputs[0]].quantization.zeroPoint = np.array([-100])
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    content = bytes(builder.Output())
    assert lower_transposed_convolutions(content) == content
