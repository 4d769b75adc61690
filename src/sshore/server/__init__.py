"""The composition root: makes every part of the server and wires them, in one process and one event loop.

settings.py  what can be set, and from where
wiring.py    every part, given what it needs
docker.py    whether the docker engine is offered
run.py       `run_server`: build, wire, serve, stop
notify.py    what systemd is told; activation.py  the socket that it hands over
open_files.py
             the limit on open files, raised
secret_files.py
             settings that are secrets, from files
state.py     the state directory: made, checked, held by one server
http.py      uvicorn behind the gateway's front door
logs.py      structured logs
metrics.py   the gateway's counters for Prometheus
"""
