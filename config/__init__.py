"""What is settled before we start: settings, secrets, errors and the wording of the mail log."""
