"""Activity: what sessions did last, for the time after a restart; streams found by their users' names."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "session_activity",
        sa.Column("session_id", sa.String(12), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_bytes", sa.BigInteger, nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True)),
        sa.Column("cpu_total_s", sa.Float),
        sa.PrimaryKeyConstraint("session_id", name="pk_session_activity"),
    )
    op.create_index("ix_streams_user", "streams", ["user", "started_at"])


def downgrade() -> None:
    op.drop_index("ix_streams_user", "streams")
    op.drop_table("session_activity")
