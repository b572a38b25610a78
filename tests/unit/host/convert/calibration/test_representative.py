"""The representative data set: a fixed order, the agent's preparation, and words for every empty case."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeproof.convert.calibration.representative import Sampling, representative_set
from edgeproof.errors import PictureFolderError
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract, InputType, Quantization
from edgeproof_agent.detection.preprocess import prepare

CONTRACT = InputContract(
    height=8,
    width=12,
    colour_order=ColourOrder.RGB,
    coordinates=Coordinates.ASYMMETRIC,
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
)


def write_picture(path: Path, value: int) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((20, 30, 3), value, np.uint8)
    picture[:, :10] = (value, 0, 255)
    assert cv2.imwrite(str(path), picture)
    return picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(10):
        write_picture(tmp_path / "pictures" / f"{number}.png", number * 20)
    return tmp_path / "pictures"


def test_pictures_are_prepared_as_on_the_board_but_in_float(folder: Path) -> None:
    quantized = InputContract(
        **{**CONTRACT.__dict__, "dtype": InputType.UINT8, "quantization": Quantization(1 / 127.5, 127)}
    )
    tensors = list(representative_set(folder).tensors(quantized))
    assert len(tensors) == 10
    picture = cv2.imread(str(folder / "3.png"))
    np.testing.assert_array_equal(tensors[3], prepare(picture, CONTRACT))
    assert tensors[3].dtype == np.float32
    assert tensors[3].shape == (1, 8, 12, 3)


def test_subfolders_count_and_hidden_and_other_files_do_not(folder: Path) -> None:
    write_picture(folder / "more" / "deep.jpg", 9)
    write_picture(folder / ".cache" / "thumbnail.png", 9)
    (folder / "notes.txt").write_text("no picture")
    assert [path.name for path in representative_set(folder).files][-2:] == ["9.png", "deep.jpg"]
    assert len(representative_set(folder)) == 11


def test_a_draw_depends_on_the_seed_alone(folder: Path) -> None:
    first = representative_set(folder, Sampling(limit=4, seed=1))
    assert first == representative_set(folder, Sampling(limit=4, seed=1))
    assert list(first.files) == sorted(first.files)
    assert len({representative_set(folder, Sampling(limit=4, seed=seed)).files for seed in range(5)}) > 1


def test_the_digest_follows_the_content_and_not_the_place(folder: Path, tmp_path: Path) -> None:
    digest = representative_set(folder).digest
    moved = folder.rename(tmp_path / "elsewhere")
    assert representative_set(moved).digest == digest
    write_picture(moved / "3.png", 7)
    assert representative_set(moved).digest != digest


def test_broken_pictures_are_left_out_and_named(folder: Path) -> None:
    (folder / "3.png").write_bytes(b"\x89PNG broken")
    (folder / "5.png").write_bytes(b"")
    broken: list[tuple[str, str]] = []
    done: list[int] = []
    tensors = list(
        representative_set(folder).tensors(
            CONTRACT, done.append, lambda path, reason: broken.append((path.name, reason))
        )
    )
    assert len(tensors) == 8
    assert broken == [("3.png", "it is broken or not a picture (JPEG, PNG, BMP, WebP ...)"), ("5.png", "it is empty")]
    assert done == list(range(1, 11))


def test_a_folder_of_broken_pictures_is_an_error_before_and_while_reading(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(b"broken")
    pictures = representative_set(folder)
    with pytest.raises(PictureFolderError, match="none of its 10 pictures can be read"):
        pictures.require_readable()
    with pytest.raises(PictureFolderError, match="none of its 10 pictures can be read"):
        list(pictures.tensors(CONTRACT))


def test_one_readable_picture_is_enough(folder: Path) -> None:
    for path in sorted(folder.iterdir())[:-1]:
        path.write_bytes(b"broken")
    representative_set(folder).require_readable()


def test_a_missing_folder_an_empty_one_and_a_file_have_their_own_words(tmp_path: Path) -> None:
    with pytest.raises(PictureFolderError, match=r"nowhere: there is no such folder\. .* --images"):
        representative_set(tmp_path / "nowhere")
    (tmp_path / "readme.txt").write_text("no picture")
    with pytest.raises(PictureFolderError, match="the folder holds no picture"):
        representative_set(tmp_path)
    with pytest.raises(PictureFolderError, match=r"readme\.txt: it is a file"):
        representative_set(tmp_path / "readme.txt")


def test_a_broken_picture_is_told_between_its_neighbours(folder: Path) -> None:
    (folder / "1.png").write_bytes(b"broken")
    told: list[str] = []
    tensors = representative_set(folder).tensors(
        CONTRACT, lambda done: told.append(f"done {done}"), lambda path, _: told.append(f"broken {path.name}")
    )
    next(tensors)
    assert told == []
    next(tensors)
    assert told == ["done 1", "broken 1.png", "done 2"]


def test_a_set_that_is_not_read_to_its_end_leaves_no_thread(folder: Path) -> None:
    tensors = representative_set(folder).tensors(CONTRACT)
    next(tensors)
    del tensors
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("computed-ahead")]


def test_what_a_listener_raises_passes_and_leaves_no_thread(folder: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(representative_set(folder).tensors(CONTRACT, on_done=interrupt))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("computed-ahead")]
