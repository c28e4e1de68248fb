"""Networks and their layers, built from plain descriptions."""
