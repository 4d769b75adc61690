"""How a whole run of the tests uses the machine: `pytest -n auto`, as `make test` does.

    controller ── hands out units of tests ──> workers ── each with deployments of its own
        └── one dockerd, one podman, started when a worker first asks ──┘

workers           how many there are
scheduling        which of them runs what, and when
shared_daemons    the daemons of the run
descendants       the processes that a test has started
turns             who changes or measures the whole machine waits for the others; so does a second run on it

A plain `pytest PATH` has no workers: the process is controller and worker in one.
"""
