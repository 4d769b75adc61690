"""The tables. A change here needs a migration beside it."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC, aware of it, on databases that forget the zone (SQLite) as on those that do not (PostgreSQL)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # PostgreSQL would take a time without a zone for one in its own.
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


users = Table(
    "users",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(40), nullable=False, unique=True),
    Column("role", String(10), nullable=False),
    Column("host_uid", Integer, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("password_hash", String, nullable=False),
    Column("oidc_subject", String(512), unique=True, index=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("scope", String(10), nullable=False),
    Column("last_used_at", UtcDateTime),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("name", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String, nullable=False),
    Column("engine", String(20), nullable=False),
    Column("image", String, nullable=False),
    Column("resources", JSON, nullable=False),
    Column("network", String(10), nullable=False),
    Column("key_type", String(10), nullable=False),
    Column("mounts", JSON, nullable=False),
    Column("launched", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("agent_token_hash", String(64), nullable=False, index=True),
    Column("private_key", String, nullable=False),
    Column("host_private_key", String, nullable=False),
    Column("further_host_keys", JSON, nullable=False, server_default="[]"),
    Column("host_key_fingerprint", String(60), nullable=False),
    Column("idle_timeout_s", Float),
    Column("ttl_s", Float),
    Column("root", Boolean, nullable=False, server_default=false()),
    Column("entrypoint", Boolean, nullable=False, server_default=false()),
    Column("image_id", String, nullable=False, server_default=""),
    Column("image_digest", String, nullable=False, server_default=""),
    Column("previous_image_id", String, nullable=False, server_default=""),
    UniqueConstraint("owner_id", "name"),
)

folders = Table(
    "folders",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("path", String, nullable=False),
    UniqueConstraint("owner_id", "name"),
)

folder_shares = Table(
    "folder_shares",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("folder_id", ForeignKey("folders.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("read_only", Boolean, nullable=False),
    UniqueConstraint("folder_id", "user_id"),
)

folder_keys = Table(
    "folder_keys",
    metadata,
    Column("folder_id", ForeignKey("folders.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("private_key", String, nullable=False),
    Column("host_private_key", String, nullable=False),
    Column("further_host_keys", JSON, nullable=False, server_default="[]"),
)

trashed_folders = Table(
    "trashed_folders",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("trashed_at", UtcDateTime, nullable=False),
)

allowances = Table(
    "allowances",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    # Only what is the user's own: what is not in it is the server's default, null is without a limit.
    Column("limits", JSON, nullable=False),
)

groups = Table(
    "groups",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(40), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    # As in allowances.
    Column("limits", JSON, nullable=False),
)

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
)

own_keys = Table(
    "own_keys",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("owner_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("type", String(50), nullable=False),
    Column("bits", Integer, nullable=False),
    Column("public_key", String, nullable=False),
    Column("fingerprint", String(60), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("owner_id", "fingerprint"),
)

user_files = Table(
    "user_files",
    metadata,
    Column("owner_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("executable", Boolean, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

bootstraps = Table(
    "bootstraps",
    metadata,
    Column("owner_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("script", String, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

streams = Table(
    "streams",
    metadata,
    Column("id", String(12), primary_key=True),
    # No foreign keys: what happened stays known when its user and session are no more.
    Column("user_id", String(12), nullable=False),
    Column("user", String(40), nullable=False),
    Column("session_id", String(12), nullable=False),
    Column("session", String(150), nullable=False),
    Column("app", String(40), nullable=False),
    Column("address", String(100), nullable=False),
    Column("client", String(200), nullable=False),
    Column("started_at", UtcDateTime, nullable=False, index=True),
    Column("ended_at", UtcDateTime),
    Column("bytes_in", BigInteger, nullable=False),
    Column("bytes_out", BigInteger, nullable=False),
    Column("end", String(20)),
    Index("ix_streams_user_id", "user_id", "started_at"),
    Index("ix_streams_user", "user", "started_at"),
    Index("ix_streams_session_id", "session_id", "started_at"),
    Index("ix_streams_session", "session", "started_at"),
)

session_activity = Table(
    "session_activity",
    metadata,
    # No foreign key: all rows are written anew every minute, while sessions come and go.
    Column("session_id", String(12), primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("active_at", UtcDateTime, nullable=False),
    Column("moved_bytes", BigInteger, nullable=False),
    Column("moved_at", UtcDateTime),
    Column("cpu_total_s", Float),
)
