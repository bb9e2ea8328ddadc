"""One class per thing in the URL; a method reads from top to bottom: parameters, query, answer."""
