"""Time and memory of a station, compared with the float file, Keras and onnxruntime.

python -m tools.bench.station --out docs/bench_station.json

All cases take turns on the same pictures and cores in one process tree. Figures are
medians over the rounds; ratios are computed for each round. The networks have random weights: time
does not depend on them.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import click
import numpy as np

from ganad_tf.models.architecture import GENERATOR, layer_shapes
from ganad_tf.system.environment import import_tensorflow_quietly
from ganad_tf.system.files import write_json
from tools.bench.station_bundle import make_bundle, textured_picture
from tools.bench.timing import MICROSECONDS, Contender, median_ratio, time_in_turns

CASES = ((32, 3), (256, 1))
THREADS = (1, 2)
PRODUCT_SIDE = 2048
STARTS = 7
START_AND_MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def contenders(folder: Path, size: int, channels: int, threads: int) -> list[Contender]:
    """Open everything that is timed."""
    import keras

    from ganad_station.bundle import Bundle
    from ganad_station.choice import open_model
    from ganad_station.inspector import Inspector
    from ganad_station.runtimes.litert import LiteRtModel
    from ganad_station.score import scores, to_input

    image = textured_picture(size, channels)
    batch = to_input(image[np.newaxis])
    inspector = Inspector(Bundle.open(folder), threads)
    int8 = LiteRtModel(folder / "model.tflite", threads)
    generator = keras.saving.load_model(folder / "generator.keras")
    found = [
        Contender("int8 TFLite, interpreter alone", int8.invoke),
        Contender("int8 TFLite, reconstruction", lambda: int8.reconstruct_one(image)),
        Contender(
            "int8 TFLite, pixels to score",
            lambda: scores(image[np.newaxis], int8.reconstruct_one(image)[np.newaxis]),
        ),
        Contender(
            "int8 TFLite, PNG to decision", lambda: inspector.inspect(folder / "picture.png")
        ),
        Contender(
            "int8 TFLite, JPEG to decision", lambda: inspector.inspect(folder / "picture.jpg")
        ),
    ]
    for name, file in (
        ("int8 TFLite as on the Edge TPU", "transposed.tflite"),
        ("float TFLite", "float.tflite"),
        ("int8 onnxruntime", "model.onnx"),
        ("float onnxruntime", "float.onnx"),
    ):
        model = open_model(folder / file, threads)
        found.append(Contender(name, partial(model.reconstruct_one, image)))
    if threads == os.cpu_count():
        found.append(Contender("Keras predict", lambda: generator.predict(batch, verbose=0)))
    return found


def multiply_adds(size: int, channels: int) -> int:
    """Count the multiply-adds of the generator for one image."""
    shapes = layer_shapes(GENERATOR, size, channels).values()
    return sum(shape.multiply_adds for shape in shapes)


def operator_times(model_path: Path, folder: Path) -> list[dict]:
    """Return the time of each operator: what the model up to it takes more than without it.

    The first operators of a model are cut out into a file of their own, all in turns.
    """
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    from ganad_tf.exporting.tflite.lowering import to_file

    content = model_path.read_bytes()
    kinds = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    names, entries = [], []
    for last in range(len(schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0].operators)):
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        model.signatureDefs = []
        (subgraph,) = model.subgraphs
        subgraph.operators = subgraph.operators[: last + 1]
        subgraph.outputs = subgraph.operators[-1].outputs
        path = folder / f"first-{last}.tflite"
        path.write_bytes(to_file(model))
        interpreter = Interpreter(str(path), num_threads=1)
        interpreter.allocate_tensors()
        code = model.operatorCodes[subgraph.operators[-1].opcodeIndex].builtinCode
        names.append(f"{last} {kinds[code]}")
        entries.append(Contender(names[-1], interpreter.invoke))
    times = time_in_turns(entries)
    until = [statistics.median(times[name]) for name in names]
    alone = np.diff([0.0, *until])
    rows = [(name, float(value)) for name, value in zip(names, alone, strict=True)]
    if names[-1].endswith("DEPTH_TO_SPACE"):
        # It is written straight to the output; a file without it copies its input there instead.
        name, convolution = rows.pop(-2)
        rows[-1] = (f"{name} + DEPTH_TO_SPACE", rows[-1][1] + convolution)
    return [{"operator": name, "us": value} for name, value in rows]


def integer_peak() -> float:
    """Measure the multiply-adds per second of one core on int8: a large product in onnxruntime."""
    import onnxruntime
    from onnx import TensorProto, helper

    side = [PRODUCT_SIDE, PRODUCT_SIDE]
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "product",
        [
            helper.make_tensor_value_info("a", TensorProto.UINT8, side),
            helper.make_tensor_value_info("b", TensorProto.INT8, side),
        ],
        [helper.make_tensor_value_info("c", TensorProto.INT32, side)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    rng = np.random.default_rng(0)
    inputs = {
        "a": rng.integers(0, 256, side, np.uint8),
        "b": rng.integers(-127, 128, side, np.int8),
    }
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        session.run(None, inputs)
        seconds.append(time.perf_counter() - start)
    return PRODUCT_SIDE**3 / min(seconds)


def cold_starts(folder: Path) -> dict[str, float]:
    """Start the station program, score one picture, and return medians of seconds and MiB."""
    program = [str(folder / "station.pyz"), "score", str(folder / "picture.png")]
    seconds, memory = [], []
    for _ in range(STARTS):
        # A process counts the memory of its parent at the fork as its own: a small one between.
        measured = subprocess.run(
            [sys.executable, "-c", START_AND_MEASURE, sys.executable, "-I", *program],
            check=True,
            capture_output=True,
            text=True,
        )
        elapsed, kilobytes = measured.stdout.split()
        seconds.append(float(elapsed))
        memory.append(int(kilobytes) / 1024)
    return {"seconds": statistics.median(seconds), "peak_rss_mib": statistics.median(memory)}


def measure_case(folder: Path, size: int, channels: int, peak: float) -> dict:
    """Measure one image shape at every number of threads."""
    make_bundle(folder, size, channels)
    floor = multiply_adds(size, channels) / peak * MICROSECONDS
    case: dict = {
        "multiply_adds": multiply_adds(size, channels),
        "floor_us": floor,
        "cold_start": cold_starts(folder),
        "operators": operator_times(folder / "model.tflite", folder),
        "threads": {},
    }
    for threads in THREADS:
        times = time_in_turns(contenders(folder, size, channels, threads))
        invoke, int8 = "int8 TFLite, interpreter alone", "int8 TFLite, reconstruction"
        case["threads"][threads] = {
            "median_us": {name: statistics.median(values) for name, values in times.items()},
            "int8_of_float_tflite": median_ratio(times, int8, "float TFLite"),
            **{
                f"outside_fraction_{start}": 1 - median_ratio(times, invoke, f"int8 TFLite, {name}")
                for start, name in (
                    ("pixels", "pixels to score"),
                    ("png", "PNG to decision"),
                    ("jpeg", "JPEG to decision"),
                )
            },
            "floor_fraction": floor / threads / statistics.median(times[invoke]),
        }
    return case


def print_report(results: dict) -> None:
    """Print the tables in Markdown."""
    click.echo(f"int8 peak of a core: {results['peak_multiply_adds_per_second'] / 1e9:.0f} G/s\n")
    for shape, case in results["cases"].items():
        start = case["cold_start"]
        click.echo(
            f"{shape}: {case['multiply_adds'] / 1e6:.2f} M multiply-adds, floor "
            f"{case['floor_us']:.0f} us; cold start {start['seconds']:.2f} s, "
            f"{start['peak_rss_mib']:.0f} MiB\n"
        )
        columns = list(case["threads"].values())
        click.echo("| us per image | 1 thread | 2 threads |\n|---|---|---|")
        for name in columns[-1]["median_us"]:
            cells = (column["median_us"].get(name) for column in columns)
            row = " | ".join("" if cell is None else f"{cell:.0f}" for cell in cells)
            click.echo(f"| {name} | {row} |")
        for key in list(columns[0])[1:]:
            row = " | ".join(f"{column[key]:.2f}" for column in columns)
            click.echo(f"| {key.replace('_', ' ')} | {row} |")
        click.echo("\n| operator | us, 1 thread |\n|---|---|")
        for entry in case["operators"]:
            click.echo(f"| {entry['operator']} | {entry['us']:.1f} |")
        click.echo()


@click.command()
@click.option("--out", default="bench_station.json", type=click.Path(path_type=Path))
def main(out: Path) -> None:
    """Measure, write the JSON, and print the tables."""
    import_tensorflow_quietly()
    peak = integer_peak()
    results: dict = {"peak_multiply_adds_per_second": peak, "cases": {}}
    with tempfile.TemporaryDirectory() as folder:
        for size, channels in CASES:
            name = f"{size}x{size}x{channels}"
            results["cases"][name] = measure_case(Path(folder, name), size, channels, peak)
            write_json(out, results)
    print_report(json.loads(out.read_text()))


if __name__ == "__main__":
    main()
