"""How much a user's folders may hold is an allowance as the others are: `folder_bytes`."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_allowances = sa.table("allowances", sa.column("user_id", sa.String), sa.column("limits", sa.JSON))
_quotas = sa.table("folder_quotas", sa.column("owner_id", sa.String), sa.column("size_bytes", sa.BigInteger))


def upgrade() -> None:
    connection = op.get_bind()
    known = {row.user_id: row.limits for row in connection.execute(sa.select(_allowances))}
    for owner_id, size_bytes in connection.execute(sa.select(_quotas)).all():
        limits = {**known.get(owner_id, {}), "folder_bytes": size_bytes}
        if owner_id in known:
            mine = _allowances.c.user_id == owner_id
            connection.execute(sa.update(_allowances).where(mine).values(limits=limits))
        else:
            connection.execute(sa.insert(_allowances).values(user_id=owner_id, limits=limits))
    op.drop_table("folder_quotas")


def downgrade() -> None:
    op.create_table(
        "folder_quotas",
        sa.Column("owner_id", sa.String(12), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_folder_quotas"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_folder_quotas_owner_id", ondelete="CASCADE"),
    )
    connection = op.get_bind()
    for user_id, limits in connection.execute(sa.select(_allowances)).all():
        if limits.get("folder_bytes") is not None:
            connection.execute(sa.insert(_quotas).values(owner_id=user_id, size_bytes=limits["folder_bytes"]))
