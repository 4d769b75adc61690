"""The user settings."""

from collections.abc import Collection
from dataclasses import dataclass

from sshore.core.errors import InvalidInput
from sshore.core.ports import Store
from sshore.core.settings import (
    ENGINE,
    PREFERRED_SSH_PORT,
    SETTINGS,
    Setting,
    check_setting,
    find_setting,
    port_warning,
)
from sshore.core.users import User


@dataclass(frozen=True, slots=True)
class SettingValue:
    """A setting as a user has it; `value` is empty where the default holds."""

    setting: Setting
    value: str
    warning: str = ""

    @property
    def effective(self) -> str:
        return self.value or self.setting.default


class UserSettings:
    """`engines` are those that the setting of that name can have; none means that any will do."""

    def __init__(self, store: Store, engines: Collection[str] = ()) -> None:
        self._store = store
        self._engines = engines

    def list(self, user: User) -> list[SettingValue]:
        return [SettingValue(setting, user.settings.get(name, "")) for name, setting in SETTINGS.items()]

    def get(self, user: User, name: str) -> SettingValue:
        return SettingValue(find_setting(name), user.settings.get(name, ""))

    async def set(self, user: User, name: str, value: str) -> SettingValue:
        """Set, or reset with an empty value; a poor choice is warned of.

        Raises:
            NotFound: there is no such setting. InvalidInput: it cannot have this value.
        """
        value = check_setting(name, value)
        if name == ENGINE and value and self._engines and value not in self._engines:
            raise InvalidInput(f"this server has no engine {value!r}; it has: {', '.join(self._engines)}")
        await self._store.users.set_setting(user.id, name, value)
        warning = port_warning(int(value)) if name == PREFERRED_SSH_PORT and value else ""
        return SettingValue(find_setting(name), value, warning)
