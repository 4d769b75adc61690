"""The words on the wire: heads and lines of streams and links, and the problem codes.

Bytes in, values out; no sockets here, and nothing but the standard library, because the agent
carries this package into every session: of the library only what is light (`NamedTuple`, not
`dataclasses`, which would load `inspect` and cost the agent two megabytes with `urllib.parse`).

    upgrades.py   the requests for streams and links (RFC 9110 §7.8), as text, and how long they may be;
                  imports nothing at all
    heads.py      HTTP/1.1 request and response heads (RFC 9112)
    lines.py      the one JSON line each way that opens a stream or makes a call on a link
    problems.py   the stable codes of everything that can be refused (RFC 9457)

A stream:   client → gateway   request head, ``Upgrade: sshore-stream/1``
            gateway → client   ``101``, then the app's bytes; or an ordinary HTTP answer with a problem.
                               Where the request has a public key, the ``101`` brings a certificate for it
A link:     agent → gateway    request head, ``Upgrade: sshore-link/1``
            gateway → agent    ``101``, then silence while the link is parked, then one line:
                               ``{"open":"ssh"}`` or ``{"call":"app.start","app":"ssh"}``; beside an ``open``,
                               ``"host_key":"plain"``: sshd is to offer its Ed25519 key alone, without
                               a certificate, with ``"host_keys":"all"`` those of other types, too; and
                               ``"locale":"LC_TIME=ko_KR.UTF-8"``: what the client's user has set (locale(7));
                               ``"connection":"192.0.2.7 65535 192.0.2.1 8022"``: the client's address, and ours
            agent → gateway    one line, ``{"ok":true,…}`` or ``{"ok":false,"code":…,"detail":…}``;
                               after an ``open`` that is ok, the stream's bytes; after a ``call``, the end
"""
