"""The owner's registered keys, as the server writes them: by their fingerprints in `authorized_keys`."""

from sshore.agent.journal import say


class OwnKeys:
    """Which keys are registered, and which were until a moment ago."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: set[str] = set()
        self.refresh()

    def refresh(self) -> set[str]:
        """The fingerprints that are registered now. Called before a key can be used, so that its removal is noticed."""
        current = self._read()
        self._seen |= current
        return current

    def take_removed(self) -> set[str]:
        """The fingerprints that have been removed since the last call."""
        current = self._read()
        removed, self._seen = self._seen - current, current
        return removed

    def _read(self) -> set[str]:
        try:
            # Another file has come into this one's place by rename(2), or none: it is never half written.
            with open(self.path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib costs a megabyte
                comments = [line.split() for line in file if line.startswith("# SHA256:")]
        except OSError as error:
            say(f"{self.path} cannot be read: {error.strerror}")
            return set(self._seen)
        return {words[1] for words in comments}


def accepted_key(line: bytes) -> str:
    """The fingerprint in sshd's line on the key that it has let in (auth.c, `auth_log`); empty in any other line,
    and for certificates, which end by themselves."""
    before, found, after = line.partition(b" ssh2: ")
    words = after.split()
    if not found or not before.startswith(b"Accepted publickey for ") or len(words) < 2 or words[0].endswith(b"-CERT"):
        return ""
    return words[1].decode("ascii", "replace")
