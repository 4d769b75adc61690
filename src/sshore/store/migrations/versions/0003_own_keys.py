"""Own keys, user files, bootstrap scripts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "own_keys",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("owner_id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("type", sa.String(50), nullable=False),
        sa.Column("bits", sa.Integer, nullable=False),
        sa.Column("public_key", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_own_keys"),
        sa.UniqueConstraint("owner_id", "fingerprint", name="uq_own_keys_owner_id_fingerprint"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_own_keys_owner_id", ondelete="CASCADE"),
    )
    op.create_table(
        "user_files",
        sa.Column("owner_id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("executable", sa.Boolean, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "name", name="pk_user_files"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_user_files_owner_id", ondelete="CASCADE"),
    )
    op.create_table(
        "bootstraps",
        sa.Column("owner_id", sa.String(12), nullable=False),
        sa.Column("script", sa.String, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_bootstraps"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_bootstraps_owner_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    for table in ("bootstraps", "user_files", "own_keys"):
        op.drop_table(table)
