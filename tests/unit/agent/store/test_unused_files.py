"""An accelerator's libraries do not stay in a runtime; what the interpreter loads does."""

from pathlib import Path

from edgeproof_agent.store.unused_files import drop_unused, is_unused

UNUSED = (
    "ai_edge_litert/libLiteRtWebGpuAccelerator.so",
    "ai_edge_litert/vendors/qualcomm/compiler/libLiteRtCompilerPlugin_Qualcomm.so",
    "ai_edge_litert/vendors/mediatek/compiler/libLiteRtCompilerPlugin_MediaTek.so",
    "ai_edge_litert/tools/apply_plugin_main",
)
USED = (
    "ai_edge_litert/libLiteRt.so",
    "ai_edge_litert/libpywrap_litert_common.so",
    "ai_edge_litert/interpreter.py",
    "ai_edge_litert/tools/flatbuffer_utils.py",
    "vendors/qualcomm/library.so",
    "numpy/libSomeAccelerator.so",
)


def test_what_the_interpreter_loads_stays(tmp_path: Path) -> None:
    for name in (*UNUSED, *USED):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("library")
    drop_unused(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(USED)
    assert not (tmp_path / "ai_edge_litert/vendors").exists()
    assert [name for name in (*UNUSED, *USED) if is_unused(name)] == list(UNUSED)


def test_another_runtime_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "tflite_runtime").mkdir()
    (tmp_path / "tflite_runtime/libAccelerator.so").write_text("library")
    drop_unused(tmp_path)
    assert (tmp_path / "tflite_runtime/libAccelerator.so").exists()
