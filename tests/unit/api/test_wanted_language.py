import pytest

from sshore.api.front_page import wanted_language


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("en-GB,en;q=0.9,ko;q=0.8", "en"),
        ("de, ko;q=0.5", "ko"),
        ("ko;q=x, fr", "en"),
        ("ko;q=0", "en"),
    ],
)
def test_the_browsers_first_known_language_is_taken(accept: str, language: str) -> None:
    assert wanted_language(accept, ["en", "ko"]) == language
