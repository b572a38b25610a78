"""A stranger's .tflite runs in a child process: what it does to that process is one error here."""

import os
import signal
from collections.abc import Iterator

import flatbuffers
import numpy as np
import numpy.typing as npt
import pytest

from edgeproof.convert.confined.process import ConfinedModelError
from edgeproof.convert.confined.runtime import ConfinedInterpreter, ConfinedRuntime, installed_runtime
from edgeproof.errors import ModelError
from edgeproof.tflite.file import read_tflite
from tests.support.processes import is_gone

PICTURE = np.zeros((1, 64, 64, 3), np.float32)


@pytest.fixture(scope="module")
def models() -> dict[str, bytes]:
    """A model that ends, one whose loop never does, and one that wants gigabytes for a tensor."""
    import tensorflow as tf

    def converted(kind: str) -> bytes:
        @tf.function(input_signature=[tf.TensorSpec([1, 64, 64, 3], tf.float32)])
        def run(picture: tf.Tensor) -> tf.Tensor:
            total = tf.reduce_sum(picture)
            if kind == "endless":
                loop = tf.while_loop(lambda value: value > -1.0, lambda value: [tf.abs(value) * 0.5], [total])
                total = total + loop[0]
            if kind == "huge":
                total = total + tf.reduce_sum(tf.image.resize(picture, [16000, 16000]))
            return tf.reshape(total, [1])

        return bytes(tf.lite.TFLiteConverter.from_concrete_functions([run.get_concrete_function()], run).convert())

    return {kind: converted(kind) for kind in ("plain", "endless", "huge")}


@pytest.fixture
def runtime() -> Iterator[ConfinedRuntime]:
    found = installed_runtime()
    assert found is not None
    found._seconds = 1.0
    yield found
    found.close()


def run(interpreter: ConfinedInterpreter) -> npt.NDArray[np.float32]:
    interpreter.tensor(0)()[...] = PICTURE
    interpreter.invoke()
    return interpreter.get_tensor(0)


@pytest.mark.tensorflow
def test_a_model_that_ends_gives_its_outputs(models: dict[str, bytes], runtime: ConfinedRuntime) -> None:
    assert run(runtime.interpreter(models["plain"], 1)).tolist() == [0.0]


@pytest.mark.tensorflow
def test_a_model_that_never_ends_is_ended(models: dict[str, bytes], runtime: ConfinedRuntime) -> None:
    interpreter = runtime.interpreter(models["endless"], 1)
    assert runtime._process is not None
    child = runtime._process._process.pid
    with pytest.raises(ConfinedModelError, match="did not finish within 1 s"):
        run(interpreter)
    assert is_gone(child)
    # The next model gets a child of its own.
    assert run(runtime.interpreter(models["plain"], 1)).tolist() == [0.0]


@pytest.mark.tensorflow
def test_a_model_that_wants_too_much_memory_is_refused(models: dict[str, bytes], runtime: ConfinedRuntime) -> None:
    with pytest.raises(ConfinedModelError, match="needs more than the 2048 MiB of memory"):
        run(runtime.interpreter(models["huge"], 1))


@pytest.mark.tensorflow
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_child_that_crashes_is_named(models: dict[str, bytes], runtime: ConfinedRuntime, number: int) -> None:
    interpreter = runtime.interpreter(models["plain"], 1)
    assert runtime._process is not None
    os.kill(runtime._process._process.pid, number)
    with pytest.raises(ConfinedModelError, match=signal.Signals(number).name):
        run(interpreter)


def aliased(subgraphs: int, operators: int) -> bytes:
    """A small file whose subgraphs are one table, and whose operators are one table."""
    builder = flatbuffers.Builder(1 << 16)
    builder.StartObject(4)
    builder.PrependInt32Slot(3, 32, 0)
    code = builder.EndObject()
    codes = vector(builder, [code])
    builder.StartObject(5)
    operator = builder.EndObject()
    all_operators = vector(builder, [operator] * operators)
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(3, all_operators, 0)
    graph = builder.EndObject()
    graphs = vector(builder, [graph] * subgraphs)
    builder.StartObject(8)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(1, codes, 0)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    return bytes(builder.Output())


def vector(builder: flatbuffers.Builder, tables: list[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())


def test_a_file_whose_tables_are_one_and_the_same_is_not_visited_to_its_end() -> None:
    with pytest.raises(ModelError, match=r"evil.tflite: it holds more than the 2000000 items"):
        read_tflite(aliased(20_000, 20_000), "evil.tflite")
    assert sum(read_tflite(aliased(2, 3)).operators.values()) == 6
