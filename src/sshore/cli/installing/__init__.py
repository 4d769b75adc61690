"""Puts sessions where OpenSSH, PuTTY (on Unix) and FileZilla look: they connect and ask nothing.

openssh.py     the managed ssh_config, which `ssh` is asked about before it is put in place
putty.py       saved sessions, host keys and a host CA in PuTTY's directory
filezilla.py   a site and its host key in FileZilla's
own_files.py   reads and replaces a file of the user's

`sshore profile NAME PROGRAM --install` ──▶ a directory ──▶ sshore.profiles ──▶ the program's own file

What is the user's own stays: a session or site counts as ours by its key file alone.
"""
