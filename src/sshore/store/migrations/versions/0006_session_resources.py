"""Sessions with root inside, and with their image's entrypoint."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(sa.Column("root", sa.Boolean, nullable=False, server_default=sa.false()))
        sessions.add_column(sa.Column("entrypoint", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("entrypoint")
        sessions.drop_column("root")
