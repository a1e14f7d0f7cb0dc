"""The environment is prepared before TensorFlow, and by nothing else."""

import json
import subprocess
import sys

CHECK_EVERY_MODULE = """
import importlib, json, os, pkgutil, sys

VARIABLES = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS", "KERAS_BACKEND")
HEAVY = ("tensorflow", "keras", "tf_keras")
for name in VARIABLES:
    os.environ.pop(name, None)


class Watcher:
    def __init__(self):
        self.is_prepared = None

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY and self.is_prepared is None:
            self.is_prepared = all(variable in os.environ for variable in VARIABLES)
            raise ImportError("stopped before it takes seconds")
        return None


import ganad_tf

found = {}
for module in pkgutil.walk_packages(ganad_tf.__path__, "ganad_tf."):
    if module.name.endswith("__main__"):
        continue
    for name in [name for name in sys.modules if name.startswith("ganad_tf")]:
        del sys.modules[name]
    for variable in VARIABLES:
        os.environ.pop(variable, None)
    watcher = Watcher()
    sys.meta_path.insert(0, watcher)
    try:
        importlib.import_module(module.name)
    except ImportError:
        pass
    finally:
        sys.meta_path.remove(watcher)
    found[module.name] = watcher.is_prepared
print(json.dumps(found))
"""


def test_modules_prepare_the_environment_before_they_import_tensorflow() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK_EVERY_MODULE], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["ganad_tf.models.detector"]
    assert found["ganad_tf.config.schema"] is None
    assert [name for name, is_prepared in found.items() if is_prepared is False] == []
