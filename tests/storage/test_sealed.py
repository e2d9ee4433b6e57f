"""Secrets at rest: found wherever they stand, sealed anew, and in no dump of the database."""

from config.secrets import Seal
from config.settings import Settings
from storage.accounts import Account, Grant, account_for, keep_tokens
from storage.channels import Channel, ChannelKind, add_channel
from storage.database import Database
from storage.models import metadata
from storage.sealed import change_key, seal_anew

PASSWORD, TOKENS = "correct-horse-battery", '{"refresh":"very-secret-token"}'


def _keep(database: Database, seal: Seal) -> tuple[int, int]:
    """A channel with a password, and an account with tokens."""
    with database.writing() as session:
        channel = add_channel(session, Channel(name="Acme", key="", kind=ChannelKind.SMTP, host="mx.example"))
        channel.secret = seal.close(PASSWORD, channel.secret_purpose)
        session.add(channel)
        account = account_for(session, "support@company.example", Grant.DEVICE)
        keep_tokens(session, account, seal.close(TOKENS, account.secret_purpose))
        return channel.number, account.number


def _opened(database: Database, seal: Seal, channel: int, account: int) -> tuple[str, str]:
    with database.reading() as session:
        one, other = session.get_one(Channel, channel), session.get_one(Account, account)
        return seal.open(one.secret, one.secret_purpose), seal.open(other.tokens, other.secret_purpose)


def test_everything_opens_after_the_key_was_changed(database: Database, settings: Settings) -> None:
    """Passwords and tokens are sealed with the new key, once; the old keys are needed no more."""
    seal = Seal(settings.key_file)
    kept = _keep(database, seal)
    assert [change_key(database, seal) for _ in range(3)] == [2, 2, 2]
    with database.writing() as session:
        assert seal_anew(session, seal) == 0
    newest = settings.key_file.read_text().split()[0]
    settings.key_file.write_text(newest)
    assert _opened(database, seal, *kept) == (PASSWORD, TOKENS)


def test_secret_that_was_under_way_when_the_key_was_changed_still_opens(database: Database, settings: Settings) -> None:
    """Somebody seals with the old key and stores it after the change: it opens, and the next one seals it anew."""
    seal = Seal(settings.key_file)
    number, account = _keep(database, seal)
    with database.reading() as session:
        late = seal.close("new-password", session.get_one(Channel, number).secret_purpose)
    change_key(database, seal)
    with database.writing() as session:
        session.get_one(Channel, number).secret = late
    assert _opened(database, seal, number, account) == ("new-password", TOKENS)
    assert change_key(database, seal) == 2
    assert _opened(database, seal, number, account) == ("new-password", TOKENS)


def test_dump_of_the_database_holds_no_secret(database: Database, settings: Settings) -> None:
    """All rows of all tables, as text: neither the password nor the tokens nor the key stand there."""
    seal = Seal(settings.key_file)
    _keep(database, seal)
    with database.reading() as session:
        dump = "".join(repr(session.connection().execute(table.select()).all()) for table in metadata.sorted_tables)
    assert "mx.example" in dump
    for secret in (PASSWORD, "very-secret-token", settings.key_file.read_text()):
        assert secret not in dump
