"""Sessions: what their owners do with them, and what becomes of them.

sessions.py   create, find, list, start, stop, remove; keys and certificates
lifecycle.py  starts, watches, stops and adopts sessions; the one place that changes a session's state
records.py    sessions as stored: changed one at a time, watched by whoever waits
setup.py      a session's keys, its run files, and what the engine is told
homes.py      how much a session's home holds, and may
holding.py    what changes at once when an allowance becomes another
shares.py     what a user's sessions may have; who waits for it
details.py    what engine and agent tell of one session when it is asked for
watch.py      what sessions do; stops those that are idle or whose time is over
live_use.py   what running sessions use, for those who may see it; filled by watch.py
apps.py       launch and stop apps

api ─▶ sessions, apps ─▶ lifecycle ─▶ records ─▶ Store
                             └─▶ setup, Engine, Links
"""
