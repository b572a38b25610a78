"""One thing is called in the singular."""

from edgeproof.wording.counting import counted


def test_numbers_of_things() -> None:
    assert [counted(count, "picture") for count in (0, 1, 2)] == ["0 pictures", "1 picture", "2 pictures"]
    assert [counted(count, "class", "classes") for count in (1, 90)] == ["1 class", "90 classes"]
