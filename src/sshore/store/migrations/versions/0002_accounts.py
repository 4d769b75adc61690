"""Accounts: passwords, disabled users, scopes and last use of tokens."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
