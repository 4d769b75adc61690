"""The docker engine: sessions from any image, by the Docker Engine API (Docker, and Podman's compatible socket).

    engine.py        `DockerEngine`, the port: one verb at a time for a session, waiting, cancellation
    options.py       what an administrator sets: the daemon's socket, the images that are allowed, the host's network
    daemon.py        the connection, and its errors in our words
    launch.py        the start of one session: image, network, container; undone when a step fails
    container.py     what the daemon is told of a session's container, as a pure function
    limits.py        which limits the daemon can keep
    root.py          sessions with root inside: uid 0 in the container, and nothing of it outside
    cancellation.py  calls that are not to be left half done; asking.py whether an agent would hear one
    images.py        images: there or pulled, which variables, accounts and shells they have
    variables.py     an image's ENV: what of it logins can have, as pure functions
    image_store.py   `DockerImageStore`, the port: lists, pulls, commits, removes
    pulling.py       what the daemon tells of a pull
    committing.py    a container's changes as an image like the one before it, as a pure function
    own_images.py    by which names and labels the daemon knows whose a committed image is
    registries.py    logins at registries: which one counts, whether it is accepted
    credentials.py   logins as they are kept: the server's own, and the docker command line's
    accounts.py      the image's passwd, group and profile with the account `work` in them, as pure functions
    shell.py         the login shell of images that have none
    archives.py      files to put into a container
    staging.py       directories mounted on their way into a container, so that their files are the session's own
    live_mounts.py   folders in running containers
    networks.py      the network `nat`, closed between sessions and towards metadata services
    same_directory.py  whether the daemon sees the state directory where the server does
    ending.py        what the daemon says of a container, as the port's states and the owner's phrases
    meter.py         what running containers use; statistics.py what the daemon says of it
    gpus.py          which GPUs there are, which session has which, and how the daemon is asked for them

    server ──HTTP on the daemon's socket──▶ dockerd ──▶ a container `sshore-<name>-<id>`
                                                          └── the agent, as pid 1, with the owner's uid

The agent is pid 1 of its container, as in the sandbox: it reaps, its end is the end of the session's processes, and
no SIGKILL from inside reaches it. Nothing but the daemon remembers a session: the labels of its container say which
session of which deployment it is, and a new server finds it by them. A start makes a new container; what is to
last lies in the home, in folders, or in an image.
"""
