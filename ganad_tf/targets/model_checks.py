"""Checks of a whole model, named by profiles; each returns its finding in words, or None."""

from collections.abc import Callable

from ganad_tf.targets.graph import EIGHT_BITS, Graph, Tensor

SHOWN = 3


def has_dynamic_size(graph: Graph) -> str | None:
    """Find sizes that are known only at run time."""
    dynamic = [tensor for tensor in all_tensors(graph) if tensor.is_dynamic]
    return enumerate_some([f"{tensor.name} is {tensor.size}" for tensor in dynamic]) or None


def is_not_quantized(graph: Graph) -> str | None:
    """Find that no data is quantized to 8 bits."""
    if graph.format == "onnx":
        is_quantized = any(tensor.quantization for tensor in all_tensors(graph))
    else:
        is_quantized = any(
            tensor.dtype in EIGHT_BITS and tensor.quantization
            for operator in graph.operators
            for tensor in operator.data
        )
    return None if is_quantized else "no operator works on 8-bit data"


def has_more_parameter_bytes_than(graph: Graph, limit: int) -> str | None:
    """Find more bytes of constants than `limit`."""
    size = graph.parameter_bytes
    return f"{size:,} bytes of parameters, {limit:,} fit" if size > limit else None


def has_opset_outside(graph: Graph, lowest: int, highest: int) -> str | None:
    """Find an opset that is not between `lowest` and `highest`."""
    is_inside = lowest <= graph.opset <= highest
    return None if is_inside else f"the file has opset {graph.opset}"


def has_more_subgraphs(graph: Graph) -> str | None:
    """Find other graphs than the main one."""
    count = graph.unchecked_subgraphs
    return f"{count} more in the file" if count else None


def all_tensors(graph: Graph) -> list[Tensor]:
    """Return every tensor of a graph once, the inputs first."""
    tensors = [*graph.inputs]
    for operator in graph.operators:
        tensors += [tensor for tensor in (*operator.inputs, *operator.outputs) if tensor]
    return list(dict.fromkeys(tensors))


def enumerate_some(found: list[str]) -> str:
    """Return the first few findings in one line, with the number of further ones."""
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


MODEL_CHECKS: dict[str, Callable[..., str | None]] = {
    check.__name__: check
    for check in (
        has_dynamic_size,
        is_not_quantized,
        has_more_parameter_bytes_than,
        has_opset_outside,
        has_more_subgraphs,
    )
}
