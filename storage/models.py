"""All tables, imported once, so that the metadata is whole for migrations."""

from sqlmodel import SQLModel

import storage.accounts
import storage.addresses
import storage.agents
import storage.allowlist
import storage.blocklist
import storage.channels
import storage.confirmations
import storage.contacts
import storage.dkim_keys
import storage.erasure
import storage.forward_checks
import storage.ids
import storage.installation
import storage.mailboxes
import storage.messages
import storage.notices
import storage.organisations
import storage.outbox
import storage.presence
import storage.queues
import storage.rules
import storage.saved_filters
import storage.silence
import storage.spool
import storage.storms
import storage.suppression
import storage.tags
import storage.tickets
import storage.withheld  # noqa: F401 - each import registers its tables

metadata = SQLModel.metadata
