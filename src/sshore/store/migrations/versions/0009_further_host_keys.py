"""Further host keys: ECDSA for every session and folder, RSA for those whose user has chosen an RSA key."""

import sqlalchemy as sa
from alembic import op
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for name in ("sessions", "folder_keys"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("further_host_keys", sa.JSON, nullable=False, server_default="[]"))
    sessions = sa.table("sessions", sa.column("id"), sa.column("key_type"), sa.column("further_host_keys", sa.JSON))
    folders = sa.table(
        "folder_keys", sa.column("folder_id"), sa.column("user_id"), sa.column("further_host_keys", sa.JSON)
    )
    connection = op.get_bind()
    for id_, key_type in connection.execute(sa.select(sessions.c.id, sessions.c.key_type)).all():
        _fill(connection, sessions, sessions.c.id == id_, with_rsa=key_type == "rsa")
    for folder, user in connection.execute(sa.select(folders.c.folder_id, folders.c.user_id)).all():
        _fill(connection, folders, (folders.c.folder_id == folder) & (folders.c.user_id == user))


def downgrade() -> None:
    for name in ("folder_keys", "sessions"):
        with op.batch_alter_table(name) as table:
            table.drop_column("further_host_keys")


def _fill(
    connection: sa.Connection, table: sa.TableClause, row: sa.ColumnElement[bool], *, with_rsa: bool = False
) -> None:
    made: list[ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = [ec.generate_private_key(ec.SECP256R1())]
    if with_rsa:
        made.append(rsa.generate_private_key(public_exponent=65537, key_size=3072))
    pems = [key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode() for key in made]
    connection.execute(table.update().where(row).values(further_host_keys=pems))
