"""What SDKs send: decoding, validation, timestamps, and the one transaction that takes the events."""
