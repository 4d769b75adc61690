"""The docker engine's images, as far as no daemon is asked: pulls, whose an image is, commits, registries' logins."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sshore.core.errors import EngineFailed, NotFound, SshoreError
from sshore.core.ids import UserId
from sshore.core.images import CommittedImage, PullProgress
from sshore.engines.docker.accounts import profile_with_path
from sshore.engines.docker.committing import committed_config
from sshore.engines.docker.credentials import Credentials, DockerConfig, StoredLogins
from sshore.engines.docker.images import digest_of
from sshore.engines.docker.options import DockerOptions
from sshore.engines.docker.own_images import (
    BASE_LABEL,
    COMMITTED_LABEL,
    OWNER_LABEL,
    base_bytes,
    committed_image,
    may_use,
    own_tag,
    read_own_tag,
)
from sshore.engines.docker.pulling import Layers, why_not
from sshore.engines.docker.variables import login_variables
from sshore.server.docker import docker_options
from sshore.wire.problems import Code

ANN, BOB = UserId("annannannann"), UserId("bobbobbobbob")
LOGIN = Credentials("ghcr.io", "ann", "s3cret")


class TestPulls:
    def test_bytes_and_layers_are_counted(self) -> None:
        layers = Layers("x:1")
        for step in [
            {"status": "Pulling from x", "id": "1"},
            {"status": "Already exists", "id": "a", "progressDetail": {}},
            {"status": "Pulling fs layer", "id": "b", "progressDetail": {}},
            {"status": "Pulling fs layer", "id": "c", "progressDetail": {}},
            {"status": "Downloading", "id": "b", "progressDetail": {"current": 10, "total": 100}},
            {"status": "Downloading", "id": "c", "progressDetail": {"current": 5, "total": 50}},
            {"status": "Download complete", "id": "c", "progressDetail": {}},
            {"status": "Pull complete", "id": "c"},
            {"status": "Status: Downloaded newer image for x:1"},
        ]:
            layers.note(step)
        assert layers.progress == PullProgress("x:1", layers=3, layers_done=2, done_bytes=60, total_bytes=150)

    @pytest.mark.parametrize(
        ("said", "status", "login", "kind", "next_step"),
        [
            ("manifest unknown", 404, None, NotFound, "see its spelling"),
            ("pull access denied for x, repository does not exist", 404, None, NotFound, "an administrator logs in"),
            ("unauthorized: authentication required", 500, None, EngineFailed, "wants a login"),
            ("no basic auth credentials", 500, None, EngineFailed, "sshore image login ghcr.io --user USER"),
            ("denied: requested access to the resource is denied", 500, LOGIN, EngineFailed, "renew the login"),
            ("no matching manifest for linux/amd64", 404, None, EngineFailed, "for this kind of machine"),
            ("http: server gave HTTP response to HTTPS client", 500, None, EngineFailed, "insecure-registries"),
            ("disk full", 500, None, EngineFailed, "cannot be pulled: disk full"),
        ],
    )
    def test_a_refusal_says_what_to_do_next(
        self, said: str, status: int, login: Credentials | None, kind: type[SshoreError], next_step: str
    ) -> None:
        error = why_not("ghcr.io/us/x:1", said, status, login)
        assert (type(error), next_step in error.problem.detail) == (kind, True), error
        assert "s3cret" not in repr(error)

    def test_a_login_that_is_wanted_has_a_code_of_its_own(self) -> None:
        assert why_not("x", "unauthorized", 401, None).problem.code is Code.REGISTRY_LOGIN

    def test_the_digest_is_the_one_of_the_registry_that_the_image_is_named_after(self) -> None:
        digests = ["debian@sha256:1", "ghcr.io/us/debian@sha256:2"]
        assert digest_of(digests, "ghcr.io/us/debian") == "ghcr.io/us/debian@sha256:2"
        assert digest_of(digests, "debian:12") == "debian@sha256:1"
        assert digest_of(digests, "other:1") == "debian@sha256:1"
        assert digest_of([], "debian:12") == ""


class TestWhoseAnImageIs:
    def test_the_daemons_name_says_it(self) -> None:
        tag = own_tag("here", ANN, "team/mine")
        assert tag == "sshore.local/here/annannannann/team/mine:latest"
        assert read_own_tag("here", tag) == (ANN, "team/mine:latest")
        assert read_own_tag("elsewhere", tag) is None
        assert own_tag("here", ANN, "ghcr.io/x") == ""

    @pytest.mark.parametrize(
        ("tags", "owner", "may"),
        [
            (["debian:12"], BOB, True),
            (["sshore.local/here/annannannann/x:1"], ANN, True),
            (["sshore.local/here/annannannann/x:1"], BOB, False),
            (["sshore.local/here/annannannann/x:1"], None, False),
            (["sshore.local/elsewhere/annannannann/x:1"], ANN, False),
            (["sshore.local/here/annannannann/x:1", "shared:1"], BOB, True),
        ],
    )
    def test_no_id_leads_to_somebody_elses(self, tags: list[str], owner: UserId | None, may: bool) -> None:
        assert may_use("here", owner, {"RepoTags": tags}) == may

    def test_nor_when_it_has_lost_its_name(self) -> None:
        labels = {COMMITTED_LABEL: "here", OWNER_LABEL: ANN}
        lost: dict[str, Any] = {"RepoTags": [], "Config": {"Labels": labels}}
        assert (may_use("here", ANN, lost), may_use("here", BOB, lost)) == (True, False)
        assert may_use("here", BOB, {"RepoTags": [], "Config": {}})


ORIGINAL: dict[str, Any] = {
    "Config": {
        "Env": ["PATH=/bin", "LD_PRELOAD=/x.so"],
        "Entrypoint": ["/start"],
        "User": "app",
        "WorkingDir": "/srv",
        "Labels": {"version": "1", "sshore.session": "lost"},
    }
}
CONTAINER: dict[str, Any] = {
    "Config": {
        "Env": ["HOME=/home/work", "LD_PRELOAD"],
        "User": "1900000000:1900000000",
        "Labels": {"sshore.session": "abc", "sshore.gpus": "0", "version": "1"},
    }
}


class TestCommits:
    def test_the_image_says_what_the_one_before_it_said(self) -> None:
        config = committed_config(CONTAINER, ORIGINAL, "here", ANN)
        assert (config["Env"], config["User"]) == (["PATH=/bin", "LD_PRELOAD=/x.so"], "app")
        assert (config["Entrypoint"], config["Cmd"], config["WorkingDir"]) == (["/start"], [], "/srv")

    def test_no_session_is_found_by_its_labels(self) -> None:
        assert committed_config(CONTAINER, ORIGINAL, "here", ANN)["Labels"] == {
            "version": "1",
            "sshore.session": "",
            "sshore.gpus": "",
            COMMITTED_LABEL: "here",
            OWNER_LABEL: ANN,
            BASE_LABEL: "0",
        }

    def test_what_commits_have_written_is_what_is_beyond_the_image_that_they_began_with(self) -> None:
        first = committed_config(CONTAINER, {**ORIGINAL, "Size": 100}, "here", ANN)["Labels"]
        listed = {"Id": "sha256:1", "Size": 130, "RepoTags": ["sshore.local/here/annannannann/x:1"], "Labels": first}
        assert committed_image("here", ANN, listed) == CommittedImage("sha256:1", ("x:1",), 30)
        second = committed_config(CONTAINER, {"Config": {"Labels": first}, "Size": 130}, "here", ANN)["Labels"]
        lost = {"Id": "sha256:2", "Size": 150, "RepoTags": ["<none>:<none>"], "Labels": second}
        assert committed_image("here", ANN, lost) == CommittedImage("sha256:2", (), 50)
        assert committed_image("here", BOB, lost) is None
        assert committed_image("elsewhere", ANN, lost) is None

    @pytest.mark.parametrize("said", ["", "-1", "many", "²"])
    def test_a_label_of_another_image_makes_nothing_smaller(self, said: str) -> None:
        assert base_bytes("here", 100, {BASE_LABEL: "0", COMMITTED_LABEL: "elsewhere"}) == 100
        assert base_bytes("here", 100, {BASE_LABEL: said, COMMITTED_LABEL: "here"}) == 100
        assert base_bytes("here", 100, {BASE_LABEL: "1000", COMMITTED_LABEL: "here"}) == 100

    def test_what_the_image_leaves_open_is_not_the_sessions(self) -> None:
        config = committed_config(CONTAINER, {"Config": None}, "here", ANN)
        assert (config["User"], config["WorkingDir"], config["Env"]) == ("0", "/", [])

    def test_the_sessions_variables_reach_no_login_of_a_later_one(self) -> None:
        left = ["SSHORE_SESSION=old", "SSHORE_SESSION_ID=x", "HOME=/home/work", "A=b"]
        assert login_variables(left) == ({"A": "b"}, {})

    def test_lines_that_a_session_has_added_to_the_profile_stay(self) -> None:
        once = profile_with_path("PATH=/bin\n", "/opt/bin")
        again = profile_with_path(once + "export MINE=1\n", "/other/bin")
        assert again.startswith("PATH=/bin\nexport MINE=1\n")
        assert (again.count("Sshore: end"), "/opt/bin" in again) == (1, False)


class TestVariables:
    def test_all_that_a_program_can_have_is_kept(self) -> None:
        words = ["A=b=c", "LINES=one\r\ntwo", "A.B C=d", f"LONG={'x' * ((128 << 10) - 6)}", "EMPTY=", "NOTHING"]
        assert login_variables(words) == (dict(word.split("=", 1) for word in words[:-1]), {})

    def test_of_the_others_it_is_said_why(self) -> None:
        kept, left_out = login_variables(["=x", "NUL=\0", "NO_TEXT=\udce9", f"LONG={'x' * ((128 << 10) - 5)}", "A=b"])
        assert kept == {"A": "b"}
        assert {name: why.split()[-1] for name, why in left_out.items()} == {
            "": "name",
            "NUL": "text",
            "NO_TEXT": "text",
            "LONG": "program",
        }

    def test_so_many_that_no_program_starts_lose_the_longest(self) -> None:
        kept, left_out = login_variables([f"V{number}={'x' * (100_000 + number)}" for number in range(12)])
        assert list(left_out) == ["V11", "V10"]
        assert len(kept) == 10


class TestLogins:
    def test_they_are_kept_in_a_file_that_only_the_server_reads(self, tmp_path: Path) -> None:
        logins = StoredLogins(tmp_path / "registries.json")
        logins.put(LOGIN)
        logins.put(Credentials("docker.io", "bob", "other"))
        assert (tmp_path / "registries.json").stat().st_mode & 0o777 == 0o600
        assert StoredLogins(tmp_path / "registries.json").get("ghcr.io") == LOGIN
        assert [login.registry for login in logins.logins()] == ["docker.io", "ghcr.io"]
        assert (logins.remove("ghcr.io"), logins.remove("ghcr.io")) == (True, False)
        assert logins.get("ghcr.io") is None

    def test_a_damaged_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "registries.json").write_text("[1")
        with pytest.raises(EngineFailed, match=r"registries.json is damaged"):
            StoredLogins(tmp_path / "registries.json").get("ghcr.io")

    def test_no_secret_is_shown(self) -> None:
        assert "s3cret" not in repr(LOGIN) + str(LOGIN)

    def test_the_daemon_is_told_in_its_own_words(self) -> None:
        said = json.loads(base64.urlsafe_b64decode(LOGIN.header()))
        assert said == {"serveraddress": "ghcr.io", "username": "ann", "password": "s3cret"}
        token = Credentials("docker.io", "", identity_token="t")
        assert token.body() == {"serveraddress": "https://index.docker.io/v1/", "username": "", "identitytoken": "t"}

    def test_the_docker_command_lines_are_read_in_all_their_forms(self, tmp_path: Path) -> None:
        auth = base64.b64encode(b"ann:pass:word").decode()
        file = tmp_path / "config.json"
        auths = {
            "https://index.docker.io/v1/": {"auth": auth},
            "https://registry.example.org/v2/": {"username": "bob", "password": "x"},
            "quay.io": {"auth": "", "identitytoken": "t"},
            "empty.example.org": {},
            "bad.example.org": {"auth": "!"},
        }
        file.write_text(json.dumps({"auths": auths}))
        config = DockerConfig(file)

        def found(registry: str) -> Credentials | None:
            return asyncio.run(config.get(registry))

        assert found("docker.io") == Credentials("docker.io", "ann", "pass:word", source="docker")
        assert found("registry.example.org") == Credentials("registry.example.org", "bob", "x", source="docker")
        assert found("quay.io") == Credentials("quay.io", "", "", "t", "docker")
        assert [found(it) for it in ("empty.example.org", "bad.example.org", "ghcr.io")] == [None, None, None]

    def test_without_such_a_file_there_are_none(self, tmp_path: Path) -> None:
        for file in (None, tmp_path / "none.json"):
            assert asyncio.run(DockerConfig(file).get("ghcr.io")) is None
            assert DockerConfig(file).logins() == []

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text("{")
        with pytest.raises(EngineFailed, match="cannot be read"):
            asyncio.run(DockerConfig(tmp_path / "config.json").get("ghcr.io"))


class TestOptions:
    def test_an_image_without_a_tag_is_its_latest(self) -> None:
        options = DockerOptions(images=("debian:*",))
        assert (options.allows("debian"), options.allows("debian:12"), options.allows("us/debian")) == (
            *(True, True, False),
        )

    def test_they_come_from_the_environment(self, tmp_path: Path) -> None:
        assert docker_options({}).commit
        assert not docker_options({"SSHORE_DOCKER_COMMIT": "0"}).commit
        (tmp_path / "secret").touch()
        for chosen, file in [(tmp_path, "config.json"), (tmp_path / "secret", ""), (tmp_path / "a.json", "")]:
            expected = chosen / file if file else chosen
            assert docker_options({"SSHORE_DOCKER_CONFIG": str(chosen)}).docker_config == expected
