"""The pictures that every loaded model has to get through before it counts as running."""

import numpy as np

_SEED = 20


def health_pictures(height: int, width: int) -> dict[str, np.ndarray]:
    """Pictures by what they show, uint8 [height, width, 3]: some models divide by zero only in the dark, some only in
    the light or where something is to be seen."""
    black = np.zeros((height, width, 3), np.uint8)
    ramp = np.linspace(200, 0, height).astype(np.uint8)[:, np.newaxis, np.newaxis]
    noise = np.random.default_rng(_SEED).integers(0, 56, (height, width, 3), np.uint8)
    return {"a black picture": black, "a picture of noise from light to dark": ramp + noise}
