"""The first schema"""

import sqlalchemy as sa
from alembic import op

import storage.columns
from storage.accepting import POSTGRES_FUNCTION
from storage.search import POSTGRES_INDEX, POSTGRES_TABLE, SQLITE_TABLE

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acceptance",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("reverse_path", sa.String(), nullable=False),
        sa.Column("helo", sa.String(), nullable=False),
        sa.Column("peer", sa.String(), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("tls", sa.String(), nullable=False),
        sa.Column("received_at", storage.columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acceptance")),
    )

    op.create_table(
        "suppressed",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("until", storage.columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_suppressed")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("grant", sa.String(length=32), nullable=False),
        sa.Column("tokens", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("refreshed_at", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("lease_owner", sa.String(), nullable=False),
        sa.Column("lease_until", storage.columns.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("user", name=op.f("uq_account_user")),
    )
    op.create_table(
        "agent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("notify", sa.String(), nullable=False),
        sa.Column("notice_pace", sa.String(length=32), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("removed_at", storage.columns.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("email", name=op.f("uq_agent_email")),
    )
    op.create_table(
        "allowed",
        sa.Column("pattern", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("pattern", name=op.f("pk_allowed")),
    )
    op.create_table(
        "blocked",
        sa.Column("pattern", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("pattern", name=op.f("pk_blocked")),
    )
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("via", sa.String(length=32), nullable=False),
        sa.Column("connections", sa.Integer(), nullable=False),
        sa.Column("mails_per_minute", sa.Integer(), nullable=False),
        sa.Column("from_address", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("after_dot", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("removed_at", storage.columns.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_channel_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("key", name=op.f("uq_channel_key")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "dkim_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("selector", sa.String(), nullable=False),
        sa.Column("algorithm", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("public", sa.String(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("retired_at", storage.columns.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dkim_key")),
        sa.UniqueConstraint("domain", "selector", name=op.f("uq_dkim_key_domain_selector")),
    )
    op.create_table(
        "fact",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_fact")),
    )
    op.create_table(
        "raw",
        sa.Column("acceptance_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("pack", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("acceptance_id", name=op.f("pk_raw")),
    )
    with op.batch_alter_table("raw", schema=None) as batch_op:
        batch_op.create_index(
            "ix_raw_pack",
            ["pack"],
            unique=False,
            sqlite_where=sa.text("pack <> ''"),
            postgresql_where=sa.text("pack <> ''"),
        )

    op.create_table(
        "signing_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "contact_address",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("spelling", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_address_contact_id")),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_contact_address")),
    )
    with op.batch_alter_table("contact_address", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_address_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "erased_mail",
        sa.Column("tombstone", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tombstone", name=op.f("pk_erased_mail")),
    )
    op.create_table(
        "unwanted_blob",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_unwanted_blob")),
    )
    op.create_table(
        "organisation",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_organisation")),
    )
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organisation_name"), ["name"], unique=False)

    op.create_table(
        "queue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("from_name", sa.String(length=32), nullable=False),
        sa.Column("color", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("logo", sa.String(), nullable=False),
        sa.Column("mail_header", sa.String(), nullable=False),
        sa.Column("mail_footer", sa.String(), nullable=False),
        sa.Column("quote_last", sa.Boolean(), nullable=False),
        sa.Column("reply_marker", sa.Boolean(), nullable=False),
        sa.Column("from_address", sa.String(), nullable=False),
        sa.Column("reply_to", sa.String(length=32), nullable=False),
        sa.Column("fresh_mail", sa.String(length=32), nullable=False),
        sa.Column("join_days", sa.Integer(), nullable=False),
        sa.Column("reopen_days", sa.Integer(), nullable=False),
        sa.Column("late_answers", sa.String(length=32), nullable=False),
        sa.Column("close_after_days", sa.Integer(), nullable=False),
        sa.Column("acknowledge", sa.String(length=32), nullable=True),
        sa.Column("display_name_in_automatic_replies", sa.Boolean(), nullable=False),
        sa.Column("known_contacts_only", sa.Boolean(), nullable=False),
        sa.Column("forwards", sa.String(length=32), nullable=False),
        sa.Column("assignment", sa.String(length=32), nullable=False),
        sa.Column("form_senders", sa.Text(), nullable=False),
        sa.Column("answer_via", sa.Integer(), nullable=True),
        sa.Column("subject_tag", sa.Boolean(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("archived_at", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("silent_since", storage.columns.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["answer_via"], ["channel.id"], name=op.f("fk_queue_answer_via")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue")),
        sa.UniqueConstraint("key", name=op.f("uq_queue_key")),
    )
    op.create_table(
        "spool",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("acceptance_id", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("passed", sa.Text(), nullable=False),
        sa.Column("storm_of", sa.String(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=False),
        sa.Column("lease_until", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("settled_at", storage.columns.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spool")),
        sa.UniqueConstraint("sha256", "recipient", name=op.f("uq_spool_sha256_recipient")),
    )
    with op.batch_alter_table("spool", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_spool_acceptance_id"), ["acceptance_id"], unique=False)
        batch_op.create_index("ix_spool_state", ["state", "settled_at"], unique=False)
        batch_op.create_index(
            "ix_spool_storm",
            ["storm_of", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'held'"),
            postgresql_where=sa.text("state = 'held'"),
        )
        batch_op.create_index(
            "ix_spool_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state IN ('received', 'failed')"),
            postgresql_where=sa.text("state IN ('received', 'failed')"),
        )

    op.create_table(
        "storm",
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("last_at", storage.columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("author", name=op.f("pk_storm")),
    )
    with op.batch_alter_table("storm", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_storm_last_at"), ["last_at"], unique=False)

    op.create_table(
        "address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("answer_via", sa.Integer(), nullable=True),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["answer_via"], ["channel.id"], name=op.f("fk_address_answer_via")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_address_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("address", name=op.f("uq_address_address")),
    )
    with op.batch_alter_table("address", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_address_queue_id"), ["queue_id"], unique=False)

    op.create_table(
        "queue_member",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("turn_at", storage.columns.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_queue_member_agent_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_queue_member_queue_id")),
        sa.PrimaryKeyConstraint("queue_id", "agent_id", name=op.f("pk_queue_member")),
    )
    op.create_table(
        "forward_check",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("inbox", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("is_canary", sa.Boolean(), nullable=False),
        sa.Column("sent_at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("ended_at", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("source_inbox", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("dkim", sa.String(), nullable=False),
        sa.Column("arc", sa.String(), nullable=False),
        sa.Column("refusal", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_forward_check_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forward_check")),
    )
    with op.batch_alter_table("forward_check", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forward_check_inbox"), ["inbox"], unique=False)
        batch_op.create_index(batch_op.f("ix_forward_check_queue_id"), ["queue_id"], unique=False)

    op.create_table(
        "forward_confirmation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("spool_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("inbox", sa.String(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("received_at", storage.columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_forward_confirmation_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forward_confirmation")),
        sa.UniqueConstraint("spool_id", name=op.f("uq_forward_confirmation_spool_id")),
    )
    with op.batch_alter_table("forward_confirmation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forward_confirmation_queue_id"), ["queue_id"], unique=False)

    op.create_table(
        "mailbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("after_fetch", sa.String(length=32), nullable=False),
        sa.Column("move_to", sa.String(), nullable=False),
        sa.Column("since", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("channel_id", sa.Integer(), nullable=True),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("done_uid", sa.BigInteger(), nullable=False),
        sa.Column("backlog_uid", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("asked_at", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("seen_at", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("last_mail_at", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_mailbox_account_id")),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_mailbox_channel_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_mailbox_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox")),
        sa.UniqueConstraint("address", name=op.f("uq_mailbox_address")),
    )
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mailbox_queue_id"), ["queue_id"], unique=False)

    op.create_table(
        "withheld_mail",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("since", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("next_at", storage.columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_withheld_mail_mailbox_id")),
        sa.PrimaryKeyConstraint("mailbox_id", "uid", name=op.f("pk_withheld_mail")),
    )
    op.create_table(
        "rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("match_any", sa.Boolean(), nullable=False),
        sa.Column("for_all_mail", sa.Boolean(), nullable=False),
        sa.Column("goes_on", sa.Boolean(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_rule_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
    )
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rule_queue_id"), ["queue_id"], unique=False)

    op.create_table(
        "queue_hour",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("hour", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_queue_hour_queue_id")),
        sa.PrimaryKeyConstraint("queue_id", "hour", name=op.f("pk_queue_hour")),
    )

    op.create_table(
        "source_inbox",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("last_mail_at", storage.columns.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_source_inbox_queue_id")),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_source_inbox")),
    )
    with op.batch_alter_table("source_inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_source_inbox_queue_id"), ["queue_id"], unique=False)

    op.create_table(
        "ticket",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("customer_address", sa.String(), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("address_id", sa.Integer(), nullable=True),
        sa.Column("source_inbox", sa.String(), nullable=False),
        sa.Column("way", sa.Integer(), nullable=True),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("updated_at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("settled_at", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("pending_until", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("marks_from", sa.String(), nullable=False),
        sa.Column("split_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_ticket_address_id")),
        sa.ForeignKeyConstraint(["assignee_id"], ["agent.id"], name=op.f("fk_ticket_assignee_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_ticket_contact_id")),
        sa.ForeignKeyConstraint(["merged_into"], ["ticket.id"], name=op.f("fk_ticket_merged_into")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_ticket_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_assignee_status", ["assignee_id", "status"], unique=False)
        batch_op.create_index("ix_ticket_contact_created", ["contact_id", "created_at"], unique=False)
        batch_op.create_index(
            "ix_ticket_pending_until",
            ["pending_until"],
            unique=False,
            sqlite_where=sa.text("pending_until IS NOT NULL"),
            postgresql_where=sa.text("pending_until IS NOT NULL"),
        )
        batch_op.create_index("ix_ticket_queue_status", ["queue_id", "status", "updated_at"], unique=False)
        batch_op.create_index("ix_ticket_status", ["status", "updated_at"], unique=False)

    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("headline", sa.String(), nullable=False),
        sa.Column("excerpt", sa.String(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("due_at", storage.columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_notice_agent_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_notice_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_due_at"), ["due_at"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_event_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("author_email", sa.String(), nullable=False),
        sa.Column("recipients_to", sa.Text(), nullable=False),
        sa.Column("recipients_cc", sa.Text(), nullable=False),
        sa.Column("recipients_bcc", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("date", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("filed_at", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("reply_text", sa.String(), nullable=False),
        sa.Column("html", sa.String(), nullable=True),
        sa.Column("source_inbox", sa.String(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("also_received", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("spool_id", sa.String(), nullable=True),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("authentication", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_message_agent_id")),
        sa.ForeignKeyConstraint(["spool_id"], ["spool.id"], name=op.f("fk_message_spool_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_message_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("spool_id", name=op.f("uq_message_spool_id")),
        sa.UniqueConstraint("ticket_id", "position", name=op.f("uq_message_ticket_id_position")),
    )
    op.create_table(
        "participant",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_participant_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "address", name=op.f("pk_participant")),
    )
    op.create_table(
        "presence",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("writes", sa.Boolean(), nullable=False),
        sa.Column("since", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("until", storage.columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_presence_agent_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_presence_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "agent_id", name=op.f("pk_presence")),
    )
    op.create_table(
        "saved_filter",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("options", storage.columns.Json(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_saved_filter_agent_id")),
        sa.PrimaryKeyConstraint("agent_id", "name", name=op.f("pk_saved_filter")),
    )
    op.create_table(
        "shown",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("drift", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_shown_agent_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_shown_ticket_id")),
        sa.PrimaryKeyConstraint("agent_id", "ticket_id", name=op.f("pk_shown")),
    )
    op.create_table(
        "ticket_link",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["other_id"], ["ticket.id"], name=op.f("fk_ticket_link_other_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_link_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "other_id", name=op.f("pk_ticket_link")),
    )
    with op.batch_alter_table("ticket_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_link_other_id"), ["other_id"], unique=False)

    op.create_table(
        "ticket_queue",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_ticket_queue_queue_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_queue_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "queue_id", name=op.f("pk_ticket_queue")),
    )
    op.create_table(
        "ticket_tag",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_tag_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "tag", name=op.f("pk_ticket_tag")),
    )
    with op.batch_alter_table("ticket_tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_tag_tag"), ["tag"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.String(), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_attachment_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_message_id"), ["message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachment_sha256"), ["sha256"], unique=False)

    op.create_table(
        "message_reference",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("is_own", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_reference_message_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_message_reference_ticket_id")),
        sa.PrimaryKeyConstraint("key", "message_id", name=op.f("pk_message_reference")),
    )
    with op.batch_alter_table("message_reference", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_reference_message_id"), ["message_id"], unique=False)

    op.create_table(
        "outgoing",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("channel_id", sa.Integer(), nullable=True),
        sa.Column("header_id", sa.String(), nullable=False),
        sa.Column("reverse_path", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", storage.columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_outgoing_channel_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_outgoing_message_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_outgoing_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
    )
    with op.batch_alter_table("outgoing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outgoing_header_id"), ["header_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outgoing_message_id"), ["message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outgoing_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outgoing_id", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("spelling", sa.String(), nullable=False),
        sa.Column("way", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt", storage.columns.UtcDateTime(), nullable=False),
        sa.Column("last_reply", sa.String(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("dot_at", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("lost_after_dot", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=False),
        sa.Column("lease_until", storage.columns.UtcDateTime(), nullable=True),
        sa.Column("updated_at", storage.columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["outgoing_id"], ["outgoing.id"], name=op.f("fk_delivery_outgoing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("outgoing_id", "recipient", name=op.f("uq_delivery_outgoing_id_recipient")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_delivery_due",
            ["way", "next_attempt"],
            unique=False,
            sqlite_where=sa.text("state IN ('waiting', 'deferred')"),
            postgresql_where=sa.text("state IN ('waiting', 'deferred')"),
        )
        batch_op.create_index(
            "ix_delivery_sending",
            ["lease_owner"],
            unique=False,
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        )
        batch_op.create_index(batch_op.f("ix_delivery_outgoing_id"), ["outgoing_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_recipient"), ["recipient"], unique=False)
    counter = sa.table("counter", sa.column("name", sa.String), sa.column("value", sa.BigInteger))
    names = ("contact", "ticket", "message", "attachment", "filing")
    op.bulk_insert(counter, [{"name": name, "value": 0} for name in names])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(SQLITE_TABLE)
        return
    # Mail is compressed or encoded already: trying to compress it again costs time at every accept.
    op.execute("ALTER TABLE raw ALTER COLUMN content SET STORAGE EXTERNAL")
    op.execute(POSTGRES_FUNCTION)
    op.execute(POSTGRES_TABLE)
    op.execute(POSTGRES_INDEX)


def downgrade() -> None:
    op.execute("DROP TABLE message_words")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION accept_mails")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_recipient"))
        batch_op.drop_index(batch_op.f("ix_delivery_outgoing_id"))
        batch_op.drop_index(
            "ix_delivery_sending",
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        )
        batch_op.drop_index(
            "ix_delivery_due",
            sqlite_where=sa.text("state IN ('waiting', 'deferred')"),
            postgresql_where=sa.text("state IN ('waiting', 'deferred')"),
        )

    op.drop_table("delivery")
    with op.batch_alter_table("outgoing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outgoing_ticket_id"))
        batch_op.drop_index(batch_op.f("ix_outgoing_message_id"))
        batch_op.drop_index(batch_op.f("ix_outgoing_header_id"))

    op.drop_table("outgoing")
    with op.batch_alter_table("message_reference", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_reference_message_id"))

    op.drop_table("message_reference")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachment_sha256"))
        batch_op.drop_index(batch_op.f("ix_attachment_message_id"))

    op.drop_table("attachment")
    with op.batch_alter_table("ticket_tag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_tag_tag"))

    op.drop_table("ticket_tag")
    op.drop_table("ticket_queue")
    with op.batch_alter_table("ticket_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_link_other_id"))

    op.drop_table("ticket_link")
    op.drop_table("shown")
    op.drop_table("saved_filter")
    op.drop_table("presence")
    op.drop_table("participant")
    op.drop_table("message")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_due_at"))
        batch_op.drop_index(batch_op.f("ix_notice_agent_id"))

    op.drop_table("notice")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_ticket_id"))

    op.drop_table("event")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_status")
        batch_op.drop_index("ix_ticket_queue_status")
        batch_op.drop_index(
            "ix_ticket_pending_until",
            sqlite_where=sa.text("pending_until IS NOT NULL"),
            postgresql_where=sa.text("pending_until IS NOT NULL"),
        )
        batch_op.drop_index("ix_ticket_contact_created")
        batch_op.drop_index("ix_ticket_assignee_status")

    op.drop_table("ticket")
    with op.batch_alter_table("source_inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_inbox_queue_id"))

    op.drop_table("source_inbox")
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rule_queue_id"))

    op.drop_table("rule")
    op.drop_table("withheld_mail")
    op.drop_table("queue_hour")
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mailbox_queue_id"))

    op.drop_table("mailbox")
    with op.batch_alter_table("forward_confirmation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_forward_confirmation_queue_id"))

    op.drop_table("forward_confirmation")
    with op.batch_alter_table("forward_check", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_forward_check_queue_id"))
        batch_op.drop_index(batch_op.f("ix_forward_check_inbox"))

    op.drop_table("forward_check")
    op.drop_table("queue_member")
    with op.batch_alter_table("address", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_address_queue_id"))

    op.drop_table("address")
    with op.batch_alter_table("storm", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_storm_last_at"))

    op.drop_table("storm")
    with op.batch_alter_table("spool", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_spool_waiting",
            sqlite_where=sa.text("state IN ('received', 'failed')"),
            postgresql_where=sa.text("state IN ('received', 'failed')"),
        )
        batch_op.drop_index(
            "ix_spool_storm",
            sqlite_where=sa.text("state = 'held'"),
            postgresql_where=sa.text("state = 'held'"),
        )
        batch_op.drop_index("ix_spool_state")
        batch_op.drop_index(batch_op.f("ix_spool_acceptance_id"))

    op.drop_table("spool")
    op.drop_table("queue")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisation_name"))

    op.drop_table("organisation")
    op.drop_table("unwanted_blob")
    op.drop_table("erased_mail")
    with op.batch_alter_table("contact_address", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_address_contact_id"))

    op.drop_table("contact_address")
    op.drop_table("signing_key")
    with op.batch_alter_table("raw", schema=None) as batch_op:
        batch_op.drop_index("ix_raw_pack", sqlite_where=sa.text("pack <> ''"), postgresql_where=sa.text("pack <> ''"))

    op.drop_table("raw")
    op.drop_table("fact")
    op.drop_table("dkim_key")
    op.drop_table("counter")
    op.drop_table("contact")
    op.drop_table("channel")
    op.drop_table("blocked")
    op.drop_table("allowed")
    op.drop_table("agent")
    op.drop_table("account")
    op.drop_table("suppressed")
    op.drop_table("acceptance")
