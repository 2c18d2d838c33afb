"""The smallest difference of accuracies that matters, where nothing else is asked for."""

MARGIN = 0.005  # half a point
