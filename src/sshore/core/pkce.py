"""Proof Key for Code Exchange (RFC 7636): who began a login is who gets its result."""

import base64
import hashlib


def code_challenge(verifier: str) -> str:
    """The ``S256`` challenge of a verifier (§4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def confirmation_of(challenge: str) -> str:
    """Eight characters of a challenge that a person can compare, as ``ABCD-EFGH``."""
    letters = "".join(char for char in challenge.upper() if char.isalnum())[:8]
    return f"{letters[:4]}-{letters[4:]}"
