"""What PostHog has exported becomes ours: files → rows → persons and events (docs/importing.md)."""
