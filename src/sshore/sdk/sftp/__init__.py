"""Files to and from storage folders and sessions: just as much of SFTP as transfers need that resume and are checked.

OpenSSH's own `sftp` stays the client for everything else (`sshore sftp`). It is not driven here, because
its batch language cannot say every file name (line feeds), it shows progress on terminals only, and tells neither
how many bytes it has sent nor whether it was the network or the disk that failed: what resuming depends on.

    packets.py   requests and answers of version 3 (draft-ietf-secsh-filexfer-02), no I/O
    channel.py   requests on a stream, several under way at a time
    connection.py  what carries a channel: a socket, or the pipes of `ssh -s`
    checks.py    checksums made at the other end, beside the file (`agent.check_files`)
    remote.py    what transfers need of the other end, whatever it is
    folder.py    one folder: a channel and a checker, opened when needed; a session is cli/copying/session_remote.py
    upload.py    a local file to there: resumed, checked, then renamed into its place
    download.py  the same the other way
    transfer.py  what both share
    part_files.py  what a file is called until it is complete
    names.py     what the other end may call a file, what this system can, and how names show
    kinds.py     what is there where no file is, in words
    local_marks.py, remote_marks.py  modes and times of what has arrived, where the file system has any
    holes.py     what of a sparse file is not written

    upload ──▶ Remote ──┬──▶ SftpChannel ──stream──▶ sftp-server, confined to the folder  │ or ssh ──▶ in the session
                        └──▶ Checker ──────stream──▶ check-files, likewise                │ or ssh ──▶ in the session
"""
