"""The written pages with what is in them: lines for a shell, snippets, links."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.manual.pages import PROJECT_PAGES
from tests.support.places import ROOT

_FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^(?: {4}.*)?\n)+", re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Document:
    name: str
    text: str

    def blocks(self, *kinds: str) -> Iterator[str]:
        """Fenced blocks of these kinds, without their indentation."""
        for found in _FENCE.finditer(self.text):
            if found["kind"] in kinds:
                width = len(found["indent"])
                yield "".join(line[width:] for line in found["text"].splitlines(keepends=True))

    def indented(self) -> Iterator[str]:
        """Blocks that are code by four blanks."""
        for found in _INDENTED.finditer(_FENCE.sub("", self.text)):
            yield "".join(line[4:] for line in found[0].splitlines(keepends=True))

    def spans(self) -> Iterator[str]:
        for found in _SPAN.finditer(_FENCE.sub("", self.text)):
            yield found[1]


def documents() -> list[Document]:
    """What people wrote: the site's own pages, README and the project's."""
    paths = [
        ROOT / "README.md",
        *(ROOT / name for name in PROJECT_PAGES.values()),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    return [Document(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in paths]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "document" in metafunc.fixturenames:
        metafunc.parametrize("document", documents(), ids=lambda document: document.name)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`make docs`, into a folder of this test's."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "WARNING" not in done.stderr
    return out
