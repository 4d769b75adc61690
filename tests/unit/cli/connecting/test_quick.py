"""What is read without `json` is what `json` reads, or is left to it."""

import json

import pytest

from sshore.cli.connecting.quick import Unusual, read_stored, usual_config_dir

TOKENS = {"http://127.0.0.1:8022": "sshore_abc", "https://a.example": "sshore_d+/="}


@pytest.mark.parametrize("tokens", [TOKENS, dict(list(TOKENS.items())[:1])])
@pytest.mark.parametrize("indent", [2, None])
def test_it_reads_what_is_written(tokens: dict[str, str], indent: int | None) -> None:
    text = json.dumps({"default": "http://127.0.0.1:8022", "tokens": tokens}, indent=indent) + "\n"
    assert read_stored(text) == ("http://127.0.0.1:8022", tokens)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '"default"',
        '{"default": "", "tokens": {}}',
        '{"default": 1, "tokens": {"a": "b"}}',
        '{"tokens": {"a": "b"}, "default": "a"}',
        '{"default": "a", "tokens": {"a": "b"}, "more": "x"}',
        '{"default": "a", "tokens": {"a": "b",}}',
        '{"default": "a\\u0041", "tokens": {"a": "b"}}',
        '{"default": "a", "tokens": {"a": null}}',
        '{"default": "a", "tokens": {"a": "b"}} and more',
        '{"default": "a", "tokens": {"a": "b"',
    ],
)
def test_it_leaves_anything_else_to_others(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        read_stored(text)


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, {"HOME": "relative"}, {"XDG_CONFIG_HOME": "relative"}])
def test_no_home_is_not_the_root_directory(environment: dict[str, str]) -> None:
    with pytest.raises(Unusual):
        usual_config_dir(environment)
