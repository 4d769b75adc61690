"""What stands in every connection's way: loaded without click, as little of it as can be.

stream.py   `sshore stream`: a stream on stdin and stdout, or its socket handed to `ssh`
openssh.py  `sshore ssh`, `sftp`: certificate, known_hosts, then OpenSSH itself
certify.py  `sshore certify`: the certificate alone, for the managed ssh_config
doctor.py   what stands between a user and a session

ssh ──ProxyCommand──▶ stream.py ──▶ sdk ──▶ the gateway
"""
