from typing import Any

import pytest

from fakes.session_messages import session_message
from sshore.core.states import SessionState
from sshore.proxy.health import (
    Health,
    is_passing,
    report_of_error,
    report_of_folder,
    report_of_removed,
    report_of_session,
)
from sshore.proxy.setup import Listing
from sshore.sdk.address import parse_server_url
from sshore.sdk.errors import ApiError, ServerUnreachable
from sshore.wire.problems import Code, Problem

UNREACHABLE = ServerUnreachable(parse_server_url("http://127.0.0.1:1"), "connection refused")


def refused(code: Code) -> ApiError:
    problem = Problem(code, "the server's sentence")
    return ApiError(problem, problem.status)


def test_a_session_that_runs_with_its_app_is_healthy() -> None:
    assert report_of_session(session_message(), "ssh").health is Health.OK


@pytest.mark.parametrize(
    ("change", "health", "advice"),
    [
        ({"launched": []}, Health.APP_NOT_LAUNCHED, "sshore app start demo ssh"),
        ({"state": SessionState.STOPPED}, Health.SESSION_NOT_RUNNING, "sshore start demo"),
        ({"state": SessionState.PENDING, "reason": "no room"}, Health.SESSION_NOT_RUNNING, "no room"),
        ({"linked": False}, Health.SERVER_UNREACHABLE, "sshore start demo"),
    ],
)
def test_what_is_wrong_comes_with_advice(change: dict[str, Any], health: Health, advice: str) -> None:
    report = report_of_session(session_message(**change), "ssh")
    assert report.health is health
    assert advice in report.detail


def test_a_removed_session_is_gone() -> None:
    report = report_of_removed("demo")
    assert report.health is Health.SESSION_GONE
    assert "sshore disconnect demo" in report.detail


@pytest.mark.parametrize(
    ("code", "health"),
    [
        (Code.APP_NOT_LAUNCHED, Health.APP_NOT_LAUNCHED),
        (Code.NOT_FOUND, Health.SESSION_GONE),
        (Code.TOKEN_EXPIRED, Health.REFUSED),
        (Code.NO_LINK, Health.SERVER_UNREACHABLE),
    ],
)
def test_a_refused_stream_shows_the_servers_sentence(code: Code, health: Health) -> None:
    report = report_of_error(refused(code))
    assert (report.health, report.detail) == (health, "the server's sentence")


def test_only_what_may_pass_is_waited_for() -> None:
    assert is_passing(UNREACHABLE)
    assert is_passing(refused(Code.NO_LINK))
    assert not is_passing(refused(Code.APP_NOT_LAUNCHED))
    assert not is_passing(refused(Code.ENGINE_FAILED))
    assert not is_passing(refused(Code.APP_FAILED))
    assert not is_passing(refused(Code.UNAUTHENTICATED))
    assert not is_passing(refused(Code.NOT_FOUND))


def test_a_folder_that_is_gone_is_called_by_its_name() -> None:
    report = report_of_folder("folder:ann/team", is_there=False)
    assert report.health is Health.SESSION_GONE
    assert "the folder ann/team is not there" in report.detail
    assert report.detail.endswith("sshore disconnect folder:ann/team")


def test_a_folder_is_found_by_its_id_and_where_only_a_name_is_known_by_that() -> None:
    listing = Listing({}, {"abc": "team", "def": "ann/abc-2", "ghi": "def"})
    assert listing.find_folder("abc") == ("abc", "team")
    assert listing.find_folder("ann/abc-2") == ("def", "ann/abc-2")
    assert listing.find_folder("def") == ("def", "ann/abc-2"), "an id comes before a name"
    assert listing.find_folder("gone") is None


def test_an_older_server_lists_folders_by_their_names() -> None:
    assert Listing({}, {"team": "team"}).find_folder("team") == ("team", "team")
