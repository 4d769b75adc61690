"""Joins two sockets and copies bytes between them; used by the gateway and by the local proxy.

Standard library only; runs on uvloop and on asyncio's own loops.

    join.py    `join(left, right)`: flow control, half-close, byte counts, one copy per chunk
"""
