"""External delegates: one that works is used, and of one that does not it is said what is wrong."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeproof.board.runtime.proof import proof_model
from edgeproof_agent.detection.delegates import DelegateError, load_delegate
from edgeproof_agent.detection.interpreters import InterpreterError, Runtime, build_interpreter, import_runtime

# The runtime's own object of a delegate that did not start complains as it is dropped.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# The interface of tensorflow/lite/delegates/external/external_delegate_interface.h, and TfLiteDelegate of
# tensorflow/lite/core/c/common.h, which the runtime reads. `WHAT` says what this one does when it is asked.
SOURCE = r"""
#include <stddef.h>
#include <stdint.h>
struct Delegate {
  void* data;
  int (*prepare)(void*, struct Delegate*);
  void* copy_from; void* copy_to; void* free_handle;
  int64_t flags;
  void* opaque;
};
static int prepare(void* context, struct Delegate* self) { return WHAT == 2 ? 2 : 0; }
static struct Delegate only;
void* tflite_plugin_create_delegate(char** keys, char** values, size_t count, void (*report)(const char*)) {
  if (WHAT == 1) { if (report) report("no device found"); return NULL; }
  only.prepare = prepare;
  return &only;
}
void tflite_plugin_destroy_delegate(void* delegate) {}
"""
TAKES_NOTHING, HAS_NO_DEVICE, REFUSES_MODELS = range(3)


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return import_runtime("ai-edge-litert")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("delegates")


def library(folder: Path, what: int, source: str = SOURCE) -> str:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler: no delegate could be made to test with")
    path = folder / f"libdelegate{what}-{len(source)}.so"
    (folder / "delegate.c").write_text(source)
    subprocess.run(
        [compiler, "-shared", "-fPIC", f"-DWHAT={what}", "-o", str(path), str(folder / "delegate.c")], check=True
    )
    return str(path)


def test_a_delegate_is_part_of_the_interpreter(runtime: Runtime, folder: Path) -> None:
    delegate = load_delegate(runtime, library(folder, TAKES_NOTHING))
    interpreter = build_interpreter(runtime, proof_model(), 1, delegate)
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], np.full(details["shape"], 2.0, np.float32))
    interpreter.invoke()
    assert set(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).ravel()) == {3.0}


def test_a_delegate_that_refuses_the_model_is_named_as_what_it_fails_with(runtime: Runtime, folder: Path) -> None:
    delegate = load_delegate(runtime, library(folder, REFUSES_MODELS))
    with pytest.raises(InterpreterError, match="cannot load the model with the delegate"):
        build_interpreter(runtime, proof_model(), 1, delegate)


def test_a_delegate_without_its_device_says_so(runtime: Runtime, folder: Path) -> None:
    with pytest.raises(DelegateError, match="does not start: no device found$"):
        load_delegate(runtime, library(folder, HAS_NO_DEVICE))


def test_a_library_that_is_no_delegate_is_told_from_one(runtime: Runtime, folder: Path) -> None:
    with pytest.raises(DelegateError, match="is no delegate: it lacks tflite_plugin_create_delegate"):
        load_delegate(runtime, library(folder, TAKES_NOTHING, "int nothing;\n"))


def test_a_library_that_is_not_there_is_told_where_it_was_looked_for(runtime: Runtime, folder: Path) -> None:
    with pytest.raises(DelegateError, match=r"the board has no libedgetpu-none\.so\.1 where its loader looks"):
        load_delegate(runtime, "libedgetpu-none.so.1")
    with pytest.raises(DelegateError, match=r"nothing\.so cannot be read on the board: No such file"):
        load_delegate(runtime, str(folder / "nothing.so"))
    with pytest.raises(DelegateError, match="cannot be read on the board: Is a directory"):
        load_delegate(runtime, str(folder))


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF", b"x" * 4096])
def test_a_file_that_is_no_library_is_refused(runtime: Runtime, folder: Path, content: bytes) -> None:
    path = folder / "junk.so"
    path.write_bytes(content)
    with pytest.raises(DelegateError, match="is no shared library"):
        load_delegate(runtime, str(path))


def test_a_library_for_another_processor_is_named_as_one(runtime: Runtime, folder: Path) -> None:
    with open(sys.executable, "rb") as file:
        header = bytearray(file.read(64))
    header[4] = 1
    struct.pack_into("<H", header, 18, 40)
    path = folder / "other.so"
    path.write_bytes(header)
    with pytest.raises(DelegateError, match="is for 32-bit ARM, and the board's Python is 64-bit"):
        load_delegate(runtime, str(path))


def test_a_library_with_the_right_header_and_nothing_behind_it_is_an_error(runtime: Runtime, folder: Path) -> None:
    path = folder / "cut.so"
    with open(sys.executable, "rb") as file:
        path.write_bytes(file.read(64))
    with pytest.raises(DelegateError, match=r"cut\.so cannot be loaded"):
        load_delegate(runtime, str(path))
