"""Quantizes a stranger's .tflite in a child process with limits, because a calibration runs the file."""

import pickle
import tempfile
from pathlib import Path

from edgeproof.convert.confined.process import ConfinedModelError, ConfinedProcess, Limits, RefusedError
from edgeproof.convert.from_tensorflow.converter import Samples
from edgeproof.convert.variants import VariantSettings
from edgeproof.errors import ConversionError, EdgeproofError, ModelError, UsageError
from edgeproof_agent.bundle.manifest import InputContract
from edgeproof_agent.detection.arrays import pack_arrays
from edgeproof_agent.wire.frames import Frame

MEMORY_MIB = 8192
"""ai-edge-quantizer keeps every tensor of a picture while it looks at it, and 16 pictures at once. Its copies of the
file come on top."""
SECONDS = 900.0
"""Between two pictures, and for the quantization itself."""
_COPIES = 6
_MAX_RESULT_BYTES = 1 << 31


def quantize_confined(
    data: bytes, settings: VariantSettings, contract: InputContract, samples: Samples | None
) -> bytes:
    """What `quantize_file` gives. Raises what it raises, and ConversionError when the file breaks the child."""
    limits = Limits(MEMORY_MIB + _COPIES * (len(data) >> 20), SECONDS)
    waiting = iter(()) if samples is None else iter(samples())

    def next_sample(_: str) -> Frame:
        sample = next(waiting, None)
        if sample is None:
            return Frame({"arrays": []})
        arrays, payload = pack_arrays({"sample": sample})
        return Frame({"arrays": arrays}, payload)

    process = ConfinedProcess()
    with tempfile.TemporaryDirectory() as folder:
        model, result = Path(folder) / "model.tflite", Path(folder) / "quantized.tflite"
        model.write_bytes(data)
        arguments = {"model": str(model), "result": str(result), "samples": samples is not None}
        words = f"it was quantized to {settings.variant.value}"
        try:
            process.ask("quantize", arguments, pickle.dumps((settings, contract)), limits, words, next_sample)
            if result.stat().st_size > _MAX_RESULT_BYTES:
                raise ConfinedModelError(f"what came of it takes {result.stat().st_size / 1e9:.1f} GB")
            return result.read_bytes()
        except RefusedError as error:
            raise _as_raised(error, settings) from error
        except ConfinedModelError as error:
            raise _broken(error, settings) from error
        finally:
            process.close()


def _as_raised(error: RefusedError, settings: VariantSettings) -> EdgeproofError:
    for kind in (UsageError, ConversionError, ModelError):
        if error.kind == kind.__name__:
            return kind(str(error))
    return _broken(error, settings)


def _broken(error: ConfinedModelError, settings: VariantSettings) -> ConversionError:
    return ConversionError(
        f"The file cannot be quantized to {settings.variant.value}: {error}. Nothing was written. Export it from the "
        "model that it was converted from, or ask for another --variant."
    )
