"""Engines: where sessions run. Siblings that never import each other; each implements `core.ports.Engine`.

sandbox/   bubblewrap on this machine: the default, without Docker and without root
docker/    containers of any image, by the Docker Engine API

mounting/  for both: directories of the host in sessions that run
measuring/        for both: what running sessions use
memory_kills.py   for both: programs that the kernel has ended for want of memory
"""
