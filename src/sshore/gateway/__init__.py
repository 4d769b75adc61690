"""Joins a client's stream with a link that the session's agent parked. Knows no HTTP beyond one head.

    front_door.py  the first protocol of each connection: an upgrade stays here, the rest is the HTTP server's
    unfinished.py  connections without a head yet, which are bounded
    link.py        one parked connection of an agent
    links.py       the table of parked links; implements `core.ports.Links`
    folder_end.py  the other end of a stream to a folder, which no agent stands for
    open_streams.py  the table of streams, ended when a token is revoked; implements `core.ports.OpenStreams`
    gateway.py     authorises, opens and counts streams; owns every task started here

    client ──▶ FrontDoor ──┬─ Upgrade: sshore-stream/1 ─▶ Gateway ─▶ LinkTable ─▶ Relay
    agent  ──▶ FrontDoor ──┼─ Upgrade: sshore-link/1 ───▶ Gateway ─▶ LinkTable
    browser ─▶ FrontDoor ──┴─ anything else ────────────▶ the HTTP server's own protocol

No stream's byte is looked at, changed, or joined by a byte of the gateway's.
"""
