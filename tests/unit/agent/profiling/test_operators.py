"""A profile is told where the library proves to tell it rightly, in a process of its own; else why there is none."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.board.runtime.proof import proof_model
from edgeproof_agent.detection.interpreters import Runtime, build_interpreter, import_runtime
from edgeproof_agent.profiling import operators
from edgeproof_agent.profiling.operators import (
    Amount,
    OperatorProfile,
    Profiled,
    ProfileUnavailableError,
    find_library,
    profile_operators,
)

AMOUNT = Amount(warmup_runs=1, runs=3, seconds=10.0)


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return import_runtime("ai-edge-litert")


@pytest.fixture
def subject(runtime: Runtime, tmp_path: Path) -> tuple[Profiled, np.ndarray]:
    """The model of the proof, which has run on a tensor."""
    model = tmp_path / "model.tflite"
    model.write_bytes(proof_model())
    interpreter = build_interpreter(runtime, str(model), 1)
    details = interpreter.get_input_details()[0]
    tensor = np.full(details["shape"], 2.5, np.float32)
    interpreter.set_tensor(details["index"], tensor)
    interpreter.invoke()
    output = np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return Profiled(interpreter, model, 1, [output]), tensor


def profile(subject: tuple[Profiled, np.ndarray], outputs: "list[np.ndarray] | None" = None) -> OperatorProfile:
    profiled, tensor = subject
    if outputs is not None:
        profiled = Profiled(profiled.interpreter, profiled.model, 1, outputs)
    return profile_operators(profiled, find_library("ai-edge-litert"), proof_model(), tensor, AMOUNT)


def test_the_operator_of_a_model_is_told_with_its_layer(subject: tuple[Profiled, np.ndarray]) -> None:
    found = profile(subject)
    (operator,) = found.operators
    assert operator["operator"] == "ADD"
    assert operator["layer"] == subject[0].interpreter.get_output_details()[0]["name"]
    assert found.us.shape == (3, 1)
    assert len(found.invoke_us) == len(found.plain_us) == len(found.profiled_us) == 3
    assert (found.us.sum(axis=1) <= found.invoke_us + 1).all()


def test_a_profiled_run_must_give_what_the_interpreter_gives(subject: tuple[Profiled, np.ndarray]) -> None:
    (output,) = subject[0].outputs
    with pytest.raises(ProfileUnavailableError, match="gives other outputs"):
        profile(subject, [output + 0.5])
    with pytest.raises(ProfileUnavailableError, match="gives other outputs"):
        profile(subject, [output, output])
    assert profile(subject, [np.zeros_like(output)]).operators, "what the interpreter left unwritten may be anything"


def test_the_library_must_get_the_proof_right(subject: tuple[Profiled, np.ndarray]) -> None:
    """A model that does not add one: of a library that finds another sum nothing else is believed."""
    profiled, tensor = subject
    broken = proof_model().replace(np.float32(1).tobytes(), np.float32(2).tobytes())
    assert broken != proof_model()
    with pytest.raises(ProfileUnavailableError, match=r"x \+ 1 of .* gave"):
        profile_operators(profiled, find_library("ai-edge-litert"), broken, tensor, AMOUNT)


def test_a_tensor_of_another_size_is_refused_in_words(subject: tuple[Profiled, np.ndarray]) -> None:
    profiled, _ = subject
    with pytest.raises(ProfileUnavailableError, match=r"takes \d+ bytes, not \d+"):
        profile_operators(profiled, find_library("ai-edge-litert"), proof_model(), np.zeros((99,)), AMOUNT)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        ("raise SystemExit(3)", "ended with status 3"),
        ("print('[]')", "ended with status 0"),
        ("print('{}')", "makes no sense"),
        ("import json; print(json.dumps({'refused': 'it has no profiler'}))", "it has no profiler"),
        ("import time; time.sleep(60)", "did not finish"),
    ],
)
def test_whatever_becomes_of_the_profiling_process_is_said(
    subject: tuple[Profiled, np.ndarray], monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    monkeypatch.setattr(operators, "_command", lambda _: [sys.executable, "-c", program])
    monkeypatch.setattr(operators, "START_SECONDS", 1.0 if "sleep" in program else 20.0)
    profiled, tensor = subject
    with pytest.raises(ProfileUnavailableError, match=words):
        profile_operators(profiled, Path("library"), b"", tensor, Amount(0, 1, 0.0))


@pytest.mark.parametrize(
    "change",
    [
        {"us": [[1, 2]]},
        {"us": [["long"]]},
        {"operators": [], "us": [[]]},
        {"operators": [["ADD", "first", "delegate"]]},
        {"outputs": None},
        {"invoke_us": [5, 5]},
    ],
)
def test_an_answer_that_makes_no_sense_is_no_profile(
    subject: tuple[Profiled, np.ndarray], monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    sound: dict[str, Any] = {
        "operators": [["ADD", 0, "runtime"]],
        "us": [[4]],
        "invoke_us": [5],
        "plain_us": [5],
        "profiled_us": [5],
        "outputs": [],
    }
    profiled, tensor = subject
    nothing_to_compare = Profiled(profiled.interpreter, profiled.model, 1, [])

    def answered(answer: dict[str, Any]) -> OperatorProfile:
        monkeypatch.setattr(operators, "_command", lambda _: [sys.executable, "-c", f"print({json.dumps(answer)!r})"])
        return profile_operators(nothing_to_compare, Path("library"), b"", tensor, AMOUNT)

    assert answered(sound).us.tolist() == [[4]]
    with pytest.raises(ProfileUnavailableError, match="makes no sense"):
        answered({**sound, **change})


def test_a_model_that_is_gone_is_no_crash(subject: tuple[Profiled, np.ndarray]) -> None:
    profiled, tensor = subject
    profiled.model.unlink()
    with pytest.raises(ProfileUnavailableError, match="cannot be read"):
        profile_operators(profiled, Path("library"), b"", tensor, AMOUNT)


def test_a_runtime_without_a_profiler_is_told_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ProfileUnavailableError, match="tflite-runtime tells no operator's time; ai-edge-litert does"):
        find_library("tflite-runtime")
    package = tmp_path / "ai_edge_litert"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.delitem(sys.modules, "ai_edge_litert")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ProfileUnavailableError, match="has no libLiteRt.so"):
        find_library("ai-edge-litert")


def test_a_library_without_the_functions_is_refused_by_the_first_that_it_lacks(
    subject: tuple[Profiled, np.ndarray], runtime: Runtime
) -> None:
    """Any library that is none of LiteRT's."""
    profiled, tensor = subject
    other = next(Path(np.__file__).parent.rglob("_multiarray_umath*.so"))
    with pytest.raises(ProfileUnavailableError, match="its library has no LiteRtCreateEnvironment"):
        profile_operators(profiled, other, proof_model(), tensor, AMOUNT)
    with pytest.raises(ProfileUnavailableError, match="cannot be loaded"):
        profile_operators(profiled, profiled.model, proof_model(), tensor, AMOUNT)
