"""An int8 generator that is not rewritten yet."""

import pytest

from ganad_station.score import to_input
from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.exporting.quantization.aware import fine_tune, make_quantization_aware
from ganad_tf.exporting.quantization.objectives import match_float_output
from ganad_tf.exporting.quantization.preparation import prepare
from ganad_tf.exporting.tflite.conversion import convert
from ganad_tf.targets.recipe import Precision, Scheme
from tests.support.generators import generator_with_random_statistics
from tests.support.tflite_files import PIXELS


@pytest.fixture(scope="module")
def int8_generator() -> bytes:
    """A generator as the converter writes it, quantized but not lowered."""
    generator = generator_with_random_statistics(32, 3, 8)
    aware = make_quantization_aware(prepare(generator, to_input(PIXELS[:50])), Scheme.ASYMMETRIC)
    batches = PairedBatches(PIXELS[:8], PIXELS[8:16], TrainConfig(batch_size=4), 0)
    fine_tune(aware, batches, match_float_output(generator), 1, 1e-4, lambda *_: None)
    return convert(aware, Precision.INT8)
