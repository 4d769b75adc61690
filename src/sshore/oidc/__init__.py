"""Logging in at an OpenID Connect provider: the provider's side, as `core.ports.IdentityProvider` has it.

provider.py   discovery, the authorisation URL, the exchange of the code (authorisation code flow with PKCE)
id_token.py   what an ID token must be to be believed
fetch.py      small JSON documents over HTTPS

services.oidc ─▶ IdentityProvider ◀─ Provider ─▶ the group's provider (Keycloak, Entra, Google, GitLab, …)
"""
