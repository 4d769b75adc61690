"""Images: which one a session was started from."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        for name in ("image_id", "image_digest", "previous_image_id"):
            sessions.add_column(sa.Column(name, sa.String, nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        for name in ("previous_image_id", "image_digest", "image_id"):
            sessions.drop_column(name)
