"""People: who is calling, how they log in, and what they have set up for themselves.

accounts.py        users and API tokens: who is calling
passwords.py       setting passwords, and logging in with them
oidc.py            logging in at an OpenID Connect provider
throttle.py        slows down those who guess
administration.py  what admins do with users
allowances.py      how much of the server each may have
groups.py          groups of users, and what each of their members may have
waits.py           requests that wait, counted by user
find_user.py       a user by name, as an admin names one
settings.py        the user settings
own_keys.py        registered public keys, in all sessions of their owner at once
user_files.py      files for new homes; the bootstrap script
"""
