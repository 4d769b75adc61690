"""Allowances: what of them is a user's own; the server's default holds for all else."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "allowances",
        sa.Column("user_id", sa.String(12), nullable=False),
        sa.Column("limits", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_allowances_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_allowances"),
    )


def downgrade() -> None:
    op.drop_table("allowances")
