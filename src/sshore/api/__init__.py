"""The HTTP API under ``/api/v1``: routes that turn messages into use cases and back.

app.py        the application: routers, problem handlers, OpenAPI
auth.py       who is calling; the services, as dependencies
scopes.py     what a token may do by its scope: one table for all routes
services.py   the services, as one object
route.py      who is calling is asked before anything is read
body_limit.py how long a request may be
problems.py   refusals as problem documents (RFC 9457): the one handler table
answers.py    the core's dataclasses as messages
new_session.py  what a user asked for, with settings and defaults filled in
sessions.py   sessions, their keys, certificates and logs
apps.py       launching apps; how to open a stream
accounts.py   the caller, tokens, settings
users.py      logging in with a password; users, for admins
oidc.py       logging in by OpenID Connect
allowances.py what users may have, and use of it
groups.py     groups of users, for admins
waits.py      how long a request waits
own.py        own keys, files for new homes, the bootstrap script
folders.py    storage folders
images.py     images, pulls, commits; logins at registries
audit.py      who connected to what
pages.py      pages for browsers: the frame, without anything from elsewhere
front_page.py ``/``: what this is, how to log in
docs_page.py  ``/docs``: the API, from its OpenAPI description
live_use.py   what running sessions use
health.py     /healthz, /readyz, /metrics, version, trust
"""
