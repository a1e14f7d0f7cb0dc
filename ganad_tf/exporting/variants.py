"""Selecting the model files that are exported for a target."""

from ganad_tf.errors import UserError
from ganad_tf.targets.profile import load_profile
from ganad_tf.targets.recipe import Format, Recipe, Variant

COMPARISON_TARGET = "cpu"
TFLITE_FILE, ONNX_FILE = "model.tflite", "model.onnx"


def recipes_for(target: str, variant: Variant) -> tuple[Recipe, ...]:
    """Return the recipes of the model files of a target, the preferred one first.

    Args:
        target: Name of the target.
        variant: Number format and quantization of the files. Variants other than the default are
            for comparison, and available for `COMPARISON_TARGET` only.

    Raises:
        UserError: If the target is unknown, or the variant is not available for it.
    """
    models = load_profile(target).models
    if variant == Variant():
        return models
    if target != COMPARISON_TARGET:
        flag = "ptq" if variant.is_post_training else variant.precision
        raise UserError(
            f"--{flag} is for comparison, on target {COMPARISON_TARGET} alone: "
            f"leave it out, or leave out --target {target}"
        )
    if variant.is_post_training:
        return (Recipe(TFLITE_FILE, Format.TFLITE, is_post_training=True),)
    return (
        Recipe(TFLITE_FILE, Format.TFLITE, variant.precision),
        Recipe(ONNX_FILE, Format.ONNX, variant.precision),
    )


def bundle_name(target: str, variant: Variant) -> str:
    """Return the bundle's folder name: the target, then the variant if it is not the default."""
    if variant.is_post_training:
        return f"{target}-ptq"
    return target if variant == Variant() else f"{target}-{variant.precision}"
