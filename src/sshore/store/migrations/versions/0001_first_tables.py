"""First tables: users, tokens, sessions, folders."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("host_uid", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
        sa.UniqueConstraint("host_uid", name="uq_users_host_uid"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("user_id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("secret_hash", name="uq_tokens_secret_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tokens_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_tokens_user_id", "tokens", ["user_id"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("owner_id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("engine", sa.String(20), nullable=False),
        sa.Column("image", sa.String, nullable=False),
        sa.Column("resources", sa.JSON, nullable=False),
        sa.Column("network", sa.String(10), nullable=False),
        sa.Column("key_type", sa.String(10), nullable=False),
        sa.Column("mounts", sa.JSON, nullable=False),
        sa.Column("launched", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("agent_token_hash", sa.String(64), nullable=False),
        sa.Column("private_key", sa.String, nullable=False),
        sa.Column("host_private_key", sa.String, nullable=False),
        sa.Column("host_key_fingerprint", sa.String(60), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("owner_id", "name", name="uq_sessions_owner_id_name"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_sessions_owner_id"),
    )
    op.create_index("ix_sessions_agent_token_hash", "sessions", ["agent_token_hash"])
    op.create_table(
        "folders",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("owner_id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_folders"),
        sa.UniqueConstraint("owner_id", "name", name="uq_folders_owner_id_name"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_folders_owner_id"),
    )


def downgrade() -> None:
    for table in ("folders", "sessions", "tokens", "users"):
        op.drop_table(table)
