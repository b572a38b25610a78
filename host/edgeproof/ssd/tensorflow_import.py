"""Imports TensorFlow when it is needed, without its log noise unless `TF_CPP_MIN_LOG_LEVEL=0` is set."""

import contextlib
import importlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

from edgeproof.errors import ConversionError
from edgeproof.local_files.native_noise import without_native_noise

LOG_LEVEL_VARIABLE = "TF_CPP_MIN_LOG_LEVEL"


def import_tensorflow() -> Any:
    """The `tensorflow` module. Raises ConversionError when it is not installed, or does not load."""
    os.environ.setdefault(LOG_LEVEL_VARIABLE, "3")
    try:
        with quiet():
            tensorflow = importlib.import_module("tensorflow")
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise ConversionError(_broken(error)) from error
        raise ConversionError(
            'TensorFlow is not installed, and converting needs it. Install it with: pip install "edgeproof[convert]"'
        ) from None
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConversionError(_broken(error)) from error
    if not _loud():
        tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends what TensorFlow's C++ code writes to standard error into nothing.

    Its log level does not reach the lines it writes before its logging is set up, so the descriptor itself is moved.
    """
    if _loud():
        yield
        return
    with without_native_noise(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _loud() -> bool:
    return os.environ.get(LOG_LEVEL_VARIABLE) == "0"


def _broken(error: Exception) -> str:
    return (
        f"TensorFlow is installed but does not load: {error}. "
        'Install it afresh with: pip install --force-reinstall "edgeproof[convert]"'
    )
