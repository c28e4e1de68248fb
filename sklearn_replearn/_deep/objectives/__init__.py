"""What networks are trained for: losses, miners and signs of health."""
