"""The messages of the HTTP API, as plain dataclasses.

FastAPI validates and documents them on the server; the client reads them with `decode`. They are
standard library only, because a command line that loads a validation library at every start is a
slow one. What values are *allowed* is the core's to say, once, with a message for the user.

    messages.py   requests and answers
    account_messages.py   requests about users and passwords
    activity_messages.py  who connected to what; what keeps sessions alive
    folder_messages.py    shares, the trash, usage and quotas, keys for SFTP
    mount_messages.py     folders that come into sessions and go
    image_messages.py     images, pulls, commits, logins at registries
    own_messages.py       own keys, files for new homes, the bootstrap script
    decode.py     JSON to message
"""
