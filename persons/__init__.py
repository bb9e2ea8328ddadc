"""The persons API: capture, identity, outbox, REST, admin."""
