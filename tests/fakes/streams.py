"""Streams in memory: whose were broken off."""

from sshore.core.ids import TokenId, UserId


class FakeStreams:
    """Implements `core.ports.OpenStreams`; every holder has one stream open."""

    def __init__(self) -> None:
        self.revoked: list[TokenId | UserId] = []

    def open_by(self, user_id: UserId) -> int:
        return 1

    def revoke(self, holder: TokenId | UserId) -> int:
        self.revoked.append(holder)
        return 1
