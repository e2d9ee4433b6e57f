"""Inboxes that the gateway reads itself: over IMAP, into the same spool and with the same promises as SMTP."""
