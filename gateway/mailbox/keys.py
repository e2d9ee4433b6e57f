"""From a stored mailbox to an account that signs in: its password opened, or tokens asked for when they are needed."""

from collections.abc import Callable

from config.secrets import Seal
from config.settings import Settings
from gateway.mailbox.account import Account, MailboxTrouble, SignInRefused
from outbound.oauth import Accounts
from outbound.tokens import Purpose, SignInNeeded, TokenTrouble
from storage.database import Database
from storage.mailboxes import Mailbox


def account_of(settings: Settings, database: Database, mailbox: Mailbox) -> Account:
    """How to sign in to a mailbox. Raises BadConfiguration when its password does not open."""
    seal = Seal(settings.key_file)
    password = seal.open(mailbox.secret, mailbox.secret_purpose) if mailbox.secret else ""
    token = None
    if mailbox.account_id is not None:
        token = token_source(Accounts(database, seal, settings.office365), mailbox.account_id)
    return Account(
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        user=mailbox.user,
        password=password,
        folder=mailbox.folder,
        timeout_seconds=settings.mailboxes.timeout_seconds,
        message_bytes=settings.limits.message_bytes,
        token=token,
    )


def token_source(accounts: Accounts, account_id: int) -> Callable[[str], str]:
    """Tokens for IMAP of one account, with its troubles as those of a mailbox."""

    def token(refused: str) -> str:
        try:
            return accounts.access_token(account_id, Purpose.IMAP, refused)
        except SignInNeeded as error:
            raise SignInRefused(str(error)) from error
        except TokenTrouble as error:
            raise MailboxTrouble(str(error)) from error

    return token
