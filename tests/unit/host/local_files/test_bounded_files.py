"""Files of strangers are read with a bound, and no reader of the host does without."""

import ast
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest

import edgeproof
from edgeproof.errors import EdgeproofError, UsageError
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded, readable
from edgeproof.ssd.files.anchors import read_anchors


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    assert read_bounded(path, 100) == b"x" * 100
    with pytest.raises(UnreadableError, match="it is over 99 bytes long"):
        read_bounded(path, 99)


def test_what_is_no_file_is_neither_read_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(UnreadableError, match="it is no regular file"):
            read_bounded(path, 100)
    with pytest.raises(OSError, match="No such file"):
        read_bounded(tmp_path / "nowhere", 100)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("bad\nand more"), "it is broken (bad)"),
        (KeyError(), "it is broken (KeyError)"),
        (RecursionError(), "it is nested too deep"),
        (MemoryError(), "it takes more memory than there is"),
        (UnreadableError("it is odd"), "it is odd"),
        (OSError(13, "Permission denied"), "this user may not read it"),
        (OSError(2, "No such file or directory"), "there is no such file"),
        (OSError(21, "Is a directory"), "it is a folder, not a file"),
        (OSError("Unable to open file"), "it is broken (Unable to open file)"),
        (OSError(5, "Input/output error"), "it cannot be read (input/output error)"),
        (ValueError("Exceeds the limit (4300 digits) for integer string"), "it holds a number of thousands of digits"),
        (UnicodeDecodeError("utf-8", b"a\xff", 1, 2, ""), "it is not UTF-8 (byte 0xff at 1)"),
        (SyntaxError("x" * 1000), f"it is broken ({'x' * 200})"),
    ],
)
def test_whatever_a_parser_raises_names_the_file(error: Exception, words: str) -> None:
    with pytest.raises(UsageError) as caught, readable(Path("a.npy"), UsageError, "Do this."):
        raise error
    assert str(caught.value) == f"a.npy: {words}. Do this."


def test_errors_of_ours_and_interrupts_pass() -> None:
    with pytest.raises(EdgeproofError, match="^ours$"), readable(Path("a"), UsageError):
        raise EdgeproofError("ours")
    with pytest.raises(KeyboardInterrupt), readable(Path("a"), UsageError):
        raise KeyboardInterrupt


def npy(header: bytes, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def pickled() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([object()]), allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        npy(b""),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (4,"),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4), }"),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-4, 4), }", b"x" * 64),
        npy(b"{'descr': 'O', 'fortran_order': False, 'shape': (1, 4), }", b"x" * 64),
        npy(b"(" * 5000),
        npy(b"{" + b"'a':" * 3000),
        npy(b"\xff\xfe\x00"),
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00" + b"x" * 20,
        pickled(),
    ],
)
def test_a_broken_array_is_one_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "anchors.npy"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"anchors\.npy: (it is|it takes|it holds|the anchors are)"):
        read_anchors(path)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"file": 7}',
        '{"file": "a\\u0000b"}',
        '{"file": ""}',
        '{"boxes": [[1e999, 1, 1, 1]]}',
        "[[1, 2]]",
    ],
)
def test_a_broken_description_is_one_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "anchors.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"anchors\.json: "):
        read_anchors(path)


UNBOUNDED = {"read_bytes", "read_text"}
TRUSTED = {
    "local_files/bounded_files.py": "sets the bound",
    "board/store/chunks.py": "files of a bundle that was opened",
    "board/store/upload.py": "files whose sizes and digests were taken",
    "board/store/this_host.py": "a name of edgeproof's own",
    "ssd/sources.py": "the first bytes of regular files",
    "runs/arrived_results.py": "what this run writes",
    "history/packed_report.py": "a report that was just written",
    "report/html.py": "a file of this package",
    "cli/help.py": "a topic of this package",
    "local_files/atomic_file.py": "writes",
    "board/store/bootstrap.py": "the agent that is installed with this package",
    "board/ssh/host_keys.py": "known_hosts, which is the user's own",
    "board/ssh/certificates.py": "the user's own certificates",
    "board/ssh/login_keys.py": "the user's own keys",
    "config/boards.py": "edgeproof.toml, once it has been read with a bound",
    "config/editing.py": "edgeproof.toml, once it has been read with a bound",
    "board/runtime/proof.py": "a file of this package",
    "board/runtime/releases.py": "a file of this package",
    "board/store/signing.py": "a manifest that has been read and hashed",
    "board/ssh/config.py": "ssh_config, which is the user's own",
    "cluster/task.py": "files of a bundle that was opened: their digests hold",
    "bundle.py": "labels whose size and digest the manifest has confirmed",
    "convert/confined/program.py": "what the parent wrote, and /proc",
    "convert/confined/process.py": "/proc",
    "convert/confined/quantizer.py": "a result whose size was checked",
    "inspection/file_run.py": "a file that inspect has read with a bound",
    "demo/chain.py": "the sample that edgeproof fetched",
    "watch/page_server.py": "a file of this package",
    "odapi/environment.py": "lock files of this package",
    "odapi/source.py": "what edgeproof's own exporter wrote",
    "odapi/tflite_exporter.py": "a configuration that has been read with a bound",
    "local_files/output_folder.py": "a list whose size was checked",
    "sample/own_folder.py": "a record of edgeproof's own",
    "sample/recipe.py": "a record of edgeproof's own",
    "sample/shapes.py": "what edgeproof has drawn",
    "ssd/checkpoint/checkpoint_files.py": "a checkpoint's state",
    "ssd/graph/safety.py": "a file of this package",
}
"""File of the host -> why it may read without a bound."""


def reads_unbounded(source: str) -> bool:
    """Whether a module reads a file whole, or opens one by its name to read it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in UNBOUNDED:
            return True
        if isinstance(node, ast.Call) and _opened_to_read(node):
            return True
    return False


def _opened_to_read(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        if call.func.id != "open":
            return False
        mode = call.args[1] if len(call.args) > 1 else None
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "open":
        owner = ast.unparse(call.func.value)
        if owner in NOT_OF_PATHS or owner.endswith("transport"):
            return False
        mode = call.args[0] if call.args else None
    else:
        return False
    mode = next((word.value for word in call.keywords if word.arg == "mode"), mode)
    return not (isinstance(mode, ast.Constant) and str(mode.value).strip("b+t") in ("w", "x", "a"))


NOT_OF_PATHS = {"os", "tarfile", "OutputFolder", "PulledLines", "archive"}


def test_no_reader_of_the_host_does_without_a_bound() -> None:
    folder = Path(edgeproof.__file__).parent
    sources = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}
    assert {name for name, source in sources.items() if reads_unbounded(source)} <= TRUSTED.keys()


@pytest.mark.parametrize(
    ("source", "unbounded"),
    [
        ("path.open('rb')", True),
        ("path.open(encoding='utf-8')", True),
        ("open(path)", True),
        ("open(path, 'r')", True),
        ("path.open(mode='rb')", True),
        ("path.read_text()", True),
        ("path.open('wb')", False),
        ("open(path, mode='a')", False),
        ("OutputFolder.open(out)", False),
        ("board.transport.open('exit')", False),
    ],
)
def test_an_unbounded_reader_is_found(source: str, unbounded: bool) -> None:
    assert reads_unbounded(source) is unbounded
