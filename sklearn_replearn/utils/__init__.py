"""Discovery of the estimators, and the conformance suite that they pass."""
