"""Protocol buffers' text format is read as protobuf reads it, and broken text is told by its line."""

import pytest

from edgeproof.errors import UsageError
from edgeproof.ssd.files.protobuf_text import Scalar, TextMessage, parse_protobuf_text


def texts(message: TextMessage, name: str) -> list[str]:
    return [value.text for value in message.fields[name] if isinstance(value, Scalar)]


def test_scalars_keep_how_they_are_written() -> None:
    message = parse_protobuf_text('a: -4.6, b: 1e-08; c: RELU_6 d: "x" e:.08f', "file")
    assert {name: texts(message, name) for name in "abcde"} == {
        "a": ["-4.6"],
        "b": ["1e-08"],
        "c": ["RELU_6"],
        "d": ["x"],
        "e": [".08f"],
    }
    assert [message.fields[name][0].quoted for name in "cd"] == [False, True]  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["a { b: 1 }", "a: { b: 1 }", "a: < b: 1 >", "a {b:1},", "# { \na{b:1}#}"])
def test_a_message_is_in_braces_or_angles_with_or_without_a_colon(text: str) -> None:
    (message,) = parse_protobuf_text(text, "file").fields["a"]
    assert isinstance(message, TextMessage)
    assert texts(message, "b") == ["1"]


def test_repeated_values_are_listed_or_written_again() -> None:
    message = parse_protobuf_text("a: [1, 2]\na: 3 a: []\nb [{c: 1}, {c: 2}]", "file")
    assert texts(message, "a") == ["1", "2", "3"]
    assert [texts(item, "c") for item in message.fields["b"] if isinstance(item, TextMessage)] == [["1"], ["2"]]


def test_strings_have_escapes_and_continue_on_the_next_line() -> None:
    message = parse_protobuf_text(r'''a: "it\'s" ' \"x\" #{' "\x41\102\n"''', "file")
    assert texts(message, "a") == ['it\'s "x" #{AB\n']


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a {\n b: 1\n", "line 3: the name of a field or '}' is expected, the end of the file is there"),
        ("a: 1\n}", "line 2: the name of a field is expected, '}' is there"),
        ("a:\n", "line 2: a value after 'a' is expected, the end"),
        ("a 1", "line 1: a colon or a brace after 'a' is expected, '1' is there"),
        ("a: [1, 2", "a value after 'a' is expected"),
        ("a: 'x", r"line 1: \"'\" does not belong"),
        ("a: 1\n\x00", r"line 2: '\\x00' does not belong"),
        ("a {" * 100, "nested over 64 deep"),
    ],
)
def test_broken_text_is_told_by_its_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"^x.config, .*{words}"):
        parse_protobuf_text(text, "x.config")
