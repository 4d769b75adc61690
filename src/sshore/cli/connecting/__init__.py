"""What stands in every connection's way: loaded without click, as little of it as can be.

quick.py       the usual connection: stream and certificate by one request, and hardly an import
ordinary.py    all ways there are, and what is wrong where there is none; client_key.py makes the client key
stream.py      `sshore stream`: a stream on stdin and stdout, or its socket handed to `ssh`
handover.py    how a socket is given to `ssh`; take_over.py the program that fetches one for it
refused.py     why there is no stream, in the words of SSH
openssh.py     `sshore ssh`, `sftp`: stream, certificate and known_hosts, then OpenSSH itself
overrides.py   what of a user's ssh_config is not meant for what they start
destination.py where these are to go, as ssh reads it: ``work@NAME``, ``-p 22``
certify.py     `sshore certify`: the certificate alone, for the managed ssh_config of Windows
doctor.py      what stands between a user and a session; machine.py what a server on this machine would miss

ssh NAME.sshore ──ProxyCommand──▶ stream.py ──▶ quick.py ──▶ the gateway       certificate to a file, socket to ssh
sshore ssh NAME ──▶ openssh.py ──▶ quick.py ──▶ the gateway
                        └── exec ssh ──ProxyCommand──▶ take_over.py ──▶ the socket of before
"""
