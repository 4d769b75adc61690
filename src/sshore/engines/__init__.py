"""Engines: where sessions run. Siblings that never import each other; each implements `core.ports.Engine`.

sandbox/   bubblewrap on this machine: the default, without Docker and without root
"""
