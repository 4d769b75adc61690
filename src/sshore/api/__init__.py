"""The HTTP API under ``/api/v1``: routes that turn messages into use cases and back.

app.py        the application: routers, problem handlers, OpenAPI
auth.py       who is calling; the services, as dependencies
problems.py   refusals as problem documents (RFC 9457): the one handler table
answers.py    the core's dataclasses as messages
sessions.py   sessions, their keys, certificates and logs
apps.py       launching apps; how to open a stream
accounts.py   the caller, users, tokens, settings
folders.py    storage folders
health.py     /healthz, /readyz, /metrics, version, trust
"""
