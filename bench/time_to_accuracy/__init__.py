"""How long networks take to reach an accuracy on MNIST, misses counted as misses."""
