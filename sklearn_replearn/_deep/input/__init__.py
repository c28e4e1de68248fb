"""What goes in: samples, and random changes of them."""
