"""Logging in at an OpenID Connect provider: the provider's side, as `core.ports.IdentityProvider` has it.

provider.py   discovery, the authorisation URL, the exchange of the code (authorisation code flow with PKCE)
id_token.py   what an ID token must be to be believed
fetch.py      small JSON documents over HTTPS

services.oidc ─▶ IdentityProvider ◀─ Provider ─▶ the group's provider (Keycloak, Entra, Google, GitLab, …)

The signatures and claims of ID tokens are joserfc's, which Authlib (1.9) uses for them as well, and recommends in place
of its own `authlib.jose`. Authlib's OAuth clients are left out: they bring httpx or requests along, and keep a login's
state in a web framework's session, where this one belongs to a command line. They would save the forms in provider.py.
"""
