"""The client side of the HTTP API and of streams; standard library only, because start-up time is felt.

address.py          a server's URL, taken apart
errors.py           what a client can meet: `ApiError`, `ServerUnreachable`
http.py             one keep-alive connection to a server, JSON in and out
client.py           `Client`: a typed method for every route
stream_head.py      the request that opens a stream and the answer to it (no I/O)
blocking_stream.py  opens a stream on a blocking socket, for `sshore stream`
async_stream.py     opens a stream on asyncio, for the local proxy
receive_head.py     takes the answer's head out of a socket, and not one byte more
login_certificate.py  the certificate that comes with a stream, checked
keep_alive.py       finds dead peers; lookup.py  host names, looked up without delay
locale_words.py     the locale of the user's environment, told with a stream
config_dir.py       where a user's own files lie; places.py their names
private_files.py    files of the user's own: mode 0600, written aside and renamed
credentials.py      tokens by server, and which server is the default
sftp/               files to and from folders and sessions: transfers that resume and are checked

cli, proxy ──▶ Client ──▶ http ──▶ /api/v1/…
           ──▶ open_stream ──▶ GET …/stream, Upgrade: sshore-stream/1 ──▶ the app's bytes
"""
