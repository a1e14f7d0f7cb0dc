"""What a manifest says about the images that the models of a bundle take."""

from dataclasses import asdict, dataclass
from typing import Any, Dict, Optional, Tuple

from ganad_station.depth import LARGEST_LEVEL
from ganad_station.fields import Fields
from ganad_station.fitting import FITS, STRETCH
from ganad_station.illumination import ILLUMINATIONS
from ganad_station.score import PIXEL_LEVELS

LARGEST_SIDE = 16384


@dataclass(frozen=True)
class InputEntry:
    """The images that all models of a bundle take.

    Attributes:
        height: Height in pixels.
        width: Width in pixels.
        channels: 1 for grey, 3 for RGB.
        illumination: How images are evened out, see `ganad_station.illumination.even_out`.
        white_level: The level of deep pictures that becomes 255, see
            `ganad_station.images.prepare_image`; None in older bundles, and if all training
            pictures had 8 bits.
        fit: How pictures are fitted into images, one of `ganad_station.fitting.FITS`.
    """

    height: int
    width: int
    channels: int
    illumination: str
    white_level: Optional[int] = None
    fit: str = STRETCH

    @property
    def shape(self) -> Tuple[int, int, int]:
        """Height, width and channels."""
        return self.height, self.width, self.channels

    @classmethod
    def read(cls, fields: Fields) -> "InputEntry":
        """Read the entry from the fields of a JSON file.

        Raises:
            StationError: If a field is missing, has a wrong type, or is out of range.
        """
        fields.integer("levels", PIXEL_LEVELS, PIXEL_LEVELS)
        channels = fields.integer("channels", 1, 3)
        if channels == 2:
            fields.refuse("channels", "must be 1 or 3, not 2")
        return cls(
            fields.integer("height", 1, LARGEST_SIDE),
            fields.integer("width", 1, LARGEST_SIDE),
            channels,
            fields.choice("illumination", ILLUMINATIONS),
            fields.integer("white_level", 1, LARGEST_LEVEL) if "white_level" in fields else None,
            fields.choice("fit", FITS, STRETCH),
        )

    def to_dict(self) -> Dict[str, Any]:
        """Return the entry in the types of JSON, without what earlier bundles do not name.

        A white level that is None is left out, and so is the fit `stretch`.
        """
        named = {
            name: value
            for name, value in asdict(self).items()
            if value is not None and (name, value) != ("fit", STRETCH)
        }
        return {**named, "levels": PIXEL_LEVELS}
