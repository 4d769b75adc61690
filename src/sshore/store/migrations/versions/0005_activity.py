"""Activity: what was connected to what; idle time-outs and times to live."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
