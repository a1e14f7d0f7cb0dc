"""The float32 peak of the machine: a large matrix product. Started by `children.measure`."""

import json
import time

import numpy as np

SIDE = 2048
PRODUCTS = 7


def float_peak() -> float:
    """Return the multiply-adds per second of the fastest of several products of NumPy."""
    matrix = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    product = matrix @ matrix
    seconds = []
    for _ in range(PRODUCTS):
        start = time.perf_counter()
        np.matmul(matrix, matrix, out=product)
        seconds.append(time.perf_counter() - start)
    return SIDE**3 / min(seconds)


if __name__ == "__main__":
    print(json.dumps({"peak": float_peak()}))
