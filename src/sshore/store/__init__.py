"""What the server keeps: the database, the CAs, and the directories of sessions and folders.

database.py    engine, transactions; SQLite or PostgreSQL
turns.py       each caller's turns at it
revisions.py   which revision the tables are of, and the way to the newest
server_lock.py the one server on a PostgreSQL
database_url.py     which database, said without its password
database_errors.py  what the databases' errors mean
tables.py      the tables
store.py       `core.ports.Store`: rows to the core's dataclasses and back
database_table.py   what the tables' classes share
activity_table.py   what sessions did last
audit_table.py the streams that were
folder_tables.py    folders, shares, the trash, keys for SFTP
group_table.py groups of users
own_tables.py  allowances, own keys, files for new homes, bootstrap scripts
passwords.py   argon2id
migrations/    Alembic's, run at a start that finds older tables
files.py       `core.ports.SessionFiles`: homes, run directories, folders
safe_files.py  writing where a session's user could have planted a symlink
remove_tree.py removing what a user may be changing
disk_usage.py  how much directories hold
project_quotas.py   quotas that the kernel holds
authorities.py the two CAs' keys
"""
