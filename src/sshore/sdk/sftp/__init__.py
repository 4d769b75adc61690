"""Files to and from storage folders: just as much of SFTP as transfers need that resume and are checked.

OpenSSH's own `sftp` stays the client for everything else (`sshore sftp folder:NAME`). It is not driven here, because
its batch language cannot say every file name (line feeds), it shows progress on terminals only, and tells neither
how many bytes it has sent nor whether it was the network or the disk that failed: what resuming depends on.

    packets.py   requests and answers of version 3 (draft-ietf-secsh-filexfer-02), no I/O
    channel.py   requests on a stream, several under way at a time
    checks.py    checksums made by the server, beside the folder (`agent.check_files`)
    folder.py    one folder: a channel and a checker, opened when needed
    upload.py    a local file into a folder: resumed, checked, then renamed into its place
    download.py  the same the other way
    transfer.py  what both share
    part_files.py  what a file is called until it is complete

    upload ──▶ Folder ──┬──▶ SftpChannel ──stream──▶ sftp-server, confined to the folder
                        └──▶ Checker ──────stream──▶ check-files, likewise
"""
