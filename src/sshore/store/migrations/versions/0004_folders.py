"""Folders: trash, quotas, shares, offered directories, keys for SFTP without a session."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("folders") as folders:
        folders.add_column(sa.Column("path", sa.String, nullable=False, server_default=""))
    op.create_table(
        "folder_shares",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("folder_id", sa.String(12), nullable=False),
        sa.Column("user_id", sa.String(12)),
        sa.Column("read_only", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_folder_shares"),
        sa.UniqueConstraint("folder_id", "user_id", name="uq_folder_shares_folder_id_user_id"),
        sa.ForeignKeyConstraint(["folder_id"], ["folders.id"], name="fk_folder_shares_folder_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_folder_shares_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_folder_shares_user_id", "folder_shares", ["user_id"])
    op.create_table(
        "folder_keys",
        sa.Column("folder_id", sa.String(12), nullable=False),
        sa.Column("user_id", sa.String(12), nullable=False),
        sa.Column("private_key", sa.String, nullable=False),
        sa.Column("host_private_key", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("folder_id", "user_id", name="pk_folder_keys"),
        sa.ForeignKeyConstraint(["folder_id"], ["folders.id"], name="fk_folder_keys_folder_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_folder_keys_user_id", ondelete="CASCADE"),
    )
    op.create_table(
        "trashed_folders",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("owner_id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trashed_folders"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_trashed_folders_owner_id"),
    )
    op.create_index("ix_trashed_folders_owner_id", "trashed_folders", ["owner_id"])
    op.create_table(
        "folder_quotas",
        sa.Column("owner_id", sa.String(12), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_folder_quotas"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_folder_quotas_owner_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    for table in ("folder_quotas", "trashed_folders", "folder_keys", "folder_shares"):
        op.drop_table(table)
    with op.batch_alter_table("folders") as folders:
        folders.drop_column("path")
