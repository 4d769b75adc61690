"""What other programs need to reach a session, as text and bytes. Pure functions: nothing is read or written here.

known_hosts.py   lines of the managed known_hosts: host CAs, and the host key behind each forward
ssh_config.py    options for `ssh`, and the managed ssh_config
launcher.py      the program that the managed ssh_config names
include_line.py  the one line in the user's own ssh_config
sites.py         a forward as a site of FileZilla, WinSCP, PuTTY, VS Code and OpenSSH
ppk.py           PuTTY's private key files
putty_files.py   PuTTY's sessions, host keys and host CAs where it has no registry
filezilla_files.py   FileZilla's sites and host keys

CLI, local proxy, console ──▶ a pure function ──▶ text ──▶ OpenSSH, PuTTY, FileZilla, WinSCP, VS Code
"""
