"""Names that count on are drawn together."""

import pytest

from edgeproof.wording.name_ranges import name_ranges


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        (["desk"], "desk"),
        (["b1", "b2"], "b1, b2"),
        (["b1", "b2", "b3"], "b1 to 3"),
        (["b09", "b10", "b11", "b13"], "b09 to 11, b13"),
        (["b9", "b10", "b11"], "b9, b10, b11"),
        (["k1.lab", "k2.lab", "k3.lab"], "k1.lab to 3.lab"),
        (["a1", "b2", "b3", "b4"], "a1, b2 to 4"),
    ],
)
def test_names_that_count_on_are_one_entry(names: list[str], expected: str) -> None:
    assert name_ranges(names) == expected


def test_no_more_are_listed_than_wanted() -> None:
    assert name_ranges([f"b{n:02}" for n in range(0, 40, 2)], 3) == "b00, b02, b04 and 17 more"
    assert name_ranges([f"b{n:02}" for n in range(50)], 1) == "b00 to 49"
