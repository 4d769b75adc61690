#!/bin/sh
# uvloop 0.23.0: after transport.set_protocol() from a Protocol to a BufferedProtocol, the transport keeps the old
# protocol alive (by its bound method data_received, which only a protocol that has that name replaces) until it closes.
# asyncio's own loop lets it go. Seen: "uvloop alive, asyncio gone". A relay that takes connections over from an HTTP
# protocol holds all of that protocol's memory for as long as each connection lives; `data_received = None` in the new
# protocol's class is the way round.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" -q install uvloop==0.23.0
cat >"$place/try.py" <<'PY'
import asyncio, gc, socket, weakref
import uvloop


class Old(asyncio.Protocol):
    def data_received(self, data): ...


class New(asyncio.BufferedProtocol):
    def get_buffer(self, sizehint):
        return bytearray(100)


async def look():
    left, right = socket.socketpair()
    left.setblocking(False)
    transport, old = await asyncio.get_running_loop().connect_accepted_socket(Old, left)
    transport.set_protocol(New())
    seen = weakref.ref(old)
    del old
    await asyncio.sleep(0.1)
    gc.collect()
    state = "alive" if seen() is not None else "gone"
    transport.close()
    right.close()
    await asyncio.sleep(0.1)
    return state


said = []
for name, factory in (("uvloop", uvloop.new_event_loop), ("asyncio", asyncio.new_event_loop)):
    with asyncio.Runner(loop_factory=factory) as runner:
        said.append(f"{name} {runner.run(look())}")
print(", ".join(said))
PY
said=$("$place/venv/bin/python" "$place/try.py")
echo "$said"
test "$said" = "uvloop alive, asyncio gone"
