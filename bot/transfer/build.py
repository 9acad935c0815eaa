"""The adapter for the protocol of the settings."""

from bot.onboarding.transfer import Transfer
from bot.transfer.ftp import FtpTransfer
from bot.transfer.settings import TransferSettings
from bot.transfer.sftp import SftpTransfer


def build_transfer(settings: TransferSettings) -> Transfer:
    """Return the adapter for the protocol of the settings; it connects when it is used, not before."""
    return SftpTransfer(settings) if settings.protocol == "sftp" else FtpTransfer(settings)
