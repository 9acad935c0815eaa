"""The adapter for the protocol of the settings."""

from bot.onboarding.errors import SettingsError
from bot.onboarding.transfer import Transfer
from bot.transfer.settings import TransferSettings
from bot.transfer.sftp import SftpTransfer


def build_transfer(settings: TransferSettings) -> Transfer:
    """Return the adapter for the protocol of the settings; it connects when it is used, not before.

    Raises SettingsError for a protocol that this version does not speak.
    """
    if settings.protocol != "sftp":
        raise SettingsError(
            f"TRANSFER__PROTOCOL is {settings.protocol!r}, and this version speaks sftp only: "
            "set TRANSFER__PROTOCOL=sftp and give the bot an SFTP account on that server."
        )
    return SftpTransfer(settings)
