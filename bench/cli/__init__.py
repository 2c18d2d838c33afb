"""What command lines share: options, one-line errors and progress."""
