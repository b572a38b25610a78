"""What stands around the code: container, hooks of git, release, metadata."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

import edgeproof
from tests.support.places import ROOT

METADATA: dict[str, Any] = msgspec.toml.decode((ROOT / "pyproject.toml").read_bytes())["project"]


def tool(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    program = str(Path(sys.executable).with_name(name))
    return subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_dockerfile_has_no_fault(tmp_path: Path) -> None:
    done = tool("hadolint", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python:latest\nRUN cd /tmp && sudo pip install edgeproof\n")
    assert "DL3004" in tool("hadolint", str(wrong)).stdout


def test_the_dockerfile_copies_what_there_is_and_git_ignore_lets_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == let_through
    assert all((ROOT / name).exists() for name in names)


def test_hooks_of_git_call_tools_that_are_installed() -> None:
    hooks = [
        hook
        for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
        for hook in repository["hooks"]
    ]
    assert {hook["id"] for hook in hooks} == {"ruff-format", "ruff", "mypy", "codespell"}
    for hook in hooks:
        name = Path(hook["entry"].split()[0]).name
        assert Path(sys.executable).with_name(name).is_file(), name


def test_every_python_of_the_metadata_is_one_that_is_supported() -> None:
    named = {
        int(found[1])
        for line in METADATA["classifiers"]
        if (found := re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", line))
    }
    assert METADATA["requires-python"] == f">=3.{min(named)},<3.{max(named) + 1}"
    release = (ROOT / ".ci/release").read_text()
    assert f"for interpreter in python3.{min(named)} python3.{max(named)};" in release


def test_extras_that_pages_name_exist() -> None:
    extras = set(METADATA["optional-dependencies"])
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for listed in re.findall(r"(?:'|edgeproof)\.?\[([a-z,]+)\]'?", path.read_text(encoding="utf-8")):
            assert set(listed.split(",")) <= extras, f"{path.name}: {listed}"


def test_a_release_without_its_tag_is_refused(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    shutil.copy(ROOT / ".ci/release", clone / ".ci/release")
    done = subprocess.run(
        ["bash", ".ci/release", sys.executable], cwd=clone, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert f"this commit has no tag v{edgeproof.__version__}" in done.stderr
    assert not (clone / "dist").exists()


def test_the_version_has_a_section_of_changes() -> None:
    assert re.search(rf"^## {re.escape(edgeproof.__version__)}$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
