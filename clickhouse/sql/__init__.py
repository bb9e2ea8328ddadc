"""SQL fragments that compose: a text, and the values bound to its parameters."""
