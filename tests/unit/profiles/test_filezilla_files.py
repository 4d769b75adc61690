"""FileZilla's files: ours are in them, and the user's own stay."""

from xml.etree import ElementTree as ET

import pytest

from sshore.core.errors import InvalidInput
from sshore.profiles import filezilla_files as filezilla
from sshore.profiles.sites import Site

SITE = Site("demo", 10022, "/home/ann/keys/1/id_container")
OWN = """<?xml version="1.0" encoding="UTF-8"?>
<FileZilla3 version="3.63.0"><Servers>
<Folder>work<Server><Host>a.example</Host><Name>demo</Name></Server></Folder>
<Server><Host>b.example</Host><Name>mine</Name></Server>
</Servers></FileZilla3>"""


def test_a_site_stands_beside_the_users_own() -> None:
    text = filezilla.with_site(filezilla.with_site(OWN, SITE), SITE)
    servers = ET.fromstring(text.encode()).findall("Servers/Server")
    assert [server.findtext("Name") for server in servers] == ["mine", "demo"]
    assert "a.example" in text
    assert filezilla.key_files(text, "demo") == [SITE.key_file]


def test_a_host_key_takes_the_place_of_the_ports_former_one() -> None:
    others = filezilla.with_host_key(filezilla.with_host_key("", 22, "ssh-ed25519 AAAA"), 10022, "ssh-ed25519 BBBB")
    text = filezilla.with_host_key(others, 10022, "ssh-ed25519 CCCC")
    keys = {(s.get("Host"), s.get("Port")): s.findtext("Hostkey") for s in ET.fromstring(text.encode())}
    assert keys["localhost", "22"] == "AAAA"
    assert keys["localhost", "10022"] == keys["127.0.0.1", "10022"] == "CCCC"
    assert "BBBB" not in text


def test_a_damaged_file_is_left_alone() -> None:
    with pytest.raises(InvalidInput, match="damaged"):
        filezilla.with_site("<FileZilla3>", SITE)
