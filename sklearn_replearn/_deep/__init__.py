"""Training and encoding with torch and skorch, shared by the neural families."""
