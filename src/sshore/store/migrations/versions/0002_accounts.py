"""Accounts: passwords, logins at a provider, disabled users, scopes and last use of tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("disabled", sa.Boolean, nullable=False, server_default=sa.false()))
        users.add_column(sa.Column("password_hash", sa.String, nullable=False, server_default=""))
        users.add_column(sa.Column("oidc_subject", sa.String(512)))
    op.create_index("ix_users_oidc_subject", "users", ["oidc_subject"], unique=True)
    with op.batch_alter_table("tokens") as tokens:
        tokens.add_column(sa.Column("scope", sa.String(10), nullable=False, server_default="all"))
        tokens.add_column(sa.Column("last_used_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    with op.batch_alter_table("tokens") as tokens:
        tokens.drop_column("last_used_at")
        tokens.drop_column("scope")
    op.drop_index("ix_users_oidc_subject", "users")
    with op.batch_alter_table("users") as users:
        users.drop_column("oidc_subject")
        users.drop_column("password_hash")
        users.drop_column("disabled")
