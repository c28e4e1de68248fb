"""Training of a network: batches, optimizers, callbacks and the loop."""
