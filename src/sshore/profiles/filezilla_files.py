"""FileZilla's own files: `sitemanager.xml` with its sites, and `hostkeys.xml` with the host keys it trusts (from 3.70).

Text in, text out: what is not ours stays.
"""

from xml.etree import ElementTree as ET

from sshore.core.errors import InvalidInput
from sshore.profiles.known_hosts import LOCAL_HOSTS
from sshore.profiles.sites import Site, filezilla_site

_EMPTY = "<FileZilla3/>"


def key_files(text: str, name: str) -> list[str]:
    """The key files of the sites of a name, beside folders; empty where one has none."""
    return [server.findtext("Keyfile", "") for server in _sites(_read(text), name)]


def with_site(text: str, site: Site) -> str:
    """The file `sitemanager.xml` with the site in the place of those of its name."""
    root = _read(text)
    servers = _child(root, "Servers")
    for old in _sites(root, site.name):
        servers.remove(old)
    servers.extend(_sites(_read(filezilla_site(site)), site.name))
    return _written(root)


def with_host_key(text: str, port: int, host_key: str) -> str:
    """The file `hostkeys.xml` with the host key behind a local port, in the place of what was trusted there before."""
    root = _read(text)
    for server in root.findall("Server"):
        if server.get("Host") in LOCAL_HOSTS and server.get("Port") == str(port):
            root.remove(server)
    for host in LOCAL_HOSTS:
        server = ET.SubElement(root, "Server", Host=host, Port=str(port))
        ET.SubElement(server, "Hostkey").text = host_key.split()[1]
    return _written(root)


def _sites(root: ET.Element, name: str) -> list[ET.Element]:
    return [server for server in root.findall("Servers/Server") if server.findtext("Name") == name]


def _child(root: ET.Element, tag: str) -> ET.Element:
    found = root.find(tag)
    return ET.SubElement(root, tag) if found is None else found


def _read(text: str) -> ET.Element:
    try:
        return ET.fromstring((text or _EMPTY).encode(errors="surrogateescape"))  # noqa: S314 - the user's own file
    except ET.ParseError as error:
        raise InvalidInput(f"FileZilla's file is damaged ({error}): start FileZilla and see what it says") from error


def _written(root: ET.Element) -> str:
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )
