"""Activity: what was connected to what; idle time-outs and times to live."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "streams",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("user_id", sa.String(12), nullable=False),
        sa.Column("user", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(12), nullable=False),
        sa.Column("session", sa.String(150), nullable=False),
        sa.Column("app", sa.String(40), nullable=False),
        sa.Column("address", sa.String(100), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("bytes_in", sa.BigInteger, nullable=False),
        sa.Column("bytes_out", sa.BigInteger, nullable=False),
        sa.Column("end", sa.String(20)),
        sa.PrimaryKeyConstraint("id", name="pk_streams"),
    )
    op.create_index("ix_streams_started_at", "streams", ["started_at"])
    for column in ("user_id", "session_id", "session"):
        op.create_index(f"ix_streams_{column}", "streams", [column, "started_at"])
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(sa.Column("idle_timeout_s", sa.Float))
        sessions.add_column(sa.Column("ttl_s", sa.Float))


def downgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("ttl_s")
        sessions.drop_column("idle_timeout_s")
    op.drop_table("streams")
