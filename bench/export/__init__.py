"""Trained networks written for other programs, each file checked against the network."""
